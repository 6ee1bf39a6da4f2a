import type { ports } from '../../kit.ts';
import { hostKey, isSameHost } from '../../shared/host-names.ts';
import { isSharedMount, mountOf } from '../../shared/mounts.ts';
import type { HostFacts } from './facts.ts';

export const INSTANCES_PATH = '/var/lib/nova/instances';

const DAY_MS = 86_400_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** The file system with the instances of one host, or of several. */
export interface Storage {
  /** `nas1:/export/nova`, or the name of the host. */
  readonly name: string;
  /** Absent if it isn't known. */
  readonly isShared?: boolean;
  /** The hosts that were asked and have it, also those that only its stamps name. */
  readonly hosts: readonly HostFacts[];
  readonly stamps: NonNullable<HostFacts['stamps']>;
  readonly disks: readonly ports.InstanceDisk[];
  readonly bases: readonly Base[];
}

/** A base image and the disks that are backed by it. */
export interface Base {
  readonly path: string;
  /** `missing` only if no host that can tell sees it. `disputed`: hosts disagree. */
  readonly state: 'present' | 'missing' | 'unknown' | 'disputed';
  readonly disks: readonly ports.InstanceDisk[];
  readonly seen: readonly { readonly host: string; readonly file: ports.FileState }[];
  readonly modifiedAt?: Date;
  readonly bytes?: number;
}

/** The device of the shared storage with the instances of a host. undefined if they are on a local disk, or it isn't known. */
export function sharedDevice(mounts: readonly ports.HostMount[] | undefined): string | undefined {
  const mount = mountOf(mounts, INSTANCES_PATH);
  return mount && isSharedMount(mount) ? mount.device : undefined;
}

/** The id of the instance that a folder belongs to: of `…_resize`, the instance before it was resized. */
export function instanceOf({ instance }: ports.InstanceDisk): string {
  return UUID.exec(instance)?.[0] ?? instance;
}

/** Hosts with one shared storage together, every other host alone. */
export function storagesOf(hosts: readonly HostFacts[], now: Date): readonly Storage[] {
  const groups = Map.groupBy(hosts, (one) => sharedDevice(one.mounts) ?? `host ${one.name}`);
  const storages = merged(
    [...groups.values()].map((group) => storageOf(group, now)),
    now,
  );
  const covered = (host: HostFacts): boolean =>
    host.disks === undefined &&
    storages.some((one) => one.isShared === true && !one.hosts.includes(host) && isNamed(one, host));
  return storages
    .filter(({ hosts: [first, ...others] }) => !(first && others.length === 0 && covered(first)))
    .map((one) =>
      one.isShared === true
        ? {
            ...one,
            hosts: [
              ...one.hosts,
              ...hosts.filter((host) => !one.hosts.includes(host) && covered(host) && isNamed(one, host)),
            ],
          }
        : one,
    );
}

/** One storage may have two device names, or the mounts of a host couldn't be read. The paths of disks have the ids of their instances. */
function merged(storages: readonly Storage[], now: Date): readonly Storage[] {
  const result: Storage[] = [];
  const byDisk = new Map<string, number>();
  for (const one of storages) {
    const paths = one.isShared === true ? one.disks.map(({ path }) => path) : [];
    const at = paths.map((path) => byDisk.get(path)).find((known) => known !== undefined);
    if (at === undefined) result.push(one);
    else result[at] = storageOf([...result[at]!.hosts, ...one.hosts], now);
    for (const path of paths) byDisk.set(path, at ?? result.length - 1);
  }
  return result;
}

/** Whether a host that was asked, or that its stamps name, has the storage. */
export function hasHost({ hosts }: Storage, name: string): boolean {
  let keys = hostKeys.get(hosts);
  if (!keys) {
    keys = new Set(hosts.map(({ host }) => hostKey(host)));
    hostKeys.set(hosts, keys);
  }
  return keys.has(hostKey(name));
}

const hostKeys = new WeakMap<Storage['hosts'], ReadonlySet<string>>();

function isNamed({ stamps }: Storage, { host }: HostFacts): boolean {
  return typeof stamps === 'object' && stamps.some((stamp) => isSameHost(stamp.host, host));
}

function storageOf(hosts: readonly HostFacts[], now: Date): Storage {
  const [first] = hosts as [HostFacts, ...HostFacts[]];
  const mount = mountOf(
    hosts.find(({ mounts }) => sharedDevice(mounts) !== undefined)?.mounts ?? first.mounts,
    INSTANCES_PATH,
  );
  const stamps = stampsOf(hosts);
  const disks = uniqueByPath(hosts.flatMap((one) => one.disks ?? []));
  const isShared =
    (mount && isSharedMount(mount)) || isWrittenBySeveral(stamps, now) || (mount ? false : undefined);
  return {
    name: mount && isSharedMount(mount) ? mount.device : first.name,
    ...(isShared !== undefined && { isShared }),
    hosts,
    stamps,
    disks,
    bases: basesOf(disks, hosts),
  };
}

/** Whatever the type of the file system is. */
function isWrittenBySeveral(stamps: Storage['stamps'], now: Date): boolean {
  return (
    typeof stamps === 'object' &&
    stamps.filter(({ at }) => Math.abs(now.getTime() - at.getTime()) < DAY_MS).length > 1
  );
}

/** All hosts read the same file, maybe at different times. */
function stampsOf(hosts: readonly HostFacts[]): Storage['stamps'] {
  const read = hosts.flatMap(({ stamps }) => (typeof stamps === 'object' ? stamps : []));
  if (hosts.some(({ stamps }) => typeof stamps === 'object')) {
    const newest = new Map<string, ports.ComputeNodeStamp>();
    for (const one of read) {
      const known = newest.get(one.host);
      if (!known || known.at < one.at) newest.set(one.host, one);
    }
    return [...newest.values()];
  }
  return hosts.some(({ stamps }) => stamps === 'corrupt') ? 'corrupt' : 'none';
}

function uniqueByPath(disks: readonly ports.InstanceDisk[]): readonly ports.InstanceDisk[] {
  return [...new Map(disks.map((one) => [one.path, one])).values()];
}

function basesOf(disks: readonly ports.InstanceDisk[], hosts: readonly HostFacts[]): readonly Base[] {
  const backed = disks.filter(({ backingPath }) => backingPath !== undefined);
  const files = Map.groupBy(
    hosts.flatMap(({ name, states = [] }) => states.map((file) => ({ host: name, file }))),
    ({ file }) => file.path,
  );
  return [...Map.groupBy(backed, ({ backingPath = '' }) => backingPath)].map(([path, group]) => {
    const seen = files.get(path) ?? [];
    const present = seen.find(({ file }) => file.state === 'present')?.file;
    const isMissing = seen.some(({ file }) => file.state === 'missing');
    const state = present ? (isMissing ? 'disputed' : 'present') : isMissing ? 'missing' : 'unknown';
    return {
      path,
      state,
      disks: group,
      seen,
      ...(present?.modifiedAt && { modifiedAt: present.modifiedAt }),
      ...(present?.bytes !== undefined && { bytes: present.bytes }),
    };
  });
}
