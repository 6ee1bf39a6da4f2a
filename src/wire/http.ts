import type { LookupFunction, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, ProxyAgent, request as send, Socks5ProxyAgent } from 'undici';
import type { buildConnector, Dispatcher } from 'undici';
import type { HttpAnswer, SourceRecorder } from '../ports/recorder.ts';
import { SourceError } from '../ports/source-error.ts';
import { explainFailure, isReset } from './explain-failure.ts';
import { startDeadline } from './deadline.ts';
import type { Deadline } from './deadline.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_BYTES = 10_000_000;
const MAX_RETRIES = 2;
const MAX_RETRY_WAIT_MS = 5_000;
const MAX_REDIRECTS = 3;
/** Rate limits, eventual consistency (Vault), and the three statuses that a proxy returns while its backend restarts. */
const WORTH_RETRYING: ReadonlySet<number> = new Set([412, 429, 502, 503, 504]);
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface HttpTls {
  /** PEM; replaces the public roots. */
  readonly ca?: string;
  /** PEM, with its key: for servers that require a client certificate. */
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  /** `false` accepts any certificate; set it only if the configuration does. Default: true. */
  readonly rejectUnauthorized?: boolean;
}

export interface HttpRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as a form, if there is no `body`. */
  readonly form?: Readonly<Record<string, string>>;
  /** For the whole call: from connecting to the last byte, retries included. */
  readonly timeoutMs: number;
  /** The maximum size of the response. Default: 10 MB. */
  readonly maxBytes?: number;
  /** If the response is larger, return its first `maxBytes + 1` bytes instead of an error. */
  readonly cut?: boolean;
  /** Join the values of a repeated header by commas instead of returning only the first. */
  readonly joinHeaders?: boolean;
  /** The encoding of the response. Default: UTF-8. `latin1` is ISO-8859-1, one byte per character. */
  readonly encoding?: 'utf8' | 'latin1';
  readonly signal: AbortSignal;
  /** If the connection ends in the middle of a response and retries don't help, return the part that was received: for texts that are useful in part. */
  readonly partial?: boolean;
  /** Statuses above 299 that are returned instead of thrown. A redirect among them is not followed. */
  readonly accept?: readonly number[];
  /** At most 2; only a GET is retried. Default: 2. */
  readonly retries?: number;
}

export interface JsonResponse {
  readonly status: number;
  /** Parsed but not validated; `undefined` if the response had no body. */
  readonly body: unknown;
}

/** A response that is not parsed: for what is not JSON, and for errors whose own message matters. */
export type TextResponse = HttpAnswer;

export interface HttpClient {
  /**
   * @throws the reason of `signal`, once it aborts.
   * @throws {SourceError} for everything that can go wrong: `unreachable` (no response, 5xx, a redirect elsewhere), `refused`
   * (401, 403, other 4xx), `missing` (404), `malformed` (not JSON, too much). Its message names the host and nothing that
   * was sent or received.
   */
  readonly requestJson: (request: HttpRequest) => Promise<JsonResponse>;
  readonly close: () => Promise<void>;
}

/** A client that also returns responses unparsed. */
export interface PlainHttpClient extends HttpClient {
  /** As `requestJson`, but the text of the response is not parsed. */
  readonly requestText: (request: HttpRequest) => Promise<TextResponse>;
}

/** Replaces the TCP connection. `name` replaces the host in messages. */
export type HttpThrough = { readonly name: string } & (
  | { readonly socketPath: string }
  /** Opens a new stream. If it throws a `SourceError`, requests fail with it. */
  | { readonly openStream: () => Promise<Duplex> }
);

/** JSON over HTTP to one source. */
export function openHttp(options: {
  readonly source: string;
  readonly tls?: HttpTls;
  /** Whether connections are kept open and reused. Default: true. */
  readonly keepAlive?: boolean | undefined;
  /** Resolves the host names of URLs. If it fails with a `SourceError`, requests fail with it. Default: as this machine resolves names. */
  readonly lookup?: LookupFunction | undefined;
  readonly connectTimeoutMs?: number;
  /** URL of an HTTP or SOCKS5 proxy; may include a user and a password. */
  readonly proxy?: string | undefined;
  /** Connects to a socket or a stream instead of to the host of the URL. */
  readonly through?: HttpThrough | undefined;
  /** How many connections to one server are open at most; further requests wait for a free one. Default: no limit. */
  readonly maxConnections?: number | undefined;
  readonly recorder?: SourceRecorder | undefined;
}): PlainHttpClient {
  const { source, recorder } = options;
  const agent = openAgent(options);
  const connection = { agent, source, anonymous: !options.tls?.cert, name: options.through?.name };
  const hostOf = (url: URL): string => options.through?.name ?? url.host;
  const send = (request: HttpRequest): Promise<HttpAnswer> => sendWithRetries(connection, request);
  const requestText = async (request: HttpRequest): Promise<TextResponse> => {
    const url = parseAddress(source, request.url);
    const response = await (recorder?.http(request, send) ?? send(request));
    return acceptOrThrow(source, hostOf(url), request, response);
  };
  return {
    requestJson: async (request) =>
      parse(source, hostOf(parseAddress(source, request.url)), await requestText(request)),
    requestText,
    close: async () => {
      await agent.destroy();
    },
  };
}

/** @throws {SourceError} if the URL of the proxy is invalid. */
function openAgent({
  source,
  tls,
  keepAlive = true,
  lookup,
  proxy,
  through,
  maxConnections,
  connectTimeoutMs = CONNECT_TIMEOUT_MS,
}: Parameters<typeof openHttp>[0]): Dispatcher {
  // The call's deadline is the only timer. Undici's own would end a slow response with other messages.
  const timers = {
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    connections: maxConnections ?? null,
    pipelining: keepAlive ? 1 : 0,
  };
  // Otherwise NODE_TLS_REJECT_UNAUTHORIZED applies.
  const connect = {
    timeout: connectTimeoutMs,
    rejectUnauthorized: true,
    ...tls,
    ...(lookup && { lookup }),
  };
  if (through && 'openStream' in through)
    return new Agent({ ...timers, connect: connectThrough(through.openStream) });
  if (through) return new Agent({ ...timers, connect: { ...connect, socketPath: through.socketPath } });
  if (proxy === undefined) return new Agent({ ...timers, connect });
  const { protocol, username, password } = URL.canParse(proxy) ? new URL(proxy) : EMPTY_PROXY;
  if (!isEncoded(username) || !isEncoded(password))
    throw new SourceError(source, 'malformed', 'the user or password of the proxy is not percent-encoded');
  if (/^socks5?:$/.test(protocol))
    return new Socks5ProxyAgent(proxy, { ...timers, requestTls: { allowH2: false, ...connect } });
  if (/^https?:$/.test(protocol))
    return new ProxyAgent({ ...timers, uri: proxy, requestTls: connect, connectTimeout: connectTimeoutMs });
  throw new SourceError(source, 'malformed', 'the proxy is not an http://, https:// or socks5:// URL');
}

/** Undici uses only what a socket has in common with all streams. */
function connectThrough(openStream: () => Promise<Duplex>): buildConnector.connector {
  const open = async (callback: buildConnector.Callback): Promise<void> => {
    try {
      callback(null, (await openStream()) as Socket);
    } catch (error) {
      callback(error instanceof Error ? error : new Error('not connected'), null);
    }
  };
  return (_options, callback) => void open(callback);
}

const EMPTY_PROXY = { protocol: '', username: '', password: '' } as const;

/** Whether a text can be percent-decoded. Undici decodes it, and throws if it can't. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

interface Connection {
  readonly agent: Dispatcher;
  readonly source: string;
  /** No client certificate is configured. */
  readonly anonymous: boolean;
  /** In messages, if it is not the host of the URL. */
  readonly name: string | undefined;
}

/** @throws {SourceError} if there is no response; any status counts as one. */
async function sendWithRetries(connection: Connection, request: HttpRequest): Promise<TextResponse> {
  const { source } = connection;
  const url = parseAddress(source, request.url);
  const deadline = startDeadline(request.signal, request.timeoutMs);
  const retries = isRead(request) ? Math.min(request.retries ?? MAX_RETRIES, MAX_RETRIES) : 0;
  try {
    for (let retry = 0; ; retry++) {
      const partial = request.partial === true && retry >= retries;
      const response = await sendOnce(connection, url, { ...request, partial }, deadline).catch(
        (error: unknown) => {
          // A server may close a kept connection at the moment it is reused, which is not a failure.
          if (retry < retries && isReset(error) && !deadline.signal.aborted) return undefined;
          throw error;
        },
      );
      const again = !response || isWorthRetrying(response);
      if (!again || retry >= retries) return response!;
      const waitMs = retryWaitMs(response?.headers['retry-after'], retry);
      if (response && waitMs >= deadline.leftMs()) return response;
      await sleep(waitMs, undefined, { signal: deadline.signal });
    }
  } catch (error) {
    if (error instanceof SourceError) throw error;
    if (request.signal.aborted) throw request.signal.reason;
    const { kind, message, code } = explainFailure(error, connection.name ?? url.host, {
      deadline,
      anonymously: url.protocol === 'https:' && connection.anonymous,
    });
    throw new SourceError(source, kind, message, { code });
  } finally {
    deadline.stop();
  }
}

/** Old versions of OpenStack limit rates with a 413: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14 */
function isWorthRetrying({ status, headers }: TextResponse): boolean {
  return WORTH_RETRYING.has(status) || (status === 413 && headers['retry-after'] !== undefined);
}

/** Follows redirects only within the origin: another origin would receive this one's token. */
async function sendOnce(
  { agent, source, name }: Connection,
  url: URL,
  request: HttpRequest,
  deadline: Deadline,
): Promise<TextResponse> {
  const host = name ?? url.host;
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const response = await send(at, {
      dispatcher: agent,
      method: request.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...contentType(request),
        ...request.headers,
      },
      body: bodyOf(request),
      signal: deadline.signal,
    });
    const { statusCode } = response;
    const isRedirect = REDIRECTS.has(statusCode) && !request.accept?.includes(statusCode);
    const location = isRedirect ? firstOf(response.headers['location']) : undefined;
    if (location === undefined) return read(source, response, host, request);
    await response.body.dump({ limit: 16_384 });
    const to = URL.canParse(location, at.href) ? new URL(location, at) : undefined;
    const follow = to?.origin === url.origin && isRead(request) && redirects < MAX_REDIRECTS;
    if (!follow) {
      const elsewhere = to ? (to.origin === url.origin ? 'itself' : to.origin) : 'an invalid address';
      const message = `${host} redirects to ${elsewhere}, which was not followed: configure the final address`;
      throw new SourceError(source, 'unreachable', message);
    }
    at = to;
  }
}

function contentType({ body, form }: HttpRequest): Readonly<Record<string, string>> {
  if (body !== undefined) return { 'content-type': 'application/json' };
  return form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
}

function bodyOf({ body, form }: HttpRequest): string | null {
  if (body !== undefined) return JSON.stringify(body);
  return form === undefined ? null : new URLSearchParams(form).toString();
}

async function read(
  source: string,
  response: Dispatcher.ResponseData,
  host: string,
  { maxBytes = MAX_BYTES, encoding = 'utf8', partial = false, cut = false, joinHeaders = false }: HttpRequest,
): Promise<TextResponse> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // Leaving the loop destroys the stream and its connection.
      if (bytes > maxBytes && cut) {
        chunks.push(chunk.subarray(0, chunk.length - (bytes - maxBytes - 1)));
        break;
      }
      if (bytes > maxBytes)
        throw new SourceError(
          source,
          'malformed',
          `${host} responded with more than ${formatBytes(maxBytes)}`,
          { code: 'TOO_LARGE' },
        );
      chunks.push(chunk);
    }
  } catch (error) {
    if (!partial || bytes === 0 || !isReset(error)) throw error;
  }
  return {
    status: response.statusCode,
    text: Buffer.concat(chunks).toString(encoding),
    headers: Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [
        name,
        (joinHeaders && Array.isArray(value) ? value.join(', ') : firstOf(value)) ?? '',
      ]),
    ),
  };
}

/** @throws {SourceError} if the status is not accepted. */
function acceptOrThrow(
  source: string,
  host: string,
  request: HttpRequest,
  response: TextResponse,
): TextResponse {
  const { status } = response;
  const accepted = status < 300 || (request.accept?.includes(status) ?? false);
  if (!accepted) throw errorOfStatus(source, host, status);
  return response;
}

function parse(source: string, host: string, { status, text, headers }: TextResponse): JsonResponse {
  if (text.trim() === '') return { status, body: undefined };
  try {
    return { status, body: JSON.parse(text) as unknown };
  } catch {
    // The parser's own message quotes the text.
    const looksLikeHtml = /\bhtml\b/i.test(headers['content-type'] ?? '');
    const what = looksLikeHtml ? 'a web page instead of JSON' : 'something other than JSON';
    throw new SourceError(source, 'malformed', `${host} responded with ${what} (${status})`);
  }
}

function errorOfStatus(source: string, host: string, status: number): SourceError {
  if (status === 401 || status === 403)
    return new SourceError(source, 'refused', `${host} refused: permission denied (${status})`);
  if (status === 404) return new SourceError(source, 'missing', `${host} has nothing at this path (404)`);
  if (status === 429)
    return new SourceError(source, 'unreachable', `${host} is rate limiting requests (429)`);
  if (status === 412) return new SourceError(source, 'unreachable', `${host} is not up to date yet (412)`);
  if (status >= 500)
    return new SourceError(source, 'unreachable', `${host} responded with an error (${status})`);
  return new SourceError(source, 'refused', `${host} refused the request (${status})`);
}

function parseAddress(source: string, address: string): URL {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new SourceError(source, 'malformed', 'the address is not an http:// or https:// URL');
  // Undici never sends them, and messages must not repeat them.
  url.username = '';
  url.password = '';
  return url;
}

/** `Retry-After` in seconds or as a date, else a short wait; either with jitter, so that many clients don't retry at once. */
function retryWaitMs(retryAfter: string | undefined, retry: number): number {
  const seconds = retryAfter === undefined ? Number.NaN : Number(retryAfter);
  const askedMs = Number.isNaN(seconds) ? Date.parse(retryAfter ?? '') - Date.now() : seconds * 1000;
  if (askedMs >= 0) return Math.min(askedMs, MAX_RETRY_WAIT_MS) + Math.random() * 50;
  return 100 * 2 ** retry * (0.5 + Math.random());
}

function isRead(request: HttpRequest): boolean {
  return (request.method ?? 'GET') === 'GET';
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function formatBytes(bytes: number): string {
  return bytes >= 1_000_000 ? `${Math.round(bytes / 1_000_000)} MB` : `${Math.round(bytes / 1000)} kB`;
}
