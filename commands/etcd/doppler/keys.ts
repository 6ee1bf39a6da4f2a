import type { ports } from '../../kit.ts';
import type { StoreReads } from './collect.ts';
import type { ExpectedInstance, ExpectedInstances } from './expected.ts';
import { type Announced, isAddress, type Root, type Service } from './services.ts';

/** One key, as of the second read. */
export interface Key {
  readonly store: string;
  readonly root: Root;
  readonly leaf: ports.KeyLeaf;
  /** The same path at the first read. */
  readonly before?: ports.KeyLeaf;
  /** Its TTL has not run out, by the server's own clock. */
  readonly isLive: boolean;
  readonly announced?: Announced;
  /** Why it is unusable. */
  readonly corrupt?: string;
}

export interface Assigned {
  readonly byExpected: ReadonlyMap<ExpectedInstance, readonly Key[]>;
  /** Those of no known instance. */
  readonly unowned: readonly Key[];
}

export function keysOf({ roots }: Service, { name: store, earlier = [], later = [] }: StoreReads): Key[] {
  return later.flatMap(({ leaves, serverTime }, at) => {
    const root = roots[at];
    if (!root) return [];
    const before = new Map(earlier[at]?.leaves.map((leaf) => [leaf.key, leaf]));
    return leaves.map((leaf): Key => {
      const was = before.get(leaf.key);
      return {
        store,
        root,
        leaf,
        ...(was && { before: was }),
        isLive: isLive(leaf, serverTime),
        ...parseKey(root, leaf),
      };
    });
  });
}

/**
 * Without a leader expired keys are not removed and their TTL goes below zero.
 * The server's clock counts, because ours may differ.
 */
function isLive({ ttlSeconds = 0, expiresAt }: ports.KeyLeaf, serverTime: Date): boolean {
  return ttlSeconds > 0 && expiresAt !== undefined && expiresAt.getTime() > serverTime.getTime();
}

function parseKey(root: Root, { key, value, ttlSeconds }: ports.KeyLeaf): Pick<Key, 'announced' | 'corrupt'> {
  const segments = key.slice(root.prefix.length).split('/').filter(Boolean);
  const announced = root.read(segments, value);
  if (typeof announced === 'string') return { corrupt: announced };
  const corrupt =
    announced.corrupt ?? (ttlSeconds === undefined ? 'it has no TTL and never expires' : undefined);
  return { announced, ...(corrupt !== undefined && { corrupt }) };
}

/**
 * Assigns each key to an instance: by the id in it, else by its group and index, else by the address that it announces.
 * One that is only named in the configuration, by an index, takes what is left in its group.
 */
export function assign(keys: readonly Key[], { expected, excused }: ExpectedInstances): Assigned {
  const find = makeFinder([...expected, ...excused]);
  const byExpected = new Map<ExpectedInstance, Key[]>();
  const left: Key[] = [];
  const give = (one: ExpectedInstance, key: Key) => add(byExpected, one, key);
  for (const key of keys) {
    const owner = key.announced && find(key.announced);
    if (owner) give(owner, withForeignAddress(key, owner));
    else left.push(key);
  }
  const unmet = expected.filter((one) => !one.at && !byExpected.has(one));
  const unowned = left.filter((key) => {
    const at = unmet.findIndex(
      ({ group, id }) => group === key.announced?.group && (id === '' || /^\d+$/.test(id)),
    );
    const [one] = at < 0 ? [] : unmet.splice(at, 1);
    if (one) give(one, key);
    return !one;
  });
  return { byExpected, unowned };
}

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function makeFinder(all: readonly ExpectedInstance[]): (says: Announced) => ExpectedInstance | undefined {
  const groupBy = (keyOf: (one: ExpectedInstance) => readonly (string | undefined)[]) => {
    const found = new Map<string, ExpectedInstance[]>();
    for (const one of all) for (const key of keyOf(one)) if (key !== undefined) add(found, key, one);
    return found;
  };
  const byId = groupBy((one) => [one.id === '' ? undefined : one.id]);
  const byIndex = groupBy(({ group, zone, index }) =>
    index === undefined
      ? []
      : [`group ${group}/${index}`, zone === undefined ? undefined : `zone ${zone}/${index}`],
  );
  const byHost = groupBy(({ addresses }) => addresses);
  return ({ id, group, zone, hosts }) => {
    const isNumber = id !== undefined && /^\d+$/.test(id);
    const where = group === undefined ? `zone ${zone}/${id}` : `group ${group}/${id}`;
    const candidates =
      (id === undefined || isNumber ? undefined : byId.get(id)) ??
      (isNumber ? byIndex.get(where) : undefined) ??
      hosts.flatMap((host) => byHost.get(host) ?? []);
    // Two deployments may have a `doppler_z1/0` each: the address distinguishes them.
    return (
      candidates.find(({ addresses }) => hosts.some((host) => addresses.includes(host))) ?? candidates[0]
    );
  };
}

/** Readers of such a key send everything to the wrong address. */
function withForeignAddress(key: Key, { name, addresses }: ExpectedInstance): Key {
  const foreign = (key.announced?.hosts ?? []).filter((host) => isAddress(host) && !addresses.includes(host));
  if (key.corrupt !== undefined || addresses.length === 0 || foreign.length === 0) return key;
  return {
    ...key,
    corrupt: `it announces ${foreign.join(', ')}, but ${name} has ${addresses.join(', ')}`,
  };
}
