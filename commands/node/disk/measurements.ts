import type { ports } from '../../kit.ts';

/** The file systems that a kubelet reports, of one, two or three disks. */
export type FileSystemName = 'nodeFs' | 'imageFs' | 'containerFs';

const NAMES: readonly FileSystemName[] = ['nodeFs', 'imageFs', 'containerFs'];

/** What a kubelet measured of one disk. Absent is not 0. */
export interface Disk {
  /** The file systems on it, `nodeFs` first. */
  readonly holds: readonly FileSystemName[];
  readonly availableBytes: number;
  readonly capacityBytes: number;
  /** Everything on it; absent if the kubelet counts only images. */
  readonly usedBytes?: number;
  readonly inodes?: number;
  readonly inodesFree?: number;
  readonly measuredAt?: Date;
}

export type FileSystems = Readonly<Partial<Record<FileSystemName, ports.FileSystem>>>;

type Measured = ports.FileSystem & { readonly availableBytes: number; readonly capacityBytes: number };

/** Two file systems are on one disk if their free bytes and inodes are the same, up to what was written between two measurements. */
const SAME_DISK_SHARE = 0.01;

/** The disks of a node that were measured. */
export function disksOf(fileSystems: FileSystems): readonly Disk[] {
  const disks: Disk[] = [];
  for (const name of NAMES) {
    const fileSystem = fileSystems[name];
    if (!fileSystem || !hasNumbers(fileSystem)) continue;
    const at = disks.findIndex((disk) => isSameDisk(disk, fileSystem));
    const same = disks[at];
    if (same) disks[at] = join(same, name, fileSystem);
    else disks.push(diskOf(name, fileSystem));
  }
  return disks;
}

function diskOf(name: FileSystemName, fileSystem: Measured): Disk {
  const { availableBytes, capacityBytes, usedBytes, measuredAt } = fileSystem;
  return {
    holds: [name],
    availableBytes,
    capacityBytes,
    ...(name === 'nodeFs' && usedBytes !== undefined && { usedBytes }),
    ...inodesOf(fileSystem),
    ...(measuredAt && { measuredAt }),
  };
}

/** With the lower of the two measurements of free space. */
function join(disk: Disk, name: FileSystemName, fileSystem: Measured): Disk {
  return {
    ...inodesOf(fileSystem),
    ...disk,
    holds: [...disk.holds, name],
    availableBytes: Math.min(disk.availableBytes, fileSystem.availableBytes),
  };
}

function hasNumbers(fileSystem: ports.FileSystem): fileSystem is Measured {
  const { availableBytes, capacityBytes } = fileSystem;
  return (
    availableBytes !== undefined &&
    capacityBytes !== undefined &&
    capacityBytes > 0 &&
    availableBytes <= capacityBytes
  );
}

function inodesOf({
  inodes,
  inodesFree,
}: Pick<ports.FileSystem, 'inodes' | 'inodesFree'>): Pick<Disk, 'inodes' | 'inodesFree'> {
  return inodes === undefined || inodesFree === undefined ? {} : { inodes, inodesFree };
}

function isSameDisk(disk: Disk, fileSystem: Measured): boolean {
  const { capacityBytes, availableBytes } = fileSystem;
  const { inodes, inodesFree } = { ...inodesOf(disk), ...inodesOf(fileSystem) };
  const others = { inodes, inodesFree, ...inodesOf(disk) };
  return (
    disk.capacityBytes === capacityBytes &&
    isClose(disk.availableBytes, availableBytes, capacityBytes) &&
    others.inodes === inodes &&
    isClose(others.inodesFree ?? 0, inodesFree ?? 0, inodes ?? 0)
  );
}

function isClose(one: number, other: number, all: number): boolean {
  return Math.abs(one - other) <= SAME_DISK_SHARE * all;
}

/** What should have been measured but was not, in words: that disk may be full. */
export function unmeasured(fileSystems: FileSystems, operatingSystem: string): readonly string[] {
  const isWindows = operatingSystem === 'windows';
  return NAMES.flatMap((name) => {
    const fileSystem = fileSystems[name];
    const isBlank = !fileSystem || Object.values(fileSystem).every((value) => value === undefined);
    // Windows publishes no image file system, and no inodes: https://github.com/kubernetes/kubernetes/issues/66088
    if (name !== 'nodeFs' && (isWindows || (isBlank && name === 'containerFs'))) return [];
    const what = FILE_SYSTEM_WORDS[name];
    if (isBlank) return [`no ${what}`];
    if (fileSystem.capacityBytes === undefined) return [`no capacity for its ${what}`];
    if (fileSystem.capacityBytes === 0) return [`a capacity of 0 bytes for its ${what}`];
    if (fileSystem.availableBytes === undefined) return [`no available bytes for its ${what}`];
    if (fileSystem.availableBytes > fileSystem.capacityBytes)
      return [`more available bytes than the capacity of its ${what}`];
    if ((fileSystem.inodesFree ?? 0) > (fileSystem.inodes ?? Infinity))
      return [`more free inodes than its ${what} has`];
    const isHalf = (fileSystem.inodes === undefined) !== (fileSystem.inodesFree === undefined);
    const disk = disksOf(fileSystems).find(({ holds }) => holds.includes(name));
    return isHalf && disk?.inodes === undefined ? [`only some of the inode counts for its ${what}`] : [];
  });
}

/** Whether everything that should be measured was measured just now. */
export function isMeasured(fileSystems: FileSystems, operatingSystem: string, now: Date): boolean {
  return unmeasured(fileSystems, operatingSystem).length === 0 && !staleSince(disksOf(fileSystems), now);
}

/** Whether a disk reports no inodes at all, as on Windows and ZFS: the kubelet does not watch them there. */
export function hasUncountedInodes(fileSystems: FileSystems): boolean {
  return disksOf(fileSystems).some(({ inodes }) => inodes === undefined);
}

export const FILE_SYSTEM_WORDS: Readonly<Record<FileSystemName, string>> = {
  nodeFs: 'node file system',
  imageFs: 'image file system',
  containerFs: 'container file system',
};

/** A kubelet measures every few seconds. Older measurements mean that it has stopped. */
const STALE_MS = 600_000;

/** The time of the oldest measurement, if it is too old to judge the disk by. */
export function staleSince(disks: readonly Disk[], now: Date): Date | undefined {
  const times = disks.flatMap(({ measuredAt }) => measuredAt ?? []);
  return times
    .filter((at) => now.getTime() - at.getTime() > STALE_MS)
    .toSorted((a, b) => a.getTime() - b.getTime())[0];
}
