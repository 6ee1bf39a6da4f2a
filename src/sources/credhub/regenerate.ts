import { isDeepStrictEqual } from 'node:util';
import type { ApplyContext } from '../../ports/apply-context.ts';
import type { HttpAnswer } from '../../ports/recorder.ts';
import type { RegeneratedRenewal, RenewalResult } from '../../ports/renewals.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { toVersionContent } from './read-contents.ts';
import {
  type DescribedEntry,
  prepareRegeneration,
  type PreparedRegeneration,
  readDescribedEntry,
  type RenewalAccess,
} from './plan-regeneration.ts';

/** Nothing was sent: the connection was never established. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/**
 * Lets CredHub generate a certificate again, once, if nothing has changed since the plan; then reads its versions and verifies the new one.
 * @throws {SourceError} as `CertificateWriter.renew` says.
 */
export async function regenerateCertificate(
  access: RenewalAccess,
  planned: RegeneratedRenewal,
  { signal }: ApplyContext,
): Promise<RenewalResult> {
  const { place, asTransitional } = planned;
  const prepared = await prepareRegeneration(access, place, { signal, asTransitional });
  requireAsPlanned(access, prepared, planned);
  signal.throwIfAborted();
  const made = await request(access, prepared, signal);
  const entry = await readDescribedEntry(access, planned.name, signal).catch((error: unknown) => {
    if (!(error instanceof SourceError)) throw error;
    throw new SourceError(
      access.config.name,
      'unreachable',
      `${planned.name} was renewed, but the new version couldn't be verified: ${error.message}`,
      { cause: error },
    );
  });
  return verify(access, prepared, made, entry);
}

function requireAsPlanned(
  { config }: RenewalAccess,
  { renewal }: PreparedRegeneration,
  planned: RegeneratedRenewal,
): void {
  const refused = (message: string): SourceError => new SourceError(config.name, 'refused', message);
  if (!isDeepStrictEqual(renewal.versions, planned.versions))
    throw refused(`${planned.name} or its authority has a newer version than planned: request a new plan`);
  if (!isDeepStrictEqual(renewal, planned))
    throw refused('the renewal would differ from the plan: request a new plan');
}

/** What CredHub generated. The private key in the response is dropped here. */
interface Made {
  readonly version?: string;
  readonly fingerprint?: string;
  readonly serial?: string;
  /** CredHub has a minimum, which replaced the duration of the old version. */
  readonly isDurationOverridden: boolean;
}

async function request(
  { config, session }: RenewalAccess,
  { entry, renewal }: PreparedRegeneration,
  signal: AbortSignal,
): Promise<Made> {
  const unclear = (error: SourceError): SourceError => {
    const wasSent = error.kind === 'unreachable' && !NEVER_SENT.has(error.code ?? '');
    if (!wasSent && error.kind !== 'malformed') return error;
    return new SourceError(
      config.name,
      'unreachable',
      `${error.message}; ${renewal.name} may have been renewed`,
      { cause: error },
    );
  };
  try {
    const answer =
      (await requestById({ config, session }, entry, renewal, signal)) ??
      (await session.request({
        method: 'POST',
        path: '/api/v1/regenerate',
        body: { name: entry.name },
        signal,
      }));
    return madeIn(config.name, entry.name, answer);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw unclear(error);
  }
}

/** @returns undefined if the server is so old that it can't renew by id: before CredHub 2.0, and without transitional versions. */
async function requestById(
  { session }: RenewalAccess,
  { id }: DescribedEntry,
  { asTransitional, name }: RegeneratedRenewal,
  signal: AbortSignal,
): Promise<HttpAnswer | undefined> {
  if (id === undefined && !asTransitional) return undefined;
  const answer = await session.request({
    method: 'POST',
    path: `/api/v1/certificates/${encodeURIComponent(id ?? '')}/regenerate`,
    body: { set_as_transitional: asTransitional },
    accept: [403, 404],
    signal,
  });
  if (answer.status < 300) return answer;
  if (answer.status === 404 && !asTransitional && !isAboutCredential(answer)) return undefined;
  throw new SourceError(
    session.source,
    'refused',
    answer.status === 403 || isAboutCredential(answer)
      ? `the credential for renewals has no permission \`write\` for ${name} (${answer.status})`
      : `${session.host} is too old to generate a transitional version (404)`,
  );
}

/** CredHub knows the path, and not the credential: https://github.com/cloudfoundry/credhub/blob/main/components/errors/src/main/kotlin/org/cloudfoundry/credhub/ErrorMessages.kt */
function isAboutCredential({ text }: HttpAnswer): boolean {
  return /does not exist or you do not have sufficient authorization/.test(text);
}

function madeIn(source: string, name: string, answer: HttpAnswer): Made {
  const body = asObject(parseJson(answer.text));
  const id = textIn(body, 'id');
  const isDurationOverridden = body['duration_overridden'] === true;
  if (id === undefined) return { isDurationOverridden };
  try {
    const [{ fingerprint, serial }] = toVersionContent(source, body, { id, name }).chain;
    return { version: id, fingerprint, serial, isDurationOverridden };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { version: id, isDurationOverridden };
  }
}

/** @throws {SourceError} `malformed` if the new version isn't what was planned. */
function verify(
  { config }: RenewalAccess,
  { renewal, entry: before, active }: PreparedRegeneration,
  { version, fingerprint, serial, isDurationOverridden }: Made,
  { versions }: DescribedEntry,
): RenewalResult {
  const old = new Set(before.versions.map(({ id }) => id));
  const fresh = versions.filter(({ id }) => !old.has(id));
  const made = version === undefined ? fresh[0] : versions.find(({ id }) => id === version);
  const notAfter = made?.notAfter;
  const overridden = isDurationOverridden ? ' (CredHub overrode its duration)' : '';
  const differs = [
    ...(made && !old.has(made.id) ? [] : ['CredHub lists no new version']),
    ...(made && versions[0]?.id !== made.id ? ['another version is newer'] : []),
    ...(made && made.transitional !== renewal.asTransitional
      ? [made.transitional ? 'it is transitional' : 'it is not transitional']
      : []),
    ...(made && !notAfter ? ["CredHub doesn't say when it expires"] : []),
    ...(notAfter && notAfter <= new Date() ? ['it has expired'] : []),
    ...(notAfter && notAfter < active.notAfter ? [`it expires before the old one${overridden}`] : []),
  ];
  if (differs.length > 0)
    throw new SourceError(
      config.name,
      'malformed',
      `${renewal.name} was renewed, but the result is wrong: ${differs.join(', ')}. Check its versions before the next deploy`,
    );
  return {
    ...(fingerprint !== undefined && { fingerprint }),
    ...(serial !== undefined && { serial }),
    version: made!.id,
    notAfter: notAfter!.toISOString(),
  };
}
