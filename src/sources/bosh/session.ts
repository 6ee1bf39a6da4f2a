import { setTimeout as sleep } from 'node:timers/promises';
import { SourceError } from '../../ports/source-error.ts';
import type { PlainHttpClient, TextResponse } from '../../wire/http.ts';
import { basicHeader, logInToUaa, type UaaLogin } from '../../wire/uaa.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import type { BoshAuth, BoshConfig } from './config.ts';
import type { HttpOnDemand } from '../../wire/http-on-demand.ts';
import { readInfo } from './info.ts';
import { directorError } from './director-error.ts';

const MAX_BYTES = 50_000_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1_000;
/** A rate limit, and what a proxy returns while the director behind it restarts: the same request may succeed a moment later. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export interface DirectorRequest {
  readonly method?: 'GET' | 'POST' | 'PUT';
  /** With its query, escaped. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses other than success that don't throw. */
  readonly accept?: readonly number[];
  /**
   * In the time of `performance.now()`: until then, a failed request is retried (a lost connection, 429, 502, 503 or 504). Only for GET: a
   * request that starts something is sent once.
   */
  readonly retryUntilMs?: number;
  readonly signal: AbortSignal;
}

/** One credential at the director, and its token. */
export interface DirectorSession {
  /**
   * Sends a request, and logs in again once if the token has expired. Returns only success and accepted statuses.
   * @throws {SourceError} with the director's own message if it sends one.
   */
  readonly request: (request: DirectorRequest) => Promise<TextResponse>;
  /** Logs in unless already logged in. @throws {SourceError} if the login is rejected. */
  readonly logIn: (signal: AbortSignal) => Promise<Login>;
}

/** Without scopes for a local user of the director. */
export type Login = UaaLogin;

export function openDirectorSession(
  config: BoshConfig,
  auth: BoshAuth,
  connector: HttpOnDemand,
): DirectorSession {
  let login: Login | undefined;
  let loggingIn: Promise<Login> | undefined;

  /** Shared by all callers, so no caller's signal stops it; it has its own timeout. */
  const logInOnce = async (signal: AbortSignal): Promise<Login> => {
    signal.throwIfAborted();
    if (login && login.endsAtMs > performance.now()) return login;
    loggingIn ??= fetchLogin(config, auth, connector).finally(() => (loggingIn = undefined));
    login = await unlessAborted(loggingIn, signal);
    return login;
  };

  const sendOnce = async (request: DirectorRequest): Promise<TextResponse> => {
    const http = await connector.http();
    const used = await logInOnce(request.signal);
    const response = await send(config, http, request, used.authorization);
    if (!isBadToken(response)) return response;
    if ('basic' in auth) throw refused(config, 'the director rejected the username or password');
    // Expired or revoked. Another request may have logged in already.
    if (login === used) login = undefined;
    const fresh = await logInOnce(request.signal);
    const second = await send(config, http, request, fresh.authorization);
    if (isBadToken(second)) throw refused(config, 'the director rejected the token that UAA just issued');
    return second;
  };

  const sendRequest = async (request: DirectorRequest): Promise<TextResponse> => {
    const { signal } = request;
    let last: SourceError | undefined;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
      const response = await sendOnce(request).catch((error: unknown) => {
        if (signal.aborted) throw abortedAfter(signal, last);
        if (mayRetry(request, pauseMs) && isUnreachable(error)) return error;
        throw error;
      });
      const isResponse = !(response instanceof SourceError);
      if (isResponse && !(RETRYABLE.has(response.status) && mayRetry(request, pauseMs)))
        return acceptOrThrow(config, request, response);
      last = isResponse ? directorError(config, response) : response;
      await pause(pauseMs, signal, last);
    }
  };

  return { request: sendRequest, logIn: logInOnce };
}

/** Whether there is time for a pause and a retry. */
function mayRetry({ method = 'GET', retryUntilMs = 0 }: DirectorRequest, pauseMs: number): boolean {
  return method === 'GET' && performance.now() + pauseMs < retryUntilMs;
}

/** Waits. @throws the reason of `signal`; at a deadline, with the error that caused the wait. */
export async function pause(ms: number, signal: AbortSignal, last?: SourceError): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    throw abortedAfter(signal, last);
  });
}

function abortedAfter({ reason }: AbortSignal, last: SourceError | undefined): unknown {
  if (!last || !(reason instanceof SourceError)) return reason;
  return new SourceError(reason.source, reason.kind, `${reason.message}: ${last.message}`);
}

function isUnreachable(error: unknown): error is SourceError {
  return error instanceof SourceError && error.kind === 'unreachable';
}

function send(
  config: BoshConfig,
  http: PlainHttpClient,
  { method = 'GET', path, headers, accept = [], retryUntilMs, signal }: DirectorRequest,
  authorization: string,
): Promise<TextResponse> {
  return http.requestText({
    url: config.url + path,
    method,
    headers: { authorization, ...headers },
    // Every status with a message of its own. Redirects are never followed, because they may name any host.
    accept: [301, 302, 303, 307, 308, 400, 401, 403, 404, 409, 410, 500, ...RETRYABLE, ...accept],
    maxBytes: MAX_BYTES,
    // Requests with `retryUntilMs` are retried at intervals of their own.
    ...(retryUntilMs !== undefined && { retries: 0 }),
    timeoutMs: config.timeoutMs,
    signal,
  });
}

/** An invalid token is 401 in plain text; a missing scope is also 401, but in JSON with a code. */
function isBadToken({ status, text }: TextResponse): boolean {
  return status === 401 && !text.trimStart().startsWith('{');
}

function acceptOrThrow(
  config: BoshConfig,
  { accept = [] }: DirectorRequest,
  response: TextResponse,
): TextResponse {
  if (response.status < 300 || accept.includes(response.status)) return response;
  throw directorError(config, response);
}

async function fetchLogin(config: BoshConfig, auth: BoshAuth, connector: HttpOnDemand): Promise<Login> {
  if ('basic' in auth) {
    const { username, password } = auth.basic;
    return { authorization: basicHeader(username, password), endsAtMs: Infinity };
  }
  const http = await connector.http();
  const { signal } = new AbortController();
  const uaaUrl = config.uaa ?? (await findUaa(config, http, signal));
  return logInToUaa({
    source: config.name,
    http,
    uaaUrl,
    client: auth.client,
    timeoutMs: config.timeoutMs,
    signal,
  });
}

/** The secret is sent to the address that the director reports, but never unencrypted. */
async function findUaa(config: BoshConfig, http: PlainHttpClient, signal: AbortSignal): Promise<string> {
  const { auth, uaaUrl } = await readInfo(config, http, { signal });
  if (auth !== 'uaa')
    throw refused(config, `the director has no UAA (its login type is ${auth}): configure \`auth.basic\``);
  if (uaaUrl === undefined || !URL.canParse(uaaUrl) || new URL(uaaUrl).protocol !== 'https:')
    throw new SourceError(
      config.name,
      'malformed',
      'the director reports no https address for its UAA: configure `uaa`',
    );
  return uaaUrl;
}

function refused({ name }: BoshConfig, message: string): SourceError {
  return new SourceError(name, 'refused', message);
}
