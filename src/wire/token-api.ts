import { SourceError, type SourceErrorKind } from '../ports/source-error.ts';
import { parseJson } from '../text/parse-json.ts';
import type { HttpRequest, TextResponse } from './http.ts';
import { openHttpOnDemand } from './http-on-demand.ts';
import { asObject, textIn } from './json-object.ts';
import { printable } from './x509.ts';

/** Every status but those of redirects, which are followed within the origin, as after a repository was renamed. */
const EVERY_STATUS: readonly number[] = Array.from({ length: 200 }, (_, index) => 400 + index);
const WORTH_RETRYING: ReadonlySet<number> = new Set([502, 503, 504]);
const RESETS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_MESSAGE_LENGTH = 300;
/** A limit whose end is later is taken as unknown. */
const MAX_LIMIT_MS = 24 * 3_600_000;

type Request = Pick<HttpRequest, 'signal' | 'maxBytes' | 'encoding' | 'method' | 'body'> & {
  /** What the answer is about, for errors: `the repository shop/api`. */
  readonly about: string;
  readonly accept?: string;
};

export interface TokenApi {
  /** The host, for messages. */
  readonly host: string;
  /** A response with any status. @throws {SourceError} without a response, and while the server limits requests, with the code `RATE_LIMITED`. */
  readonly ask: (path: string, request: Request) => Promise<TextResponse>;
  /** A success. @throws {SourceError} also for any other status, with the message of the server. */
  readonly get: (path: string, request: Request) => Promise<TextResponse>;
  /** A success, parsed. @throws {SourceError} */
  readonly getJson: (path: string, request: Request) => Promise<unknown>;
  /** The error of a response that is no success. */
  readonly errorOf: (response: TextResponse, about: string) => SourceError;
  readonly close: () => Promise<void>;
}

/** What to do about failed requests if neither the token nor what it may read is the reason: none of them got that far. */
export function hintForConnection(
  { host }: Pick<TokenApi, 'host'>,
  failures: readonly SourceError[],
): string | undefined {
  if (failures.some(({ code }) => code === 'RATE_LIMITED')) return 'Run this again when the limit has ended';
  if (failures.some(({ message }) => message.includes('not trusted')))
    return 'Set `ca` to a PEM file with the CA that signed the certificate';
  if (failures.some(({ kind }) => kind !== 'unreachable')) return undefined;
  return `Check that ${host} is correct and reachable from here`;
}

/** A REST API with a token in a header, such as that of GitHub. Opening it reads no files and sends no requests. */
export function openTokenApi({
  source,
  url,
  ca,
  token,
  headers,
  timeoutMs,
}: {
  readonly source: string;
  readonly url: string;
  readonly ca: string | undefined;
  /** Removed from messages of the server. */
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}): TokenApi {
  const { host } = new URL(url);
  const connection = openHttpOnDemand({ source, ca, recorder: undefined });
  let limit: { readonly error: SourceError; readonly untilMs: number } | undefined;

  const send = async (path: string, { about: _about, accept, ...request }: Request): Promise<TextResponse> =>
    (await connection.http()).requestText({
      maxBytes: MAX_BYTES,
      ...request,
      url: url + path,
      headers: { ...headers, ...(accept !== undefined && { accept }) },
      accept: EVERY_STATUS,
      timeoutMs,
      // Not by the client, which also repeats requests that a limit has refused.
      retries: 0,
    });

  const isRead = ({ method = 'GET' }: Request) => method === 'GET';
  const sendAgain = async (path: string, request: Request): Promise<TextResponse> => {
    try {
      const response = await send(path, request);
      if (!isRead(request) || !WORTH_RETRYING.has(response.status)) return response;
    } catch (error) {
      const isReset = error instanceof SourceError && RESETS.has(error.code ?? '');
      if (!isReset || !isRead(request) || request.signal.aborted) throw error;
    }
    return send(path, request);
  };

  const errorOf = ({ status, text }: TextResponse, about: string): SourceError => {
    // Before it is cut, which could leave a part of the token.
    const said = messageIn(text.replaceAll(token, '[redacted]'));
    const because = said === '' ? '' : `: ${said}`;
    if (status === 401)
      return new SourceError(
        source,
        'refused',
        `${host} refused the token: it is invalid, or has expired (401)`,
      );
    if (status === 404)
      return new SourceError(
        source,
        'missing',
        `${about} doesn't exist on ${host}, or the token may not read it (404)`,
      );
    return new SourceError(source, kindOf(status), `${host} returned ${status} for ${about}${because}`);
  };

  const ask = async (path: string, request: Request): Promise<TextResponse> => {
    if (limit && limit.untilMs > Date.now()) throw limit.error;
    const response = await sendAgain(path, request);
    const untilMs = limitedUntil(response);
    if (untilMs === undefined) return response;
    const when =
      untilMs === 0 ? '' : ` until ${new Date(untilMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
    const error = new SourceError(source, 'unreachable', `${host} limits the requests of this token${when}`, {
      code: 'RATE_LIMITED',
    });
    limit = { error, untilMs };
    throw error;
  };

  const get = async (path: string, request: Request): Promise<TextResponse> => {
    const response = await ask(path, request);
    if (response.status >= 300) throw errorOf(response, request.about);
    return response;
  };

  return {
    host,
    ask,
    get,
    getJson: async (path, request) => {
      const body = parseJson((await get(path, request)).text);
      if (body === undefined)
        throw new SourceError(
          source,
          'malformed',
          `${host} responded with something other than JSON for ${request.about}: check that \`url\` is correct`,
        );
      return body;
    },
    errorOf,
    close: connection.close,
  };
}

/**
 * When a limit ends, or 0 if the response doesn't say it. GitHub refuses with 403 or 429:
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
function limitedUntil({ status, headers, text }: TextResponse): number | undefined {
  if (status !== 429 && status !== 403) return undefined;
  const remaining = headers['x-ratelimit-remaining'] ?? headers['ratelimit-remaining'];
  const retryAfter = headers['retry-after'];
  if (status === 403 && remaining !== '0' && retryAfter === undefined && !/rate limit/i.test(messageIn(text)))
    return undefined;
  const now = Date.now();
  const serverNow = Date.parse(headers['date'] ?? '') || now;
  const resetMs = Number(headers['x-ratelimit-reset'] ?? headers['ratelimit-reset']) * 1000 - serverNow;
  const seconds = Number(retryAfter) * 1000;
  const waitMs =
    retryAfter === undefined ? resetMs : Number.isNaN(seconds) ? Date.parse(retryAfter) - serverNow : seconds;
  return waitMs > 0 && waitMs <= MAX_LIMIT_MS ? now + waitMs : 0;
}

function kindOf(status: number): SourceErrorKind {
  if (status >= 500) return 'unreachable';
  return status === 409 || status === 422 ? 'malformed' : 'refused';
}

/** `{"message":"…"}`, `{"error":"…"}`, or a list of messages. */
function messageIn(text: string): string {
  const body = asObject(parseJson(text));
  const { message } = body;
  const said =
    textIn(body, 'message') ??
    textIn(body, 'error') ??
    (message === undefined ? '' : JSON.stringify(message));
  const errors = Array.isArray(body['errors'])
    ? (body['errors'] as unknown[]).flatMap((one) =>
        typeof one === 'string' ? one : (textIn(asObject(one), 'message') ?? []),
      )
    : [];
  return printable([said, ...errors].join('; ').replaceAll(/\s+/g, ' ')).slice(0, MAX_MESSAGE_LENGTH);
}
