import type { ports } from '../../kit.ts';
import type { Facts, HostFacts, KnownInstance } from './facts.ts';

/** Builders for the stories and tests of this check. Nothing else imports them. */

const HOUR_MS = 3_600_000;
export const INSTANCES = '/var/lib/nova/instances';
export const NOW = new Date('2026-11-26T12:00:00Z');

export function hoursAgo(hours: number, from = NOW): Date {
  return new Date(from.getTime() - hours * HOUR_MS);
}

export function factsOf(hosts: readonly HostFacts[], known: Partial<Facts> = {}): Facts {
  return {
    hosts,
    rejectedKeys: [],
    instances: [],
    listedHosts: [],
    removals: [],
    openFiles: [],
    guestErrors: [],
    images: new Map(),
    copies: [],
    ...known,
  };
}

export const NFS: ports.HostMount = { path: INSTANCES, device: 'nas1:/export/nova', type: 'nfs4' };
export const XFS: ports.HostMount = { path: '/var/lib/nova', device: '/dev/mapper/vg0-nova', type: 'xfs' };
export const ROOT_DISK: ports.HostMount = { path: '/', device: '/dev/sda1', type: 'ext4' };

export function hostFacts(host: string, known: Partial<HostFacts> = {}): HostFacts {
  return {
    name: host,
    source: 'compute',
    host,
    mounts: [ROOT_DISK, XFS],
    stamps: 'none',
    rescue: { allowed: false, because: '`allow.rescue` is not configured for the source compute' },
    ...known,
  };
}

/** A qcow2 disk on a raw base image. */
export function diskOn(instance: string, backingPath: string | undefined, file = 'disk'): ports.InstanceDisk {
  return {
    path: `${INSTANCES}/${instance}/${file}`,
    instance,
    format: backingPath === undefined ? 'raw' : 'qcow2',
    virtualBytes: 21_474_836_480,
    ...(backingPath !== undefined && { backingPath, backingFormat: 'raw' }),
  };
}

export function baseNamed(name: string, folder = '_base'): string {
  return `${INSTANCES}/${folder}/${name}`;
}

export function present(path: string, modifiedAt: Date, bytes = 21_474_836_480): ports.FileState {
  return { path, state: 'present', bytes, diskBytes: bytes, modifiedAt };
}

export function missing(path: string): ports.FileState {
  return { path, state: 'missing' };
}

export function stamps(by: Readonly<Record<string, Date>>): readonly ports.ComputeNodeStamp[] {
  return Object.entries(by).map(([host, at]) => ({ host, at }));
}

/** Lines of nova.conf: `['image_cache', 'manager_interval', '2400']`. */
export function settings(
  ...lines: readonly (readonly [section: string, key: string, value: string])[]
): readonly ports.HostSetting[] {
  return lines.map(([section, key, value], at) => ({
    file: '/etc/nova/nova.conf',
    line: at + 1,
    section,
    key,
    value,
  }));
}

export function instance(id: string, known: Partial<ports.CloudServer> = {}): KnownInstance {
  return {
    id,
    server: {
      id,
      name: `vm-${id.slice(0, 8)}`,
      status: 'ACTIVE',
      power: 'running',
      image: '6f2d1a34-88c1-4c6e-9d0e-0f3b5e7a9c11',
      ...known,
    },
  };
}

export function compute(host: string, isUp: boolean): ports.CloudService {
  return { id: `id-${host}`, binary: 'nova-compute', host, isEnabled: true, isUp, isForcedDown: false };
}
