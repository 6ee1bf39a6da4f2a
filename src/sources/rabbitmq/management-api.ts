import type { HttpAnswer, SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { openHttpOnDemand } from '../../wire/http-on-demand.ts';
import { brokerError, looksLikeWebPage } from './broker-error.ts';
import type { RabbitmqConfig } from './config.ts';

/** A request to the node behind one endpoint. */
export interface ManagementRequest {
  /** One of `urls`. */
  readonly endpoint: string;
  /** From the address: `/api/nodes`. */
  readonly path: string;
  /** Statuses other than success that don't throw. */
  readonly accept?: readonly number[];
  readonly signal: AbortSignal;
}

/** The management API: https://www.rabbitmq.com/docs/http-api-reference */
export interface ManagementApi {
  /** The name of the source, for errors. */
  readonly source: string;
  /** The user for reading. */
  readonly username: string;
  readonly endpoints: readonly string[];
  /** @throws {SourceError} unless it is a success or accepted. */
  readonly get: (request: ManagementRequest) => Promise<HttpAnswer>;
  /** The parsed body of a success. @throws {SourceError} */
  readonly getJson: (request: ManagementRequest) => Promise<unknown>;
  /** Sends a DELETE as the user for purging, once. @throws {SourceError} */
  readonly delete: (request: ManagementRequest) => Promise<void>;
  /** Sends a GET as the user for purging. @throws {SourceError} */
  readonly getJsonAsPurger: (request: ManagementRequest) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

type User = RabbitmqConfig['user'];

/** A list without pages, as of old versions, has about 2 kB per queue. */
const MAX_PAGE_BYTES = 64_000_000;
/** All are read: their bodies have the reason. A redirect is not followed, because it would receive the password. */
const EVERY_STATUS: readonly number[] = Array.from({ length: 300 }, (_, index) => 300 + index);

/** Opening it reads no files and sends no requests. */
export function openManagementApi(
  config: RabbitmqConfig,
  recorder: SourceRecorder | undefined,
): ManagementApi {
  const { name, urls, user, allow, timeoutMs } = config;
  const { username = user.username, password = user.password } = allow.purge ?? {};
  const purger: User = { username, password };
  const connection = openHttpOnDemand({ source: config.name, ca: config.ca, recorder });

  const send = async (
    { endpoint, path, accept = [], signal }: ManagementRequest,
    { as, method }: { readonly as: User; readonly method: 'GET' | 'DELETE' },
  ): Promise<HttpAnswer> => {
    if (!urls.includes(endpoint)) throw new SourceError(name, 'missing', `${endpoint} is not configured`);
    const client = await connection.http();
    const answer = await client.requestText({
      url: endpoint + path,
      method,
      headers: {
        // RabbitMQ has no JSON to respond to a DELETE with, and would reject the request (406).
        ...(method === 'DELETE' && { accept: '*/*' }),
        authorization: `Basic ${Buffer.from(`${as.username}:${as.password}`).toString('base64')}`,
      },
      accept: EVERY_STATUS,
      // An accepted status is an answer, also if it is one that is usually tried again.
      ...(accept.length > 0 && { retries: 0 }),
      maxBytes: MAX_PAGE_BYTES,
      timeoutMs,
      signal,
    });
    if (answer.status < 300 || accept.includes(answer.status)) return answer;
    throw brokerError({ source: name, host: new URL(endpoint).host, username: as.username }, answer);
  };

  const getJsonAs = async (request: ManagementRequest, as: User): Promise<unknown> =>
    jsonOf(name, request.endpoint, await send(request, { as, method: 'GET' }));

  return {
    source: name,
    username: user.username,
    endpoints: urls,
    get: (request) => send(request, { as: user, method: 'GET' }),
    getJson: (request) => getJsonAs(request, user),
    getJsonAsPurger: (request) => getJsonAs(request, purger),
    delete: async (request) => {
      await send(request, { as: purger, method: 'DELETE' });
    },
    close: async () => {
      await connection.close();
    },
  };
}

/** @throws {SourceError} `malformed` if the body is not JSON. */
export function jsonOf(source: string, endpoint: string, answer: HttpAnswer): unknown {
  const body = parseJson(answer.text);
  if (body !== undefined) return body;
  const content = looksLikeWebPage(answer)
    ? 'a web page'
    : answer.text.trim() === ''
      ? 'an empty body'
      : 'something other than JSON';
  const { host } = new URL(endpoint);
  throw new SourceError(
    source,
    'malformed',
    `${host} responded with ${content} instead of JSON (${answer.status})`,
  );
}

/**
 * A name in a path: the virtual host `/` is `%2F`.
 * @throws {SourceError} for `.` and `..`, which every URL parser removes: the request would reach something else.
 */
export function inPath(source: string, name: string): string {
  if (name === '.' || name === '..')
    throw new SourceError(source, 'refused', `the name ${name} cannot be part of a URL`);
  return encodeURIComponent(name);
}
