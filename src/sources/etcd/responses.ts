import { SourceError } from '../../ports/source-error.ts';
import type { TextResponse } from '../../wire/http.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { parseJson } from '../../text/parse-json.ts';
import { printable } from '../../wire/x509.ts';

/** The gateway writes 64-bit numbers as strings. The counters here stay far below 2^53, unlike ids. */
export function countIn(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  const count = typeof value === 'string' && /^\d{1,19}$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) ? count : undefined;
}

const MAX_LENGTH = 200;

/** Makes a message of etcd safe to show. */
export function cleanEtcdText(text: string): string {
  const clean = printable(text.trim());
  return clean.length > MAX_LENGTH ? `${clean.slice(0, MAX_LENGTH)}…` : clean;
}

/** Members respond but can't agree, so the keys are unknown. */
export class LostQuorum extends SourceError {
  /** As etcd reports it: `etcdserver: request timed out`. */
  readonly reason: string;

  constructor(source: string, said: string) {
    const words = cleanEtcdText(said);
    super(source, 'unreachable', `etcd has lost its quorum: no majority of its members responds (${words})`);
    this.reason = words;
  }
}

/** A user with more permissions could send this request. */
const DENIED = { code: 'DENIED' } as const;

export function isDenied({ code }: SourceError): boolean {
  return code === DENIED.code;
}

/** The response exceeds `maxBytes`. */
export class ResponseTooLarge extends SourceError {
  constructor(source: string, message: string) {
    super(source, 'malformed', message);
  }
}

/** The messages of etcd if a majority or the leader doesn't respond in time. */
const NO_MAJORITY =
  /timed out|deadline exceeded|no leader|not healthy|leader (changed|lost|failure)|lost leader/i;

/**
 * The error for a v2 response that isn't a success. The numbers in `errorCode` are etcd's own; 401 is a cleared event:
 * https://github.com/etcd-io/etcd/blob/v2.3.7/Documentation/errorcode.md
 */
export function explainV2(source: string, host: string, { status, text }: TextResponse): SourceError {
  const body = asObject(parseJson(text));
  const errorCode = countIn(body, 'errorCode');
  const said = textIn(body, 'cause') ?? textIn(body, 'message') ?? '';
  const words = said === '' ? '' : `: ${cleanEtcdText(said)}`;
  if (errorCode === 300 || errorCode === 301 || (status >= 500 && NO_MAJORITY.test(said)))
    return new LostQuorum(
      source,
      said || (errorCode === 301 ? 'during leader election' : 'Raft internal error'),
    );
  if (errorCode === 110 || status === 401 || status === 403)
    return new SourceError(
      source,
      'refused',
      `${host} requires a user with permission to read this (${status})${words}`,
      DENIED,
    );
  if (status === 404 && errorCode === undefined)
    return new SourceError(
      source,
      'missing',
      `${host} has no v2 API: since etcd 3.4 it needs --enable-v2, and 3.6 removed it`,
    );
  return explainStatus(source, host, status, text, words);
}

/** gRPC status codes, which the gateway passes on: https://grpc.io/docs/guides/status-codes/ */
export const grpc = {
  unknown: 2,
  invalid: 3,
  deadline: 4,
  denied: 7,
  exhausted: 8,
  outOfRange: 11,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The error for a v3 response that isn't a success: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/ */
export function explainV3(source: string, host: string, { status, text }: TextResponse): SourceError {
  const body = asObject(parseJson(text));
  const code = countIn(body, 'code');
  const said = textIn(body, 'message') ?? textIn(body, 'error') ?? '';
  const words = said === '' ? '' : `: ${cleanEtcdText(said)}`;
  if (code === undefined && status === 404)
    return new SourceError(source, 'missing', `${host} has no v3 API`);
  if (code !== undefined && NO_MAJORITY.test(said)) return new LostQuorum(source, said);
  if (code === grpc.unavailable)
    return new SourceError(source, 'unreachable', `${host} is not available${words}`);
  const needsUser = code === grpc.unauthenticated || code === grpc.denied || /user name is empty/.test(said);
  if (needsUser)
    return new SourceError(
      source,
      'refused',
      `${host} requires a user with permission to do this (${status})${words}`,
      DENIED,
    );
  if (code === grpc.exhausted)
    return new SourceError(source, 'unreachable', `${host} couldn't process the request (${status})${words}`);
  if (code !== undefined)
    return new SourceError(source, 'refused', `${host} refused the request (${status})${words}`);
  return explainStatus(source, host, status, text, words);
}

function explainStatus(
  source: string,
  host: string,
  status: number,
  text: string,
  words: string,
): SourceError {
  // Go's own words: https://pkg.go.dev/net/http, `tlsRecordHeaderLooksLikeHTTP`.
  if (status === 400 && text.includes('HTTP request to an HTTPS server'))
    return new SourceError(source, 'refused', `${host} requires TLS: configure it with https://`);
  if (status < 300)
    return new SourceError(source, 'malformed', `${host} sent a response that is not from etcd`);
  if (status >= 500)
    return new SourceError(source, 'unreachable', `${host} returned an error (${status})${words}`);
  return new SourceError(source, 'refused', `${host} refused the request (${status})${words}`);
}
