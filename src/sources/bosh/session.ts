import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SourceError } from '../../ports/source-error.ts';
import type { PlainHttpClient, TextAnswer } from '../../wire/http.ts';
import { printable } from '../../wire/x509.ts';
import type { BoshAuth, BoshConfig } from './config.ts';
import type { Connector } from './connect.ts';
import { readInfo } from './info.ts';
import { refusalOf } from './director-error.ts';

/** Of a token's time, how much is left unused: a question takes a while. */
const TOKEN_MARGIN_MS = 30_000;
const MAX_BYTES = 50_000_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 1_000;
/** What a proxy answers while the director behind it restarts, and a rate limit: the same question may be answered a moment later. */
const NO_ANSWER: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().optional(),
  scope: z.string().optional(),
});

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT';
  /** With its query, escaped. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses besides success which are answers to this question. */
  readonly accept?: readonly number[];
  /**
   * A time of `performance.now()`: until then the question is asked again where no answer comes (a lost connection, 429, 502, 503 or 504).
   * A GET only: what starts something is sent once.
   */
  readonly patientUntilMs?: number;
  readonly signal: AbortSignal;
}

/** One credential at the director, and its token. */
export interface Session {
  /**
   * Asks, and logs in again once where the token has ended. Only success and what is accepted comes back.
   * @throws {SourceError} with the director's own words where it has some.
   */
  readonly ask: (question: Question) => Promise<TextAnswer>;
  /** Logs in, where that is needed and was not done. @throws {SourceError} where that is refused. */
  readonly enter: (signal: AbortSignal) => Promise<Login>;
}

export interface Login {
  /** The header of that name. */
  readonly authorization: string;
  /** What UAA granted: `bosh.read`. Absent for a user of the director itself. */
  readonly scopes?: readonly string[];
  readonly endsAtMs: number;
}

export function openSession(config: BoshConfig, auth: BoshAuth, connector: Connector): Session {
  let login: Login | undefined;
  let entering: Promise<Login> | undefined;

  /** One login for all who wait for it: none of them stops it for the others. It ends by its own time. */
  const enter = async (signal: AbortSignal): Promise<Login> => {
    signal.throwIfAborted();
    if (login && login.endsAtMs > Date.now()) return login;
    entering ??= logIn(config, auth, connector).finally(() => (entering = undefined));
    login = await unlessAborted(entering, signal);
    return login;
  };

  const askOnce = async (question: Question): Promise<TextAnswer> => {
    const http = await connector.http();
    const used = await enter(question.signal);
    const answer = await send(config, http, question, used.authorization);
    if (!isUnknown(answer)) return answer;
    if ('basic' in auth) throw refused(config, 'the director rejected the username or password');
    // Ended or revoked. Another question may have logged in meanwhile.
    if (login === used) login = undefined;
    const fresh = await enter(question.signal);
    const second = await send(config, http, question, fresh.authorization);
    if (isUnknown(second)) throw refused(config, 'the director rejected the token that UAA just issued');
    return second;
  };

  const ask = async (question: Question): Promise<TextAnswer> => {
    const { signal } = question;
    let last: SourceError | undefined;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
      const answer = await askOnce(question).catch((error: unknown) => {
        if (signal.aborted) throw abortedAfter(signal, last);
        if (isPatient(question, pauseMs) && isUnreachable(error)) return error;
        throw error;
      });
      const isAnswer = !(answer instanceof SourceError);
      if (isAnswer && !(NO_ANSWER.has(answer.status) && isPatient(question, pauseMs)))
        return judge(config, question, answer);
      last = isAnswer ? refusalOf(config, answer) : answer;
      await pause(pauseMs, signal, last);
    }
  };

  return { ask, enter };
}

/** Whether there is time to ask again after a pause. */
function isPatient({ method = 'GET', patientUntilMs = 0 }: Question, pauseMs: number): boolean {
  return method === 'GET' && performance.now() + pauseMs < patientUntilMs;
}

/** Waits. @throws the reason of `signal`; at a deadline with what kept us waiting until then. */
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
  { method = 'GET', path, headers, accept = [], patientUntilMs, signal }: Question,
  authorization: string,
): Promise<TextAnswer> {
  return http.requestText({
    url: config.url + path,
    method,
    headers: { authorization, ...headers },
    // All that has words of its own; a redirect is never followed, for it may name any host.
    accept: [301, 302, 303, 307, 308, 400, 401, 403, 404, 409, 410, 500, ...NO_ANSWER, ...accept],
    maxBytes: MAX_BYTES,
    // Whoever is patient asks again at intervals of its own.
    ...(patientUntilMs !== undefined && { retries: 0 }),
    timeoutMs: config.timeoutMs,
    signal,
  });
}

/** A bad token is 401 in plain text; a missing scope is 401 too, but JSON with a code. */
function isUnknown({ status, text }: TextAnswer): boolean {
  return status === 401 && !text.trimStart().startsWith('{');
}

function judge(config: BoshConfig, { accept = [] }: Question, answer: TextAnswer): TextAnswer {
  if (answer.status < 300 || accept.includes(answer.status)) return answer;
  throw refusalOf(config, answer);
}

async function logIn(config: BoshConfig, auth: BoshAuth, connector: Connector): Promise<Login> {
  if ('basic' in auth) {
    const { username, password } = auth.basic;
    return { authorization: basicHeader(username, password), endsAtMs: Infinity };
  }
  const http = await connector.http();
  const { signal } = new AbortController();
  const uaaUrl = config.uaa ?? (await findUaa(config, http, signal));
  const answer = await http.requestText({
    url: `${uaaUrl}/oauth/token`,
    method: 'POST',
    headers: { authorization: basicHeader(auth.client.id, auth.client.secret) },
    form: { grant_type: 'client_credentials' },
    accept: [400, 401, 403],
    timeoutMs: config.timeoutMs,
    signal,
  });
  if (answer.status >= 400)
    throw refused(
      config,
      `UAA at ${new URL(uaaUrl).host} rejected the client or its secret (${answer.status})`,
    );
  const token = tokenAnswer.safeParse(parseJson(answer.text));
  if (!token.success)
    throw new SourceError(
      config.name,
      'malformed',
      `UAA at ${new URL(uaaUrl).host} did not answer with a token`,
    );
  const { access_token: id, expires_in: seconds = 60, scope } = token.data;
  return {
    authorization: `bearer ${id}`,
    ...(scope !== undefined && { scopes: scope.split(' ').map(printable) }),
    endsAtMs: Date.now() + Math.max(seconds * 1000 - TOKEN_MARGIN_MS, seconds * 500),
  };
}

/** The secret goes where the director says, for only it knows; but never in the clear. */
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

function basicHeader(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function refused({ name }: BoshConfig, message: string): SourceError {
  return new SourceError(name, 'refused', message);
}

/** Waits for what others wait for too, and leaves it to them when `signal` aborts. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
