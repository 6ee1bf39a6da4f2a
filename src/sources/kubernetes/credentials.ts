import { SourceError } from '../../ports/source-error.ts';
import { runExecPlugin } from './exec-plugin.ts';
import { type ClusterUser, type PemOrFile, readText } from './kubeconfig.ts';

/** What authenticates requests. */
export interface Credential {
  /** Names are lowercase. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** The parts of the headers that must stay secret. */
  readonly secrets: readonly string[];
  /** Names the credential in errors: `the token in the kubeconfig`. */
  readonly origin: string;
  /** When to obtain a new one, in the time of `performance.now()`. */
  readonly usableUntilMs: number;
}

/** How often to read token and certificate files again. The kubelet replaces them long before they expire. */
const FILE_MS = 30_000;
const EXPIRY_MARGIN_MS = 10_000;
/** Also for a credential that has already expired by our clock, so that a plugin doesn't run for every request. */
const MIN_LIFETIME_MS = 5_000;

/**
 * Obtains the credential of a user: reads its files, or runs its exec plugin.
 * @throws {SourceError} whose message contains no part of the credential.
 */
export async function obtainCredential(
  source: string,
  { token, tokenFile, basic, certificate, exec, impersonate }: ClusterUser,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Credential> {
  const impersonation = impersonate ? impersonationHeaders(source, impersonate) : {};
  // As in client-go, a token or password of the kubeconfig wins over the plugin.
  const isStatic = token !== undefined || tokenFile !== undefined || basic !== undefined;
  if (exec && !isStatic) {
    const made = await runExecPlugin(source, exec, options);
    const leftMs = made.expiresAt ? made.expiresAt.getTime() - Date.now() - EXPIRY_MARGIN_MS : Infinity;
    return {
      headers: { ...impersonation, ...(made.token && bearer(source, made.token)) },
      ...(made.cert && made.key && { certificate: { cert: made.cert, key: made.key } }),
      secrets: made.token ? [made.token] : [],
      origin: 'the credential of the exec plugin',
      usableUntilMs: performance.now() + Math.max(leftMs, MIN_LIFETIME_MS),
    };
  }

  const pem = async (part: PemOrFile): Promise<string> =>
    'pem' in part ? part.pem : readText(source, part.file);
  const tls = certificate && {
    certificate: { cert: await pem(certificate.cert), key: await pem(certificate.key) },
  };
  const readsFiles =
    tokenFile !== undefined || (certificate && ('file' in certificate.cert || 'file' in certificate.key));
  const usableUntilMs = readsFiles ? performance.now() + FILE_MS : Infinity;
  if (tokenFile !== undefined) {
    const read = (await readText(source, tokenFile)).trim();
    if (read === '') throw new SourceError(source, 'malformed', `the token file ${tokenFile} is empty`);
    const headers = { ...impersonation, ...bearer(source, read) };
    return { headers, ...tls, secrets: [read], origin: `the token in ${tokenFile}`, usableUntilMs };
  }
  if (token !== undefined) {
    const headers = { ...impersonation, ...bearer(source, token) };
    return { headers, ...tls, secrets: [token], origin: 'the token in the kubeconfig', usableUntilMs };
  }
  if (basic) {
    const { username, password } = basic;
    const encoded = Buffer.from(`${username}:${password}`).toString('base64');
    const headers = { ...impersonation, authorization: `Basic ${encoded}` };
    const secrets = [encoded, password];
    return { headers, ...tls, secrets, origin: 'the password in the kubeconfig', usableUntilMs };
  }
  const origin = tls ? 'the client certificate in the kubeconfig' : 'a request without a credential';
  return { headers: impersonation, ...tls, secrets: [], origin, usableUntilMs };
}

function impersonationHeaders(
  source: string,
  { user, uid, groups }: NonNullable<ClusterUser['impersonate']>,
): Readonly<Record<string, string>> {
  // Impersonate-Group may repeat, but the HTTP client sends a header once.
  if (groups.length > 1)
    throw new SourceError(
      source,
      'malformed',
      'several `as-groups` in the kubeconfig are not supported: keep one',
    );
  const headers = {
    'impersonate-user': user,
    ...(uid && { 'impersonate-uid': uid }),
    ...(groups[0] && { 'impersonate-group': groups[0] }),
  };
  if (!Object.values(headers).every((value) => /^[\u0020-\u007E]+$/.test(value)))
    throw new SourceError(
      source,
      'malformed',
      'the user or group to impersonate contains characters that cannot be sent in a header',
    );
  return headers;
}

function bearer(source: string, token: string): { readonly authorization: string } {
  if (!/^[\u0021-\u007E]+$/.test(token))
    throw new SourceError(
      source,
      'malformed',
      'the token contains characters that cannot be sent in a header',
    );
  return { authorization: `Bearer ${token}` };
}
