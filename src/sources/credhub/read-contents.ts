import type { X509Certificate } from 'node:crypto';
import type { Certificate } from '../../ports/certificate.ts';
import type { VersionContent } from '../../ports/managed-certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { findCertificates } from '../../wire/find-certificates.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import type { CredhubConfig } from './config.ts';
import type { CredhubSession } from './session.ts';
import { foldName } from './to-managed.ts';

const REQUESTS_AT_ONCE = 4;

interface ContentsQuery {
  readonly config: CredhubConfig;
  readonly session: CredhubSession;
  /** `/bosh/cf/uaa_ca` */
  readonly name: string;
  readonly versions: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * The certificates in some versions of a credential. CredHub returns them only together with the private key, which is dropped here.
 * A version that no longer exists is left out.
 * @throws {SourceError} `missing` if none of them exists or may be read; `refused` if the configuration forbids reading contents.
 */
export async function readVersionContents(query: ContentsQuery): Promise<readonly VersionContent[]> {
  const { config, session, name, versions, signal } = query;
  if (config.contents === 'never')
    throw new SourceError(
      config.name,
      'refused',
      'certificates are not read, because reading one also reads its private key: `contents` is `never`',
    );
  const read = new Map<string, VersionContent>();
  const found = concurrently(
    [...new Set(versions)],
    REQUESTS_AT_ONCE,
    (id) => readVersion(query, id),
    signal,
  );
  for await (const content of found) if (content) read.set(content.id, content);
  if (versions.length > 0 && read.size === 0)
    throw new SourceError(
      config.name,
      'missing',
      `${session.host} returned 404 for ${name}: it doesn't exist, or the credential has no permission \`read\` for it`,
    );
  return versions.flatMap((id) => read.get(id) ?? []);
}

async function readVersion(
  { config, session, name, signal }: ContentsQuery,
  id: string,
): Promise<VersionContent | undefined> {
  const path = `/api/v1/data/${encodeURIComponent(id)}`;
  const body = await session.requestJson({ path, signal }).catch((error: unknown) => {
    if (error instanceof SourceError && error.kind === 'missing') return undefined;
    throw error;
  });
  return body === undefined ? undefined : toVersionContent(config.name, asObject(body), { id, name });
}

/**
 * Keeps the certificates of a response, and nothing else.
 * @throws {SourceError} `malformed` if it is another version, or contains what can't be read.
 */
export function toVersionContent(
  source: string,
  body: Readonly<Record<string, unknown>>,
  { id, name }: { readonly id: string; readonly name: string },
): VersionContent {
  const malformed = (message: string): SourceError =>
    new SourceError(source, 'malformed', `version ${printable(id)} of ${name} ${message}`);
  const isRequested = body['id'] === id && foldName(textIn(body, 'name') ?? '') === foldName(name);
  if (!isRequested || body['type'] !== 'certificate') throw malformed('is something else');
  const value = asObject(body['value']);
  const certificatesIn = (field: 'certificate' | 'ca'): readonly X509Certificate[] => {
    const { certificates, unreadable } = findCertificates(textIn(value, field) ?? '');
    const [problem] = unreadable;
    if (problem) throw malformed(`has a \`${field}\` that can't be read: ${problem.because}`);
    return certificates.flatMap(({ chain }) => chain);
  };
  const [leaf, ...rest] = certificatesIn('certificate');
  if (!leaf) throw malformed('contains no certificate');
  const createdAt = new Date(textIn(body, 'version_created_at') ?? Number.NaN);
  return {
    id,
    ...(!Number.isNaN(createdAt.getTime()) && { createdAt }),
    chain: [toCertificate(leaf), ...rest.map(toCertificate)],
    trusts: onceEach(certificatesIn('ca').map(toCertificate)),
  };
}

function onceEach(certificates: readonly Certificate[]): readonly Certificate[] {
  return [...new Map(certificates.map((one) => [one.fingerprint, one])).values()];
}
