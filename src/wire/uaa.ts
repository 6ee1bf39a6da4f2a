import { SourceError } from '../ports/source-error.ts';
import { parseJson } from '../text/parse-json.ts';
import type { PlainHttpClient } from './http.ts';
import { asObject, type JsonObject, numberIn, textIn } from './json-object.ts';
import { printable } from './x509.ts';

/** A token is renewed this long before it expires, because a request takes a while. */
const TOKEN_MARGIN_MS = 30_000;
const DEFAULT_LIFETIME_SECONDS = 60;

export interface UaaLogin {
  /** The header of that name. */
  readonly authorization: string;
  /** The scopes that UAA granted: `bosh.read`. Absent if it did not say. */
  readonly scopes?: readonly string[];
  /** When to log in again, in the time of `performance.now()`, which changes of the clock don't affect. */
  readonly endsAtMs: number;
}

export interface UaaRequest {
  readonly source: string;
  readonly http: PlainHttpClient;
  /** The address of UAA, without `/oauth/token`. */
  readonly uaaUrl: string;
  readonly client: { readonly id: string; readonly secret: string };
  /** Logs in a user with the password grant. Default: the client itself logs in. */
  readonly user?: { readonly username: string; readonly password: string } | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Logs in to a UAA: https://docs.cloudfoundry.org/api/uaa/#token
 * @throws {SourceError} `refused` if it rejects the login. Its message contains nothing that was sent.
 */
export async function logInToUaa(request: UaaRequest): Promise<UaaLogin> {
  const { source, http, uaaUrl, client, user, timeoutMs, signal } = request;
  const { host } = new URL(uaaUrl);
  const answer = await http.requestText({
    url: `${uaaUrl}/oauth/token`,
    method: 'POST',
    headers: { authorization: basicHeader(client.id, client.secret) },
    form: user ? { grant_type: 'password', ...user } : { grant_type: 'client_credentials' },
    accept: [400, 401, 403],
    timeoutMs,
    signal,
  });
  const body = asObject(parseJson(answer.text));
  if (answer.status >= 400)
    throw new SourceError(source, 'refused', explainRejection(request, { ...answer, body }));
  const token = textIn(body, 'access_token');
  if (token === undefined)
    throw new SourceError(source, 'malformed', `UAA at ${host} did not return a token`);
  const seconds = numberIn(body, 'expires_in') ?? DEFAULT_LIFETIME_SECONDS;
  const scope = textIn(body, 'scope');
  return {
    authorization: `bearer ${token}`,
    ...(scope !== undefined && { scopes: scope.split(' ').filter(Boolean).map(printable) }),
    endsAtMs: performance.now() + Math.max(seconds * 1000 - TOKEN_MARGIN_MS, seconds * 500),
  };
}

interface Rejection {
  readonly status: number;
  readonly body: JsonObject;
}

/** https://docs.cloudfoundry.org/api/uaa/#errors */
function explainRejection(
  { uaaUrl, client, user }: Pick<UaaRequest, 'uaaUrl' | 'client' | 'user'>,
  { status, body }: Rejection,
): string {
  const { host } = new URL(uaaUrl);
  const code = textIn(body, 'error');
  const id = printable(client.id);
  if (user) return `UAA at ${host} rejected the username or the password (${status})`;
  if (code === 'unauthorized_client')
    return `UAA at ${host} rejected the client ${id} (${status}): it lacks the grant type client_credentials`;
  if (code === 'invalid_client' || code === 'unauthorized' || status === 401)
    return `UAA at ${host} rejected the client ${id} or its secret (${status})`;
  const said = printable((textIn(body, 'error_description') ?? '').replaceAll(/\s+/g, ' ')).slice(0, 300);
  return `UAA at ${host} rejected the login (${status})${said === '' ? '' : `: ${said}`}`;
}

export function basicHeader(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
