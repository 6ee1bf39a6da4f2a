import type { ports } from '../../kit.ts';
import { usesEtcd } from '../../shared/cf-version.ts';
import type { Facts, StoreReads } from './collect.ts';
import { type Announced, isAddress, isDoppler, ROOT, ROOTS, type Root } from './doppler.ts';

/** Finds the instances that should register, the keys, and which instance each key belongs to. Judges nothing. */

/** One instance that should register. */
export interface ExpectedInstance {
  /** The display name: `doppler_z2/0`, with its deployment before it if two deployments have one. */
  readonly name: string;
  readonly group: string;
  readonly id: string;
  readonly index?: number;
  readonly zone?: string;
  readonly addresses: readonly string[];
  /** The known instance. Absent if it is only named in the configuration. */
  readonly at?: { readonly deployment: ports.Deployment; readonly instance: ports.Instance };
}

/** All instances that may register, and those of them that should. */
export interface ExpectedInstances {
  readonly expected: readonly ExpectedInstance[];
  /** Stopped or ignored instances: their keys are not orphans, and missing keys are expected. */
  readonly excused: readonly ExpectedInstance[];
}

/** One key, as of the second read. */
export interface Key {
  readonly root: Root;
  readonly leaf: ports.KeyLeaf;
  /** The same key at the first read. */
  readonly before?: ports.KeyLeaf;
  /** Whether its TTL has not expired, by the server's clock. */
  readonly isLive: boolean;
  readonly announced?: Announced;
  /** Why it is unusable. */
  readonly corrupt?: string;
}

export interface Assigned {
  readonly byExpected: ReadonlyMap<ExpectedInstance, readonly Key[]>;
  /** Keys of no known instance. */
  readonly unowned: readonly Key[];
}

/**
 * A director and monit may report the same machine. It is recognized by its UUID, or by its group, index and address. The report that
 * allows a restart is kept, otherwise the first.
 */
export function dedupeInstances(deployments: readonly ports.Deployment[]): readonly ports.Deployment[] {
  const chosen = new Map<string, ports.Instance>();
  const dropped = new Set<ports.Instance>();
  for (const instance of deployments.flatMap(({ instances }) => instances)) {
    const marks = identitiesOf(instance);
    const same = marks.map((mark) => chosen.get(mark)).find((one) => one !== undefined);
    const isBetter = !same || (!same.restart.allowed && instance.restart.allowed);
    if (same) dropped.add(isBetter ? same : instance);
    const stays = isBetter ? instance : same;
    for (const mark of [...marks, ...identitiesOf(stays)]) chosen.set(mark, stays);
  }
  if (dropped.size === 0) return deployments;
  return deployments.map((deployment) => ({
    ...deployment,
    instances: deployment.instances.filter((instance) => !dropped.has(instance)),
  }));
}

/** An index alone does not identify an instance: two deployments may each have a `doppler_z1/0`. */
function identitiesOf({ group, id, index, addresses }: ports.Instance): readonly string[] {
  const byId = isIndex(id) ? [] : [`id ${group}/${id}`];
  const byAddress = index === undefined ? [] : addresses.map((address) => `at ${group}/${index} ${address}`);
  return [...byId, ...byAddress];
}

/**
 * The dopplers of all deployments that may use etcd, and also those in `named`, such as `doppler_z1/0`. If there are none, those that are
 * or were registered.
 */
export function findExpected(
  { deployments, instances, stores }: Facts,
  named: readonly string[],
  keys: readonly Key[],
): ExpectedInstances {
  if (instances === 'no-source' && named.length === 0)
    return { expected: inferExpected(stores, keys), excused: [] };
  const known = deployments
    .filter(({ version }) => usesEtcd(version) !== false)
    .flatMap((deployment) =>
      deployment.instances
        .filter(isDoppler)
        .map((instance): ExpectedInstance => ({ ...instance, at: { deployment, instance } })),
    );
  const distinct = disambiguateNames(known);
  const isDue = ({ at }: ExpectedInstance) => at?.instance.desired === 'started' && !at.instance.ignored;
  const others = named.filter(
    (name) => !known.some((one) => one.name === name || `${one.group}/${one.id}` === name),
  );
  return {
    expected: [...distinct.filter(isDue), ...others.map(fromName)],
    excused: distinct.filter((one) => !isDue(one)),
  };
}

function disambiguateNames(known: readonly ExpectedInstance[]): readonly ExpectedInstance[] {
  const times = Map.groupBy(known, ({ name }) => name);
  return known.map((one) =>
    (times.get(one.name)?.length ?? 0) > 1 ? { ...one, name: `${one.at?.deployment.name} ${one.name}` } : one,
  );
}

/** Directories do not expire, so an empty one shows that an instance of that group once registered. */
function inferExpected(stores: readonly StoreReads[], keys: readonly Key[]): ExpectedInstance[] {
  const present = keys.flatMap(({ root, announced, leaf }): ExpectedInstance[] => {
    if (root !== ROOT || !announced) return [];
    const { group = 'doppler', id = leaf.key, zone } = announced;
    return [{ ...fromName(`${group}/${id}`), group, id, ...(zone !== undefined && { zone }) }];
  });
  const paths = new Set(stores.flatMap(({ later = [] }) => later[0]?.directories ?? []));
  const empty = [...paths].flatMap((path): ExpectedInstance[] => {
    const [zone, group, ...rest] = path.slice(ROOT.prefix.length).split('/').filter(Boolean);
    const isEmpty = !keys.some(({ leaf }) => leaf.key.startsWith(`${path}/`));
    if (zone === undefined || group === undefined || rest.length > 0 || !isEmpty) return [];
    return [{ ...fromName(group), zone }];
  });
  return [...present, ...empty];
}

function fromName(name: string): ExpectedInstance {
  const [group = name, id = ''] = name.split('/');
  return { name, group, id, ...(isIndex(id) && { index: Number(id) }), addresses: [] };
}

export function keysOf({ earlier = [], later = [] }: StoreReads): Key[] {
  return later.flatMap(({ leaves, serverTime }, at) => {
    const root = ROOTS[at];
    if (!root) return [];
    const before = new Map(earlier[at]?.leaves.map((leaf) => [leaf.key, leaf]));
    return leaves.map((leaf): Key => {
      const was = before.get(leaf.key);
      const isAlive = isLive(leaf, serverTime);
      return { root, leaf, ...(was && { before: was }), isLive: isAlive, ...parseKey(root, leaf) };
    });
  });
}

/** Without a leader expired keys are not removed and their TTL goes below zero. The server's clock is used, because Wrench's may differ. */
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
 * Assigns each key to an instance: by its id, otherwise by its group and index, otherwise by the address that it announces. An instance
 * that is only named in the configuration, by index, gets a remaining key of its group.
 */
export function assign(keys: readonly Key[], { expected, excused }: ExpectedInstances): Assigned {
  const find = makeFinder([...expected, ...excused]);
  const byExpected = new Map<ExpectedInstance, Key[]>();
  const left: Key[] = [];
  for (const key of keys) {
    const owner = key.announced && find(key.announced);
    if (owner) add(byExpected, owner, withForeignAddress(key, owner));
    else left.push(key);
  }
  const unmet = expected.filter((one) => !one.at && !byExpected.has(one));
  const unowned = left.filter((key) => {
    const at = unmet.findIndex(
      ({ group, id }) => group === key.announced?.group && (id === '' || isIndex(id)),
    );
    const [one] = at < 0 ? [] : unmet.splice(at, 1);
    if (one) add(byExpected, one, key);
    return !one;
  });
  return { byExpected, unowned };
}

function makeFinder(all: readonly ExpectedInstance[]): (says: Announced) => ExpectedInstance | undefined {
  const groupBy = (marksOf: (one: ExpectedInstance) => readonly (string | undefined)[]) => {
    const found = new Map<string, ExpectedInstance[]>();
    for (const one of all) for (const mark of marksOf(one)) if (mark !== undefined) add(found, mark, one);
    return found;
  };
  const byId = groupBy(({ id }) => [id === '' ? undefined : id]);
  const byIndex = groupBy(({ group, zone, index }) =>
    index === undefined
      ? []
      : [`group ${group}/${index}`, zone === undefined ? undefined : `zone ${zone}/${index}`],
  );
  const byHost = groupBy(({ addresses }) => addresses);
  return ({ id, group, zone, hosts }) => {
    const isNumber = id !== undefined && isIndex(id);
    const where = group === undefined ? `zone ${zone}/${id}` : `group ${group}/${id}`;
    const candidates =
      (id === undefined || isNumber ? undefined : byId.get(id)) ??
      (isNumber ? byIndex.get(where) : undefined) ??
      hosts.flatMap((host) => byHost.get(host) ?? []);
    // Two deployments may each have a `doppler_z1/0`: the address distinguishes them.
    return (
      candidates.find(({ addresses }) => hosts.some((host) => addresses.includes(host))) ?? candidates[0]
    );
  };
}

/** Clients of such a key send everything to the wrong address. */
function withForeignAddress(key: Key, { name, addresses }: ExpectedInstance): Key {
  const foreign = (key.announced?.hosts ?? []).filter((host) => isAddress(host) && !addresses.includes(host));
  if (key.corrupt !== undefined || addresses.length === 0 || foreign.length === 0) return key;
  return { ...key, corrupt: `it announces ${foreign.join(', ')}, but ${name} has ${addresses.join(', ')}` };
}

function isIndex(id: string): boolean {
  return /^\d+$/.test(id);
}

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
