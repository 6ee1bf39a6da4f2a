import type { ports } from '../../kit.ts';
import type { Facts, StoreReads } from './collect.ts';

/** Builders for stories: the instances, the keys in etcd, and how those change within 6 seconds. */

/** The server's clock at the second read. */
export const SERVER_TIME = new Date('2016-12-06T19:42:26Z');

interface KnownInstance {
  /** `doppler_z2/0`. */
  readonly name: string;
  readonly id?: string;
  readonly zone?: string;
  readonly address?: string;
  readonly state?: ports.Instance['state'];
  readonly desired?: ports.Instance['desired'];
  readonly ignored?: boolean;
  /** By name, with the states of BOSH and `unmonitored`. */
  readonly processes?: Readonly<Record<string, ports.RunningProcess['state']>>;
  readonly restart?: ports.RestartPermission;
  readonly incarnation?: string;
}

export const BY_DIRECTOR: Extract<ports.RestartPermission, { allowed: true }> = {
  allowed: true,
  scope: 'instance',
  processes: ['consul_agent', 'doppler', 'metron_agent', 'syslog_drain_binder'],
  sideEffects: [],
};

export function instance({ name, id = name, processes = {}, ...known }: KnownInstance): ports.Instance {
  const [group = name, index = '0'] = name.split('/');
  const { zone = /_(z\d+)$/.exec(group)?.[1], address, incarnation } = known;
  return {
    group,
    id,
    index: Number(index),
    name,
    ...(zone !== undefined && { zone }),
    addresses: address === undefined ? [] : [address],
    desired: known.desired ?? 'started',
    ignored: known.ignored ?? false,
    state: known.state ?? 'running',
    processes: Object.entries(processes).map(([process, state]) => ({ name: process, state })),
    ...(incarnation !== undefined && { incarnation }),
    restart: known.restart ?? BY_DIRECTOR,
  };
}

/** A doppler on its own machine. By default all of its processes are running. */
export function doppler(known: KnownInstance): ports.Instance {
  return instance({
    ...known,
    processes: { consul_agent: 'running', doppler: 'running', metron_agent: 'running', ...known.processes },
  });
}

export function deployment(
  instances: readonly ports.Instance[],
  known: Partial<ports.Deployment> = {},
): ports.Deployment {
  return { source: 'bosh', name: 'cf', instances, ...known };
}

interface KnownKey {
  readonly key: string;
  readonly value: string;
  /** At the second read. null for a key that never expires; by default the rest of 10 seconds. */
  readonly ttl?: number | null;
  /** Its two indexes at the first read, if they differ from those of a healthy key. */
  readonly before?: { readonly created?: number; readonly modified?: number } | 'absent';
  readonly created?: number;
  readonly modified?: number;
}

/** The key of a doppler under the current root. */
export function announced(
  path: string,
  address: string,
  known: Partial<KnownKey> & { readonly schemes?: readonly string[] } = {},
): KnownKey {
  const ports = { udp: 3457, tcp: 3458, ws: 8081, tls: 3459 };
  const { schemes = ['udp', 'tcp', 'ws'] } = known;
  const endpoints = schemes.map((scheme) => `${scheme}://${address}:${ports[scheme as 'udp'] ?? 3457}`);
  return { key: `/doppler/meta/${path}`, value: JSON.stringify({ version: 1, endpoints }), ...known };
}

export function legacy(path: string, address: string, known: Partial<KnownKey> = {}): KnownKey {
  return { key: `/healthstatus/doppler/${path}`, value: address, ...known };
}

/** The keys of one etcd under the two roots of dopplers. `empty` are directories whose keys have expired. */
export function etcd(
  keys: readonly KnownKey[],
  known: {
    readonly name?: string;
    readonly empty?: readonly string[];
    readonly members?: ports.StoreMembers;
  } = {},
): StoreReads {
  const readTrees = (isLater: boolean) =>
    ['/doppler/meta', '/healthstatus/doppler'].map((prefix) =>
      tree(
        prefix,
        keys.filter(({ key }) => key.startsWith(`${prefix}/`)),
        (known.empty ?? []).filter((path) => path.startsWith(prefix)),
        isLater,
      ),
    );
  return {
    name: known.name ?? 'etcd',
    earlier: readTrees(false),
    later: readTrees(true),
    members: known.members ?? members(['etcd_z1_0', 'etcd_z2_0', 'etcd_z3_0']),
  };
}

export function tree(
  prefix: string,
  keys: readonly KnownKey[],
  empty: readonly string[] = [],
  isLater = true,
): ports.KeyTree {
  const leaves = keys.filter(({ before }) => isLater || before !== 'absent').map((key) => leaf(key, isLater));
  const directories = [
    ...new Set([
      ...leaves.flatMap(({ key }) => parents(key)),
      ...empty.flatMap((path) => [path, ...parents(path)]),
    ]),
  ].filter((path) => path === prefix || path.startsWith(`${prefix}/`));
  return {
    exists: directories.length > 0,
    directories: directories.toSorted(),
    leaves,
    serverTime: isLater ? SERVER_TIME : new Date(SERVER_TIME.getTime() - 6_000),
  };
}

function leaf(
  { key, value, ttl = 7, before, created = 30_947_393, modified = 56_766_863 }: KnownKey,
  isLater: boolean,
): ports.KeyLeaf {
  const was = before === 'absent' || before === undefined ? {} : before;
  const expires =
    ttl === null ? {} : { ttlSeconds: ttl, expiresAt: new Date(SERVER_TIME.getTime() + ttl * 1_000) };
  return {
    key,
    value,
    ...expires,
    createdIndex: isLater ? created : (was.created ?? created),
    modifiedIndex: isLater ? modified : (was.modified ?? modified - 40),
  };
}

function parents(path: string): string[] {
  const segments = path.split('/').slice(1, -1);
  return segments.map((_, at) => `/${segments.slice(0, at + 1).join('/')}`);
}

/** What the 3 endpoints of a healthy cluster report, with overrides by position. */
export function endpointsOf(
  known: Readonly<Record<number, Partial<ports.StoreEndpoint>>> = {},
  ids: readonly string[] = ['ce2a822cea30bfc0', 'ce2a822cea30bfc1', 'ce2a822cea30bfc2'],
): readonly ports.StoreEndpoint[] {
  return ids.map((id, at) => ({
    address: `10.0.16.${5 + at}:4001`,
    clusterId: '315a10199f6d48d7',
    memberId: id,
    leaderId: 'ce2a822cea30bfc0',
    lists: ids,
    ...known[at],
  }));
}

/** Healthy members, with overrides by name. */
export function members(
  names: readonly string[],
  known: Readonly<Record<string, Partial<ports.StoreMember>>> = {},
  whole: Partial<ports.StoreMembers> = {},
): ports.StoreMembers {
  const ids = names.map((_, at) => `ce2a822cea30bfc${at}`);
  return {
    hasQuorum: true,
    alarms: [],
    endpoints: endpointsOf({}, ids),
    members: names.map((name, at): ports.StoreMember => ({
      id: `ce2a822cea30bfc${at}`,
      name,
      clientUrls: [`https://${name}.cf-etcd.service.cf.internal:4001`],
      isConfigured: true,
      healthy: true,
      isLeader: at === 0,
      hasLeader: true,
      clockAheadMs: 0,
      ...known[name],
    })),
    ...whole,
  };
}

export function factsOf(
  stores: readonly StoreReads[],
  deployments: readonly ports.Deployment[],
  instances: Facts['instances'] = 'all',
): Facts {
  return { stores, deployments, instances };
}
