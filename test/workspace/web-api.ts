import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';
import type { Fault, FaultPlan } from './faults.ts';
import { createRateLimits } from './rate-limits.ts';
import { textOf } from './read-args.ts';
import { answerJson, readFields } from './read-body.ts';

export type Args = Readonly<Record<string, unknown>>;

export interface Caller {
  readonly kind: 'bot' | 'app' | 'anonymous';
  readonly scopes: readonly string[];
  readonly hasToken: boolean;
}

export interface Method {
  /** Scopes of which the caller needs one; none if empty. */
  readonly needs?: readonly string[];
  readonly token?: 'bot' | 'app' | 'none';
  /** Throws `ApiError` for a response that is not ok. */
  readonly answer: (args: Args, caller: Caller) => Record<string, unknown>;
}

export type Methods = Readonly<Record<string, Method>>;

/** One call of the Web API, for assertions. Tokens are not stored. */
export interface RecordedCall {
  readonly method: string;
  readonly args: Args;
  readonly at: number;
  readonly caller: Caller['kind'];
  readonly status: number;
  /** The method's response, even if it was lost on the way. */
  readonly response: Readonly<Record<string, unknown>>;
  readonly isLost?: boolean;
}

export interface WebApiOptions {
  readonly methods: Methods;
  readonly faults: FaultPlan;
  readonly botToken: string;
  readonly appToken: string;
  readonly scopes: readonly string[];
  readonly requests: RecordedCall[];
}

const JSON_FIELDS = ['blocks', 'attachments', 'metadata', 'files', 'view', 'message'];

/** Serves `/api/<method>` like slack.com: HTTP 200 with `ok`, except for rate limits and outages. */
export function createWebApi(options: WebApiOptions) {
  const { faults, requests } = options;
  const waitSeconds = createRateLimits();

  return async (method: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { fields } = await readFields(request);
    const caller = identify(options, bearer(request) ?? fields['token']);
    const args = withoutToken(fields);
    const at = Date.now();
    const met = faults.take(method);
    const late = find(met, 'slow');
    if (late) await sleep(late.ms, undefined, { ref: false });
    const record = (status: number, body: Record<string, unknown>, isLost = false) =>
      requests.push({ method, args, at, caller: caller.kind, status, response: body, isLost });

    const outage = find(met, 'server-error');
    if (outage) {
      record(outage.status, {});
      response.writeHead(outage.status, { 'content-type': 'text/html' }).end('upstream error');
      return;
    }
    const retryAfter =
      find(met, 'rate-limit')?.retryAfterSeconds ??
      (faults.isPaced() ? waitSeconds(method, textOf(args['channel'])) : 0);
    if (retryAfter > 0) {
      const refusal = { ok: false, error: 'ratelimited' };
      record(429, refusal);
      answerJson(response, 429, refusal, { 'retry-after': String(retryAfter) });
      return;
    }

    const body = perform(options.methods, method, args, caller);
    const isLost = find(met, 'lose-answer') !== undefined;
    record(200, body, isLost);
    if (isLost) {
      request.socket.resetAndDestroy();
      return;
    }
    const scopes = caller.kind === 'bot' ? { 'x-oauth-scopes': caller.scopes.join(',') } : {};
    answerJson(response, 200, body, { ...scopes, ...accepted(options.methods[method]) });
  };
}

function perform(methods: Methods, name: string, args: Args, caller: Caller): Record<string, unknown> {
  try {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (!method) throw new ApiError('unknown_method', { req_method: name });
    authorize(method, caller);
    return { ok: true, ...method.answer(parseJsonFields(args), caller) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { ok: false, error: error.code, ...error.details };
  }
}

function authorize({ token = 'bot', needs = [] }: Method, caller: Caller): void {
  if (token === 'none') return;
  if (caller.kind === 'anonymous') throw new ApiError(caller.hasToken ? 'invalid_auth' : 'not_authed');
  if (caller.kind !== token) throw new ApiError('not_allowed_token_type');
  if (token === 'bot' && needs.length > 0 && !needs.some((scope) => caller.scopes.includes(scope))) {
    throw new ApiError('missing_scope', { needed: needs.join(','), provided: caller.scopes.join(',') });
  }
}

function identify({ botToken, appToken, scopes }: WebApiOptions, token: unknown): Caller {
  if (token === botToken) return { kind: 'bot', scopes, hasToken: true };
  if (token === appToken) return { kind: 'app', scopes: ['connections:write'], hasToken: true };
  return { kind: 'anonymous', scopes: [], hasToken: token !== undefined };
}

function bearer(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
}

function withoutToken(fields: Record<string, unknown>): Args {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'token'));
}

function parseJsonFields(args: Args): Args {
  const parsed: Record<string, unknown> = { ...args };
  for (const name of JSON_FIELDS) {
    const value = parsed[name];
    if (typeof value !== 'string') continue;
    try {
      parsed[name] = JSON.parse(value);
    } catch {
      throw new ApiError(name === 'blocks' ? 'invalid_blocks_format' : 'invalid_arguments');
    }
  }
  return parsed;
}

function accepted(method: Method | undefined): Record<string, string> {
  return method?.needs?.length ? { 'x-accepted-oauth-scopes': method.needs.join(',') } : {};
}

function find<K extends Fault['kind']>(met: readonly Fault[], kind: K) {
  return met.find((fault): fault is Extract<Fault, { kind: K }> => fault.kind === kind);
}
