import { SourceError } from '../../ports/source-error.ts';
import type { HttpClient, JsonResponse } from '../../wire/http.ts';
import type { VaultConfig } from './config.ts';
import { type SendRequest, logIn, lookUpToken, type TokenInfo, type Token } from './login.ts';
import { asObject, numberIn } from '../../wire/json-object.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import { printable } from '../../wire/x509.ts';

const SHORTEST_RENEWAL_MS = 5_000;
/** Also because a timer of more than 24.8 days fires immediately. */
const LONGEST_RENEWAL_MS = 86_400_000;

/** Runs a function later, once. Returns a function that cancels this. Tests use their own clock. */
export type Schedule = (run: () => void, afterMs: number) => () => void;

export const inBackground: Schedule = (run, afterMs) => {
  const timer = setTimeout(run, afterMs).unref();
  return () => clearTimeout(timer);
};

/** A request under `/v1/`; `path` is unescaped. */
export interface VaultRequest {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly query?: string;
  readonly body?: unknown;
  /** Statuses other than success that do not throw. */
  readonly accept?: readonly number[];
  readonly signal: AbortSignal;
}

/**
 * A login and its lifecycle: it logs in at the first request, renews the token at half of its lifetime, and logs in again once it has
 * expired. A 403 counts only with a token that is still valid, because Vault returns the same for an expired one.
 */
export interface VaultSession {
  /** @throws {SourceError} as `HttpClient.requestJson`; `lost` says whether the login itself was rejected. */
  readonly request: (question: VaultRequest) => Promise<JsonResponse>;
  readonly start: (signal: AbortSignal) => Promise<void>;
  /** The lookup of the token; `undefined` for one with a limited number of uses. */
  readonly describe: (signal: AbortSignal) => Promise<TokenInfo | undefined>;
  /** Why no more requests can be sent; `start` tries again. */
  readonly lost: () => SourceError | undefined;
  readonly close: () => void;
}

export function openVaultSession(
  config: VaultConfig,
  http: HttpClient,
  schedule: Schedule = inBackground,
): VaultSession {
  let token: Token | undefined;
  /** The longest time that a renewal added; a much shorter time means that max_ttl is near. */
  let fullMs = 0;
  let lost: SourceError | undefined;
  let loggingIn: Promise<Token> | undefined;
  let checking: Promise<boolean> | undefined;
  let unschedule = (): void => {};
  let closed = false;
  const background = new AbortController();

  /** Work that several callers wait for is not stopped by one of them; it ends with the session. */
  const { signal } = background;
  const sendInBackground: SendRequest = (method, path, { body, accept, token: id }) =>
    send(config, http, { method, path, body, accept, signal }, id);

  const logInOnce = (): Promise<Token> => {
    loggingIn ??= logIn(config, sendInBackground)
      .then((fresh) => {
        token = fresh;
        fullMs = fresh.ttlMs ?? 0;
        plan(fresh);
        return fresh;
      })
      .finally(() => (loggingIn = undefined));
    return loggingIn;
  };

  const plan = ({ ttlMs, renewable, limited }: Token): void => {
    unschedule();
    const canRenew = renewable && !limited;
    if (closed || ttlMs === undefined || (!canRenew && 'token' in config.auth)) return;
    const afterMs = Math.min(Math.max(ttlMs / 2, SHORTEST_RENEWAL_MS), LONGEST_RENEWAL_MS);
    unschedule = schedule(() => void keepAlive(), afterMs);
  };

  const keepAlive = async (): Promise<void> => {
    const old = token;
    if (!old || closed) return;
    try {
      const ttlMs = old.renewable && !old.limited ? await renew(old, sendInBackground) : 0;
      if (ttlMs > 0) token = { ...old, ttlMs };
      if (ttlMs > 0 && ttlMs >= fullMs / 2) plan({ ...old, ttlMs });
      else if (!('token' in config.auth)) await logInOnce();
      fullMs = Math.max(fullMs, ttlMs);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      // The current token may still be valid; the next rejected request will show.
      plan({ ...old, ttlMs: (old.ttlMs ?? 0) / 2 });
    }
  };

  const isGood = (id: string): Promise<boolean> => {
    checking ??= lookUpToken(config.name, id, sendInBackground)
      .then(() => true)
      .catch((error: unknown) => {
        if (error instanceof SourceError && error.kind === 'refused') return false;
        throw error;
      })
      .finally(() => (checking = undefined));
    return checking;
  };

  const request = async (question: VaultRequest): Promise<JsonResponse> => {
    if (lost) throw lost;
    const used = token ?? (await beginUnlessAborted(() => logInOnce(), question.signal));
    try {
      return await send(config, http, question, used.id);
    } catch (error) {
      if (!(error instanceof SourceError) || error.kind !== 'refused' || used.limited) throw error;
      if (lost) throw lost;
      if (token === used && (await beginUnlessAborted(() => isGood(used.id), question.signal))) throw error;
      // Another request may have logged in already.
      const fresh = token !== used && token ? token : await enterOrLose(question.signal);
      return send(config, http, question, fresh.id);
    }
  };

  const enterOrLose = (signal: AbortSignal): Promise<Token> =>
    beginUnlessAborted(() => logInOnce(), signal).catch((error: unknown) => {
      if (error instanceof SourceError && error.kind === 'refused') lost = error;
      throw error;
    });

  return {
    request,
    start: async (signal) => {
      lost = undefined;
      const known = token;
      const good = known && (known.limited || (await beginUnlessAborted(() => isGood(known.id), signal)));
      if (!good) await beginUnlessAborted(() => logInOnce(), signal);
    },
    describe: async (signal) => {
      const known = token ?? (await beginUnlessAborted(() => logInOnce(), signal));
      return known.limited
        ? undefined
        : beginUnlessAborted(() => lookUpToken(config.name, known.id, sendInBackground), signal);
    },
    lost: () => lost,
    close: () => {
      closed = true;
      unschedule();
      background.abort(new SourceError(config.name, 'unreachable', 'the source is closed'));
    },
  };
}

/** The remaining lifetime of the token in milliseconds; 0 if Vault doesn't renew it anymore. */
async function renew(token: Token, ask: SendRequest): Promise<number> {
  const options = { body: {}, accept: [400, 403], token: token.id };
  const { status, body } = await ask('POST', 'auth/token/renew-self', options);
  const seconds = numberIn(asObject(asObject(body)['auth']), 'lease_duration') ?? 0;
  return status < 300 ? seconds * 1000 : 0;
}

function send(
  config: VaultConfig,
  http: HttpClient,
  { method, path, query, body, accept, signal }: VaultRequest,
  token: string | undefined,
): Promise<JsonResponse> {
  const parts = path.split('/');
  // Names come from responses. As a part of a URL, these would name something else.
  if (parts.some((part) => part === '.' || part === '..'))
    throw new SourceError(config.name, 'malformed', `${printable(path)} can't be requested`);
  const escaped = parts.map((part) => encodeURIComponent(part.toWellFormed())).join('/');
  return http.requestJson({
    url: `${config.url}/v1/${escaped}${query ? `?${query}` : ''}`,
    method: method ?? 'GET',
    headers: headersFor(config, token),
    ...(body !== undefined && { body }),
    ...(accept && { accept }),
    timeoutMs: config.timeoutMs,
    signal,
  });
}

function headersFor({ namespace }: VaultConfig, token: string | undefined): Record<string, string> {
  return {
    // Vault Agent and Proxy may require it: https://developer.hashicorp.com/vault/docs/agent-and-proxy/agent/apiproxy
    'x-vault-request': 'true',
    ...(token !== undefined && { 'x-vault-token': token }),
    ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
  };
}

/** The same for work that starts only if `signal` has not aborted. */
async function beginUnlessAborted<T>(begin: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return unlessAborted(begin(), signal);
}
