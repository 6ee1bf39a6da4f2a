import type { HttpAnswer, SourceRecorder } from '../../ports/recorder.ts';
import { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { PlainHttpClient } from '../../wire/http.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import type { CredhubAuth, CredhubConfig } from './config.ts';
import { openHttpOnDemand } from '../../wire/http-on-demand.ts';
import { credhubError, credhubErrorCode } from './credhub-error.ts';
import { fetchUaaToken } from './uaa.ts';
import type { UaaLogin } from '../../wire/uaa.ts';

/** All are read: their bodies have the reason. A redirect is not followed, because it would receive the token. */
const EVERY_STATUS: readonly number[] = Array.from({ length: 300 }, (_, index) => 300 + index);

export interface CredhubRequest {
  readonly method?: 'GET' | 'POST';
  /** With its query, escaped: `/api/v1/certificates`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Statuses other than success that don't throw. */
  readonly accept?: readonly number[];
  /** Default: 10 MB. */
  readonly maxBytes?: number;
  readonly signal: AbortSignal;
}

/** One credential at a CredHub, and its token: https://docs.cloudfoundry.org/api/credhub/ */
export interface CredhubSession {
  /** The name of the source, for errors. */
  readonly source: string;
  /** Of CredHub, for messages. */
  readonly host: string;
  /**
   * Sends a request, and logs in again once if the token was rejected. Only a GET is ever repeated.
   * @throws {SourceError} with CredHub's own message, unless it is a success or accepted.
   */
  readonly request: (request: CredhubRequest) => Promise<HttpAnswer>;
  /** The parsed body of a success. @throws {SourceError} */
  readonly requestJson: (request: CredhubRequest) => Promise<unknown>;
  /** The scopes of its token; undefined if it logs in with a certificate, or UAA doesn't say. @throws {SourceError} if the login is rejected. */
  readonly scopes: (signal: AbortSignal) => Promise<readonly string[] | undefined>;
  readonly close: () => Promise<void>;
}

/** Opening it reads no files and sends no requests. */
export function openCredhubSession(
  config: CredhubConfig,
  auth: CredhubAuth,
  recorder: SourceRecorder | undefined,
): CredhubSession {
  const { name: source } = config;
  const { host } = new URL(config.url);
  const connection = openHttpOnDemand({
    source: config.name,
    ca: config.ca,
    clientCertificate: 'clientCertificate' in auth ? auth.clientCertificate : undefined,
    recorder,
  });
  let token: UaaLogin | undefined;
  let loggingIn: Promise<UaaLogin> | undefined;

  /** Shared by all callers, so no caller's signal stops it; it has its own timeout. */
  const logIn = async (signal: AbortSignal): Promise<UaaLogin | undefined> => {
    signal.throwIfAborted();
    if (!('client' in auth)) return undefined;
    if (token && token.endsAtMs > performance.now()) return token;
    loggingIn ??= connection
      .http()
      .then((http) => fetchUaaToken(config, auth.client, http, new AbortController().signal))
      .finally(() => (loggingIn = undefined));
    token = await unlessAborted(loggingIn, signal);
    return token;
  };

  const request = async (wanted: CredhubRequest): Promise<HttpAnswer> => {
    const http = await connection.http();
    const used = await logIn(wanted.signal);
    const answer = await send(config, http, wanted, used);
    if (answer.status !== 401) return acceptOrThrow(wanted, answer);
    if (!used) throw refused(explainMutualTls(answer));
    // Expired or revoked. Another request may have logged in already.
    if (token === used) token = undefined;
    const second = await send(config, http, wanted, await logIn(wanted.signal));
    if (second.status !== 401) return acceptOrThrow(wanted, second);
    throw refused(
      `${host} rejected the token that UAA just issued (${credhubErrorCode(second) ?? 401}): check that CredHub trusts this UAA`,
    );
  };

  const acceptOrThrow = ({ accept = [] }: CredhubRequest, answer: HttpAnswer): HttpAnswer => {
    if (answer.status < 300 || accept.includes(answer.status)) return answer;
    throw credhubError({ source, host }, answer);
  };

  const explainMutualTls = (answer: HttpAnswer): string =>
    `${host} rejected the client certificate (${credhubErrorCode(answer) ?? 401}): it needs an OU of \`app:\` and a UUID, the usage clientAuth, and an authority that CredHub trusts`;

  const refused = (message: string): SourceError => new SourceError(source, 'refused', message);

  return {
    source,
    host,
    request,
    requestJson: async (wanted) => {
      const answer = await request(wanted);
      const body = parseJson(answer.text);
      if (body !== undefined) return body;
      const what = /^\s*</.test(answer.text) ? 'a web page' : 'something other than JSON';
      throw new SourceError(source, 'malformed', `${host} responded with ${what} (${answer.status})`);
    },
    scopes: async (signal) => (await logIn(signal))?.scopes,
    close: connection.close,
  };
}

function send(
  config: CredhubConfig,
  http: PlainHttpClient,
  { method = 'GET', path, body, maxBytes, signal }: CredhubRequest,
  token: UaaLogin | undefined,
): Promise<HttpAnswer> {
  return http.requestText({
    url: config.url + path,
    method,
    headers: token ? { authorization: token.authorization } : {},
    ...(body !== undefined && { body }),
    accept: EVERY_STATUS,
    ...(maxBytes !== undefined && { maxBytes }),
    timeoutMs: config.timeoutMs,
    signal,
  });
}
