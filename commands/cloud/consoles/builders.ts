import type { ports } from '../../kit.ts';
import type { Facts, HostFacts } from './facts.ts';

/** Builders for the stories and tests of this check. Nothing else imports them. */

export const NOW = new Date('2026-11-26T12:00:00Z');
export const GIB = 1_024 ** 3;
export const MIB = 1_024 ** 2;
export const UUID = 'c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501';

export function consoleFile(
  folder: string,
  diskBytes: number,
  known: Partial<ports.HostFileSize> = {},
): ports.HostFileSize {
  return {
    path: `/var/lib/nova/instances/${folder}/console.log`,
    bytes: diskBytes,
    diskBytes,
    modifiedAt: NOW,
    ...known,
  };
}

/** A log that was measured twice within a minute. */
export function grown(
  folder: string,
  diskBytes: number,
  byBytes = 0,
  known: Partial<ports.HostFileSize> = {},
): ports.HostFileGrowth {
  return {
    before: consoleFile(folder, diskBytes - byBytes, known),
    after: consoleFile(folder, diskBytes, known),
    betweenMs: 60_000,
  };
}

export function server(id: string, known: Partial<ports.CloudServer> = {}): ports.CloudServer {
  return {
    id,
    name: 'broken-agent',
    user: 'u-iot-9',
    project: 'p-iot',
    host: 'cmp-c07',
    instanceName: 'instance-000012aa',
    ...known,
  };
}

export function openFile(folder: string, isAppendOnly: boolean, pid = 31_877): ports.OpenFile {
  return {
    pid,
    program: isAppendOnly ? 'virtlogd' : 'qemu-system-x86',
    descriptor: 14,
    path: `/var/lib/nova/instances/${folder}/console.log`,
    isDeleted: false,
    isAppendOnly,
  };
}

export function mount(freeBytes: number, known: Partial<ports.HostMount> = {}): ports.HostMount {
  return {
    path: '/var/lib/nova',
    device: '/dev/sdb1',
    type: 'xfs',
    totalBytes: 800 * GIB,
    freeBytes,
    ...known,
  };
}

export function hostFacts(
  name: string,
  logs: readonly ports.HostFileGrowth[],
  known: Partial<HostFacts> = {},
): HostFacts {
  return {
    name,
    source: 'compute',
    host: name,
    truncation: { allowed: true },
    logs,
    mounts: [mount(400 * GIB)],
    openFiles: [],
    owners: [],
    ...known,
  };
}

export function factsOf(hosts: readonly HostFacts[], known: Partial<Facts> = {}): Facts {
  return { hosts, rejectedKeys: [], earlier: [], ...known };
}
