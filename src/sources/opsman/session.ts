import type { SourceRecorder } from '../../ports/recorder.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { PlainHttpClient, TextResponse } from '../../wire/http.ts';
import { openHttpOnDemand } from '../../wire/http-on-demand.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { logInToUaa, type UaaLogin } from '../../wire/uaa.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import { printable } from '../../wire/x509.ts';
import type { OpsmanConfig } from './config.ts';

/** A certificate has about 1 kB in the list; a platform has some thousand. */
const MAX_BYTES = 50_000_000;
/** How long a rejected login counts, so that a user isn't locked by further attempts. */
const REJECTION_MS = 30_000;
const MAX_MESSAGE_LENGTH = 300;
const EVERY_STATUS: readonly number[] = Array.from({ length: 300 }, (_, index) => 300 + index);

export interface OpsmanSession {
  /** The host, for messages. */
  readonly host: string;
  /**
   * The parsed body of a success. Logs in again once if the token has expired.
   * @throws {SourceError} with the message of Ops Manager if it sends one: `missing` for 404.
   */
  readonly getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  /** As `getJson`, without a login. @throws {SourceError} */
  readonly getInfo: (signal: AbortSignal) => Promise<unknown>;
  /** Logs in unless already logged in. @throws {SourceError} */
  readonly logIn: (signal: AbortSignal) => Promise<UaaLogin>;
  readonly close: () => Promise<void>;
}

/** Opening it reads no files and sends no requests. */
export function openOpsmanSession(config: OpsmanConfig, recorder: SourceRecorder | undefined): OpsmanSession {
  const { url, timeoutMs } = config;
  const { host } = new URL(url);
  const connection = openHttpOnDemand({ source: config.name, ca: config.ca, recorder });
  let login: UaaLogin | undefined;
  let loggingIn: Promise<UaaLogin> | undefined;
  let rejected: { readonly error: SourceError; readonly untilMs: number } | undefined;
  const closed = new AbortController();

  /** Shared by all callers, so no caller's signal stops it; it has its own timeout. */
  const logIn = async (signal: AbortSignal): Promise<UaaLogin> => {
    signal.throwIfAborted();
    if (login && login.endsAtMs > performance.now()) return login;
    if (rejected && rejected.untilMs > Date.now()) throw rejected.error;
    loggingIn ??= connection
      .http()
      .then((client) => requestToken(config, client, closed.signal))
      .then((fresh) => (login = fresh))
      .catch((error: unknown) => {
        const explained = explainLogin(host, error);
        if (explained instanceof SourceError && explained.kind === 'refused')
          rejected = { error: explained, untilMs: Date.now() + REJECTION_MS };
        throw explained;
      })
      .finally(() => (loggingIn = undefined));
    return unlessAborted(loggingIn, signal);
  };

  const get = async (path: string, signal: AbortSignal, used?: UaaLogin): Promise<TextResponse> =>
    (await connection.http()).requestText({
      url: url + path,
      ...(used && { headers: { authorization: used.authorization } }),
      // Every status has a message of its own. A redirect is not followed: a locked Ops Manager sends people to a page.
      accept: EVERY_STATUS,
      maxBytes: MAX_BYTES,
      timeoutMs,
      signal,
    });

  return {
    host,
    logIn,
    getInfo: async (signal) => bodyOf(config, await get('/api/v0/info', signal)),
    getJson: async (path, signal) => {
      const used = await logIn(signal);
      let answer = await get(path, signal, used);
      if (answer.status === 401) {
        // Expired or revoked. Another request may have logged in already.
        if (login === used) login = undefined;
        answer = await get(path, signal, await logIn(signal));
      }
      return bodyOf(config, answer);
    },
    close: async () => {
      closed.abort();
      await connection.close();
    },
  };
}

/** Users log in through the client `opsman`, which has no secret. */
function requestToken(
  { name, url, auth, timeoutMs }: OpsmanConfig,
  http: PlainHttpClient,
  signal: AbortSignal,
): Promise<UaaLogin> {
  const login =
    'client' in auth ? { client: auth.client } : { client: { id: 'opsman', secret: '' }, user: auth.user };
  return logInToUaa({ source: name, http, uaaUrl: `${url}/uaa`, ...login, timeoutMs, signal });
}

const LOCKED =
  'after a reboot, Ops Manager is locked until someone enters the decryption passphrase on its login page';

/** UAA doesn't start before Ops Manager is unlocked. */
function explainLogin(host: string, error: unknown): unknown {
  if (!(error instanceof SourceError)) return error;
  // The file of the CA may be missing too.
  const isDown =
    (error.kind === 'missing' && !error.message.includes('file')) ||
    (error.kind === 'unreachable' && /\b5\d\d\b/.test(error.message));
  if (!isDown) return error;
  return new SourceError(
    error.source,
    'unreachable',
    `couldn't log in to ${host}: ${error.message}; ${LOCKED}`,
  );
}

/** @throws {SourceError} unless it is a success with JSON. */
function bodyOf({ name, url }: OpsmanConfig, { status, text }: TextResponse): unknown {
  const { host } = new URL(url);
  const body = parseJson(text);
  if (status < 300) {
    if (body !== undefined) return body;
    throw new SourceError(
      name,
      'malformed',
      `${host} responded with something other than JSON: check that \`url\` is the address of Ops Manager`,
    );
  }
  if (status < 400 || status >= 500)
    throw new SourceError(name, 'unreachable', `${host} returned ${status}; ${LOCKED}`);
  const said = messageIn(body);
  throw new SourceError(name, kindOf(status), `${host} returned ${status}${said === '' ? '' : `: ${said}`}`);
}

function kindOf(status: number): SourceErrorKind {
  if (status === 404) return 'missing';
  return status === 429 ? 'unreachable' : 'refused';
}

/** `{"errors":["…"]}`, `{"errors":{"key":["…"]}}`, or UAA's `{"error":"…","error_description":"…"}`. */
function messageIn(body: unknown): string {
  const { errors } = asObject(body);
  const lists = Array.isArray(errors) ? errors : Object.values(asObject(errors)).flat();
  const texts = lists.filter((one): one is string => typeof one === 'string');
  const said = texts.length > 0 ? texts.join('; ') : textIn(asObject(body), 'error_description');
  return printable((said ?? '').replaceAll(/\s+/g, ' ')).slice(0, MAX_MESSAGE_LENGTH);
}
