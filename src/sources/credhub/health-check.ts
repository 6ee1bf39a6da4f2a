import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { count } from '../../text/wording.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import type { CredhubConfig } from './config.ts';
import { listCredhubCertificates } from './list-certificates.ts';
import type { CredhubSession } from './session.ts';

interface HealthCheckInput {
  readonly config: CredhubConfig;
  readonly reading: CredhubSession;
  /** The credential for renewing, if it is another one. */
  readonly renewing?: CredhubSession;
  readonly signal: AbortSignal;
}

/** Logs in and lists certificates. Throws only on a bug in Wrench. */
export async function checkCredhubHealth(input: HealthCheckInput): Promise<SourceHealth> {
  const { config, reading, renewing, signal } = input;
  try {
    const version = await readVersion(reading, signal);
    let listed = 0;
    const problems: SourceError[] = [];
    for await (const one of listCredhubCertificates({ config, session: reading }, { signal })) {
      if (one.kind === 'managed') listed += 1;
      else problems.push(one.error);
    }
    const found = `CredHub${version === undefined ? '' : ` ${version}`}, ${count(listed, 'certificate')} can be read`;
    const [problem] = problems;
    if (problem)
      return {
        ok: false,
        summary: [found, ...problems.slice(0, 3).map(({ message }) => message), ...more(problems)].join('; '),
        hint: hintFor(config, problem),
      };
    const renewals = await checkRenewals(config, renewing ?? reading, signal);
    return { ...renewals, summary: `${found}; ${renewals.summary}` };
  } catch (error) {
    if (signal.aborted) return { ok: false, summary: 'timed out', hint: hintFor(config) };
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, summary: error.message, hint: hintFor(config, error) };
  }
}

function more(problems: readonly SourceError[]): readonly string[] {
  return problems.length > 3 ? [`and ${problems.length - 3} more`] : [];
}

async function checkRenewals(
  { allow }: CredhubConfig,
  session: CredhubSession,
  signal: AbortSignal,
): Promise<SourceHealth> {
  if (!allow.renew) return { ok: true, summary: 'read-only' };
  try {
    // Without it, a certificate that expired in the meantime would be noticed only at the first renewal.
    await session.request({ path: '/version', accept: [404], signal });
    return { ok: true, summary: 'renewals can log in' };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return {
      ok: false,
      summary: `renewals won't work: ${error.message}`,
      hint: 'Correct `allow.renew.auth`, or remove `allow.renew`',
    };
  }
}

/** Requires a login; absent before CredHub 1.9. */
async function readVersion(session: CredhubSession, signal: AbortSignal): Promise<string | undefined> {
  const { text } = await session.request({ path: '/version', accept: [404], signal });
  const version = textIn(asObject(parseJson(text)), 'version');
  return version !== undefined && /^[\w.+-]{1,40}$/.test(version) ? version : undefined;
}

function hintFor({ url, uaa, paths }: CredhubConfig, error?: SourceError): string {
  const message = error?.message ?? '';
  if (error?.kind === 'missing' && message.includes('file'))
    return 'Correct the file name or its permissions';
  if (message.includes('not trusted')) return 'Set `ca` to a PEM file with that CA';
  if (error?.kind === 'refused' && message.includes('grant type'))
    return 'Create the client with `--authorized_grant_types client_credentials`';
  if (error?.kind === 'refused' && message.includes('Access is denied'))
    return 'Give its client the authority credhub.read in UAA: docs/sources.md#credhub';
  if (error?.kind === 'refused') return 'Correct `auth`: docs/sources.md#credhub';
  if (message.includes('permission `read`'))
    return `Give the credential the permission \`read\` for ${(paths ?? ['']).map((path) => `${path === '/' ? '' : path}/*`).join(', ')}: docs/sources.md#credhub`;
  if (message.includes('configure `uaa`')) return 'Set `uaa` to the address of UAA';
  return uaa === undefined
    ? `Check that ${url} is correct and reachable from here`
    : `Check that ${url} and ${uaa} are correct and reachable from here`;
}
