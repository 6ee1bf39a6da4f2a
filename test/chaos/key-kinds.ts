import type { RedisConnection } from '../../src/queue/connection.ts';

/** Keys of one kind: the same except for ids. */
export interface KeyKind {
  /** `{wrench}:thread:*` */
  readonly pattern: string;
  readonly type: string;
  readonly keys: number;
  readonly bytes: number;
  /** Elements of the largest one: entries of a stream, members of a set, fields of a hash. */
  readonly largest: number;
  /** The longest TTL of any of them, in seconds; undefined if one never expires. */
  readonly ttlSeconds: number | undefined;
}

const ID =
  /[0-9a-f]{8}-[0-9a-f-]{27}|[a-z]?[0-9a-f]{16,}|\bf[0-9a-f]{10}\b|\b[CSTUW]0[A-Z0-9]+\b|(?<=\d:)[0-9a-f]{2}$|(?<=:digest(?:-run|-posted)?:)[\w-]+$|\d+/g;

/** `{wrench}:thread:r0123456789abcdef` is `{wrench}:thread:*`. */
export function patternOf(key: string): string {
  return key.replaceAll(ID, '*').replaceAll(/\*(?:[-/.:]\*)+/g, '*');
}

/**
 * A kind that expires within this time does not grow without limit: its size depends on the rate of
 * commands, not their number.
 */
const SHORT_SECONDS = 20 * 60;

/** Kinds with more than `most` keys, or elements in one key, that do not expire within 20 minutes. */
export function growing(kinds: readonly KeyKind[], most: number): readonly KeyKind[] {
  return kinds.filter(
    ({ keys, largest, ttlSeconds }) =>
      (ttlSeconds === undefined || ttlSeconds > SHORT_SECONDS) && Math.max(keys, largest) > most,
  );
}

/** Everything in Redis by kind, largest first. */
export async function readKeyKinds(redis: RedisConnection): Promise<readonly KeyKind[]> {
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'COUNT', 1_000);
    for (const key of keys) seen.add(key);
    cursor = next;
  } while (cursor !== '0');
  const all: (KeyKind | undefined)[] = [];
  for (const key of seen) all.push(await readKey(redis, key));
  const byPattern = Map.groupBy(
    all.filter((one) => one !== undefined),
    ({ pattern, type }) => `${pattern} ${type}`,
  );
  return [...byPattern.values()].map(sum).toSorted((a, b) => b.bytes - a.bytes);
}

async function readKey(redis: RedisConnection, key: string): Promise<KeyKind | undefined> {
  const [type, ttl, bytes] = await Promise.all([redis.type(key), redis.ttl(key), redis.memory('USAGE', key)]);
  if (type === 'none') return undefined;
  return {
    pattern: patternOf(key),
    type,
    keys: 1,
    bytes: bytes ?? 0,
    largest: await sizeOf(redis, key, type),
    ttlSeconds: ttl < 0 ? undefined : ttl,
  };
}

async function sizeOf(redis: RedisConnection, key: string, type: string): Promise<number> {
  if (type === 'hash') return redis.hlen(key);
  if (type === 'stream') return redis.xlen(key);
  if (type === 'zset') return redis.zcard(key);
  if (type === 'set') return redis.scard(key);
  return type === 'list' ? redis.llen(key) : 1;
}

function sum(kinds: readonly KeyKind[]): KeyKind {
  return kinds.reduce((a, b) => ({
    ...a,
    keys: a.keys + b.keys,
    bytes: a.bytes + b.bytes,
    largest: Math.max(a.largest, b.largest),
    ttlSeconds:
      a.ttlSeconds === undefined || b.ttlSeconds === undefined
        ? undefined
        : Math.max(a.ttlSeconds, b.ttlSeconds),
  }));
}

/** As a table for people. */
export function drawKeyKinds(kinds: readonly KeyKind[]): readonly string[] {
  const width = Math.max(...kinds.map(({ pattern }) => pattern.length), 'key'.length) + 2;
  const row = (pattern: string, ...cells: readonly string[]) =>
    pattern.padEnd(width) + cells.map((cell) => cell.padStart(10)).join('');
  return [
    row('key', 'type', 'keys', 'largest', 'kB', 'TTL s'),
    ...kinds.map(({ pattern, type, keys, largest, bytes, ttlSeconds }) =>
      row(
        pattern,
        type,
        String(keys),
        String(largest),
        (bytes / 1_000).toFixed(1),
        ttlSeconds === undefined ? 'none' : String(ttlSeconds),
      ),
    ),
  ];
}
