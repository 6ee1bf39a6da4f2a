import type { KeyLeaf, KeyTree } from '../../ports/key-value.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { JsonObject } from '../../wire/json-object.ts';

/**
 * Flattens a v2 response. An empty directory has no `nodes`, `null` or `[]`; the root has no `key`, or `/`.
 * https://etcd.io/docs/v2.3/api/#listing-a-directory
 * @throws {SourceError} `malformed`
 */
export function flatten(source: string, node: JsonObject): Pick<KeyTree, 'directories' | 'leaves'> {
  const directories: string[] = [];
  const leaves: KeyLeaf[] = [];
  // Not recursive, because users of etcd choose the depth.
  const open: JsonObject[] = [node];
  for (let next = open.pop(); next; next = open.pop()) {
    const key = next['key'] ?? '/';
    if (typeof key !== 'string') throw malformed(source, 'a key that is not text');
    if (next['dir'] !== true) {
      leaves.push(toLeaf(source, key, next));
      continue;
    }
    directories.push(key);
    const nodes = next['nodes'] ?? [];
    if (!Array.isArray(nodes)) throw malformed(source, 'a directory without a list');
    for (let index = nodes.length - 1; index >= 0; index -= 1) {
      const child = nodes[index] as unknown;
      if (typeof child !== 'object' || child === null) throw malformed(source, 'an invalid node');
      open.push(child as JsonObject);
    }
  }
  return { directories, leaves };
}

function toLeaf(source: string, key: string, node: JsonObject): KeyLeaf {
  const { value, ttl, expiration, createdIndex, modifiedIndex } = node;
  if (typeof value !== 'string' || typeof createdIndex !== 'number' || typeof modifiedIndex !== 'number')
    throw malformed(source, 'a key without a value or an index');
  // Written out because there may be 10^5 keys, and spreading costs as much as all the rest.
  const leaf: { -readonly [K in keyof KeyLeaf]: KeyLeaf[K] } = { key, value, createdIndex, modifiedIndex };
  if (typeof ttl === 'number') leaf.ttlSeconds = ttl;
  if (typeof expiration === 'string') leaf.expiresAt = toDate(source, expiration);
  return leaf;
}

/** RFC 3339 with up to nanoseconds; V8 keeps milliseconds. */
function toDate(source: string, expiration: string): Date {
  const date = new Date(expiration);
  if (Number.isNaN(date.getTime())) throw malformed(source, 'an expiration that is not a time');
  return date;
}

function malformed(source: string, what: string): SourceError {
  return new SourceError(source, 'malformed', `etcd returned ${what}`);
}
