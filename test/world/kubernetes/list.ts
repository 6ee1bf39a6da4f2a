import type { Collection } from './collection.ts';
import { type ApiObject, apiVersionOf, type Resource } from './resources.ts';
import { selectorOf } from './selectors.ts';
import { type ApiAnswer, badRequest, failure } from './status.ts';

/** Faults of a list, as after a compaction of etcd between two pages. */
export type ListFault =
  /** 410 with a token for the rest of the list, at a newer version. */
  | 'expired-with-token'
  /** 410; the list has to be restarted. */
  | 'expired'
  /** A page without items, and a token. */
  | 'empty-page';

/** Where to continue a list. `age` counts compactions: a token of an earlier age has expired. -1 never expires. */
interface Position {
  readonly start: number;
  readonly age: number;
}

/** https://github.com/kubernetes/kubernetes/blob/v1.33.0/staging/src/k8s.io/apiserver/pkg/storage/etcd3/errors.go */
const EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter';
const INCONSISTENT = `${EXPIRED}, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.`;

/** One page of a list, by `limit` and `continue`. */
export function listPage(
  { resource, namespace }: { readonly resource: Resource; readonly namespace?: string },
  query: URLSearchParams,
  collection: Collection,
  {
    resourceVersion,
    age,
    fault,
  }: { readonly resourceVersion: number; readonly age: number; readonly fault?: ListFault },
): ApiAnswer {
  const selector = selectorOf(resource, query);
  if ('invalid' in selector) return selector.invalid;
  const token = query.get('continue') ?? '';
  const from = token === '' ? { start: 0, age } : readToken(token);
  if (!from) return badRequest('continue key is not valid: illegal base64 data at input byte 4');
  if (fault === 'expired') return failure(410, 'Expired', `${EXPIRED}.`);
  if (fault === 'expired-with-token' || (from.age !== -1 && from.age !== age)) {
    const metadata = { continue: writeToken({ start: from.start, age: -1 }) };
    return failure(410, 'Expired', INCONSISTENT, { metadata });
  }
  const limit = Number(query.get('limit') ?? 0) || Infinity;
  const isListed = (object: ApiObject) =>
    (namespace === undefined || object.metadata?.namespace === namespace) &&
    (selector.matches?.(object) ?? true);
  const items: ApiObject[] = [];
  let next = from.start;
  if (fault !== 'empty-page')
    for (; next < collection.size && items.length < limit; next++) {
      const object = collection.at(next);
      if (object && isListed(object)) items.push(object);
    }
  // With a selector, a real server does not know how many items remain either, and the last page may be empty.
  const isMore = next < collection.size;
  const body = {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(resourceVersion),
      ...(isMore && {
        continue: writeToken({ start: next, age }),
        ...(!selector.matches && namespace === undefined && { remainingItemCount: collection.size - next }),
      }),
    },
    items,
  };
  return { status: 200, body };
}

/** Where a request continues a list; undefined if the token is not from this server. */
export function positionOf(query: URLSearchParams): Position | undefined {
  return readToken(query.get('continue') ?? '');
}

function writeToken({ start, age }: Position): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: age, start })).toString('base64url');
}

function readToken(token: string): Position | undefined {
  try {
    const { rv, start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>;
    return typeof rv === 'number' && typeof start === 'number' ? { start, age: rv } : undefined;
  } catch {
    return undefined;
  }
}
