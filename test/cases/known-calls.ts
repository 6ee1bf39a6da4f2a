import type { Calls } from './certificate-case.ts';

/** An answer of a server. A body that is text is sent unchanged, any other as JSON. */
export interface CallAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallRequest {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

/** A call in a case file. */
export interface KnownCall extends CallAnswer {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
}

export function knownCalls(calls: Calls = {}): readonly KnownCall[] {
  return Object.entries(calls).map(([call, answer]) => {
    const [method = '', ...rest] = call.split(' ');
    const { pathname, searchParams } = new URL(rest.join(' '), 'https://server');
    return { method, path: decodeURIComponent(pathname), query: searchParams, ...answerIn(answer) };
  });
}

/** `{"status":404,"body":…}`, or only a body. */
function answerIn(answer: unknown): CallAnswer {
  const fields = Object.keys(Object(answer) as object);
  const { status, body } = Object(answer) as { readonly status?: unknown; readonly body?: unknown };
  const isWhole = typeof status === 'number' && fields.every((field) => ['status', 'body'].includes(field));
  return isWhole ? { status, body } : { status: 200, body: answer };
}

/** The call in the file with the same path and query. Parameters in `ignored` make no difference. */
export function findCall(
  calls: readonly KnownCall[],
  { method, path, query }: Pick<CallRequest, 'method' | 'path' | 'query'>,
  ignored: readonly string[] = [],
): KnownCall | undefined {
  const asked = queryKey(query, ignored);
  return calls.find(
    (one) => one.method === method && one.path === path && queryKey(one.query, ignored) === asked,
  );
}

function queryKey(query: URLSearchParams, ignored: readonly string[]): string {
  return [...query]
    .filter(([name]) => !ignored.includes(name))
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join('&');
}

/** The calls that were answered and whose path matches, with the named groups of the pattern. */
export function callsAt(
  calls: readonly KnownCall[],
  pattern: RegExp,
): readonly (KnownCall & { readonly groups: Readonly<Record<string, string>> })[] {
  return calls.flatMap((call) => {
    const match = call.status === 200 ? pattern.exec(call.path) : null;
    return match ? [{ ...call, groups: { ...match.groups } }] : [];
  });
}

/** The objects in an array; none if it is no array. */
export function objectsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value)
    ? value.filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null)
    : [];
}

export function fieldOf(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>((found, name) => (Object(found) as Record<string, unknown>)[name], value);
}

export function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
