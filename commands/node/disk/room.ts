import type { ports } from '../../kit.ts';
import type { NodeFacts } from './facts.ts';
import { type Disk, disksOf, type FileSystemName, type FileSystems } from './measurements.ts';

/** Bytes or inodes. */
export interface Amount {
  readonly amount: number;
  /** The same as a share of the disk. */
  readonly share: number;
  /** Whether it is configured as an amount, and not as a share. */
  readonly isAbsolute: boolean;
}

/** A limit of the kubelet for one signal: less is a breach. */
export interface Limit extends Amount {
  /** `imagefs.available`, as the configuration of the kubelet names it. */
  readonly signal: string;
  /** Whether it is the documented default, assumed because the configuration of this kubelet could not be read. */
  readonly isAssumed: boolean;
  /** Present if a breach is not over at the limit, but only at `until`: the limit plus `minimum`, its evictionMinimumReclaim. */
  readonly reclaim?: { readonly minimum: Amount; readonly until: Amount };
}

/** How much of one resource of one disk is left, and the limits that apply to it. */
export interface Room {
  readonly disk: Disk;
  readonly resource: 'bytes' | 'inodes';
  readonly free: number;
  readonly capacity: number;
  readonly share: number;
  /** The highest of the hard limits, which is reached first. Absent if the kubelet has none, and so never evicts for this resource. */
  readonly limit?: Limit;
  /** The lower ones for the same disk. */
  readonly lowerLimits: readonly Limit[];
  readonly soft?: Limit;
  readonly state: RoomState;
}

/** The worst first. */
const STATES = ['below', 'below-soft', 'near', 'enough'] as const;
export type RoomState = (typeof STATES)[number];

/** Less than this above the limit is a warning. */
const NEAR_SHARE = 0.1;
/** Without a limit nothing is evicted, so free space alone decides. */
const PLAIN_CRITICAL_SHARE = 0.05;
const PLAIN_WARNING_SHARE = 0.1;
/** 0.05 and 0.1 add up to a little more than 0.15. */
const ROUNDING = 1e-9;

/** https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#hard-eviction-thresholds */
const DEFAULTS: Readonly<Record<string, ports.Threshold>> = {
  'nodefs.available': { share: 0.1 },
  'nodefs.inodesFree': { share: 0.05 },
  'imagefs.available': { share: 0.15 },
  'imagefs.inodesFree': { share: 0.05 },
};

const SIGNAL_OF: Readonly<Record<Room['resource'], string>> = { bytes: 'available', inodes: 'inodesFree' };

/** What is left on each disk, bytes before inodes. `config` is absent if it could not be read. */
export function roomsOf(disks: readonly Disk[], config: ports.KubeletConfig | undefined): readonly Room[] {
  return disks.flatMap((disk) => {
    const bytes = roomOf(disk, disks, config, 'bytes', disk.availableBytes, disk.capacityBytes);
    const { inodes = 0, inodesFree } = disk;
    // 0 of 0: a file system without a fixed number of inodes, such as btrfs.
    if (inodes === 0 || inodesFree === undefined) return [bytes];
    return [bytes, roomOf(disk, disks, config, 'inodes', inodesFree, inodes)];
  });
}

function roomOf(
  disk: Disk,
  disks: readonly Disk[],
  config: ports.KubeletConfig | undefined,
  resource: Room['resource'],
  free: number,
  capacity: number,
): Room {
  const limitsIn = (thresholds: Readonly<Record<string, ports.Threshold>> | undefined) =>
    signalsOf(disk, disks, resource).flatMap((signal) => {
      const limit = limitOf(signal, thresholds, capacity);
      return limit ? [withReclaim(limit, config, capacity)] : [];
    });
  const [limit, ...lowerLimits] = limitsIn(config?.evictionHard).toSorted(compareLimits);
  const softLimits = config ? limitsIn(config.evictionSoft) : [];
  const [soft] = softLimits.filter(({ isAssumed }) => !isAssumed).toSorted(compareLimits);
  const share = free / capacity;
  const known = { free, share, limit, soft };
  return {
    disk,
    resource,
    free,
    capacity,
    share,
    ...(limit && { limit }),
    lowerLimits,
    ...(soft && { soft }),
    state: stateOf(known),
  };
}

/** The kubelet checks both signals even if they are for the same disk, so the higher of the two limits applies to it. */
function signalsOf(disk: Disk, disks: readonly Disk[], resource: Room['resource']): readonly string[] {
  // A separate disk for writable layers has the limits of the image file system.
  const isForContainers = disk.holds.length === 1 && disk.holds[0] === 'containerFs' && disks.length > 1;
  const names: readonly FileSystemName[] = isForContainers ? ['imageFs'] : disk.holds;
  return names
    .filter((name) => name !== 'containerFs')
    .map((name) => `${name.toLowerCase()}.${SIGNAL_OF[resource]}`);
}

/** undefined if no limit is in force: https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/eviction/helpers.go ignores 0% and 100%. */
function limitOf(
  signal: string,
  thresholds: Readonly<Record<string, ports.Threshold>> | undefined,
  capacity: number,
): Limit | undefined {
  const configured = thresholds ? thresholds[signal] : DEFAULTS[signal];
  if (!configured) return undefined;
  const isAssumed = thresholds === undefined || 'unreadable' in configured;
  const threshold = 'unreadable' in configured ? DEFAULTS[signal] : configured;
  if (!threshold || 'unreadable' in threshold) return undefined;
  const known = amountOf(threshold, capacity);
  if (known.amount <= 0 || (!known.isAbsolute && known.share >= 1)) return undefined;
  return { signal, ...known, isAssumed };
}

function amountOf(threshold: Exclude<ports.Threshold, { unreadable: string }>, capacity: number): Amount {
  const isAbsolute = 'amount' in threshold;
  // Truncated like the kubelet does, but only after 0.07 * 100 is 7 again, and not 7.000000000000001.
  const amount = isAbsolute ? threshold.amount : Math.floor(threshold.share * capacity + 1e-3);
  return { amount, share: isAbsolute ? amount / capacity : threshold.share, isAbsolute };
}

function withReclaim(limit: Limit, config: ports.KubeletConfig | undefined, capacity: number): Limit {
  const configured = config?.evictionMinimumReclaim[limit.signal];
  if (!configured || 'unreadable' in configured || limit.isAssumed) return limit;
  const minimum = amountOf(configured, capacity);
  const until = {
    amount: limit.amount + minimum.amount,
    share: limit.share + minimum.share,
    isAbsolute: limit.isAbsolute || minimum.isAbsolute,
  };
  return { ...limit, reclaim: { minimum, until } };
}

function compareLimits(a: Limit, b: Limit): number {
  return b.amount - a.amount || (a.signal < b.signal ? 1 : -1);
}

interface Known {
  readonly free: number;
  readonly share: number;
  readonly limit: Limit | undefined;
  readonly soft: Limit | undefined;
}

/** An assumed limit is a guess, so the state is never worse than `near` because of it. */
function stateOf({ free, share, limit, soft }: Known): RoomState {
  if (!limit || limit.isAssumed) {
    if (share < PLAIN_CRITICAL_SHARE) return 'below';
  } else if (free < limit.amount) return 'below';
  if (soft && free < soft.amount) return 'below-soft';
  const nearShare = limit ? limit.share + NEAR_SHARE : PLAIN_WARNING_SHARE;
  return share < Math.max(nearShare, soft?.share ?? 0) - ROUNDING ? 'near' : 'enough';
}

/** The worst first; of the same state, the least space above the limit first. */
export function compareRooms(a: Room, b: Room): number {
  return STATES.indexOf(a.state) - STATES.indexOf(b.state) || marginOf(a) - marginOf(b);
}

function marginOf({ share, limit }: Room): number {
  return share - (limit?.share ?? 0);
}

/** A limit that may have been crossed, without enough reclaimed since. */
export interface Reclaiming {
  readonly room: Room;
  readonly limit: Limit & Required<Pick<Limit, 'reclaim'>>;
  /** Whether every possible breach on the disks of this node would have crossed such a limit. */
  readonly isCertain: boolean;
}

/**
 * The limit that keeps DiskPressure True although nothing is below a limit: more must be free than the limit plus evictionMinimumReclaim, however
 * long that takes. Of several, the one that needs the most.
 * https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/kubelet/eviction/eviction_manager.go (`thresholdsNotYetResolved`)
 */
export function reclaimingOf(rooms: readonly Room[]): Reclaiming | undefined {
  const all = rooms.flatMap((room) =>
    limitsOf(room)
      .filter(isReclaiming(room))
      .map((limit) => ({ room, limit })),
  );
  const [most] = all.toSorted(
    (a, b) => missingOf(b) - missingOf(a) || b.limit.reclaim.until.share - a.limit.reclaim.until.share,
  );
  if (!most) return undefined;
  // Inodes are freed with bytes. A soft limit is not crossed before its grace period.
  const isFirst = (room: Room) => {
    const [first] = limitsOf(room).toSorted(compareLimits);
    return first === undefined || (first !== room.soft && isReclaiming(room)(first));
  };
  const isCertain =
    most.room.resource === 'bytes' && rooms.every((room) => room.resource === 'inodes' || isFirst(room));
  return { ...most, isCertain };
}

function limitsOf({ limit, lowerLimits, soft }: Room): readonly Limit[] {
  return [soft, limit, ...lowerLimits].flatMap((one) => one ?? []);
}

function isReclaiming({ free }: Room) {
  return (limit: Limit): limit is Reclaiming['limit'] =>
    limit.reclaim !== undefined && free < limit.reclaim.until.amount;
}

function missingOf({ room, limit }: Omit<Reclaiming, 'isCertain'>): number {
  return limit.reclaim.until.share - room.share;
}

/** The lowest of the limits that this much is below, as a share. */
export function shareAbove(room: Room): number | undefined {
  const above = limitsOf(room)
    .flatMap(({ share, reclaim }) => [share, ...(reclaim ? [reclaim.until.share] : [])])
    .filter((share) => share > room.share);
  return above.length === 0 ? undefined : Math.min(...above);
}

/** Whether its kubelet reclaims an amount above a limit for a disk that cannot be parsed. */
export function hasUnreadableReclaim({ evictionMinimumReclaim }: ports.KubeletConfig): boolean {
  return Object.entries(evictionMinimumReclaim).some(
    ([signal, reclaim]) => 'unreadable' in reclaim && !signal.startsWith('memory.'),
  );
}

interface Watched {
  readonly fileSystems?: FileSystems;
  readonly config?: ports.KubeletConfig;
}

/** Disk signals whose limit is neither a percentage nor an amount, each with the text of the limit. */
export function unreadableLimits({
  evictionHard,
}: ports.KubeletConfig): readonly (readonly [string, string])[] {
  return Object.entries(evictionHard).flatMap(([signal, threshold]) =>
    'unreadable' in threshold && !signal.startsWith('memory.')
      ? [[signal, threshold.unreadable] as const]
      : [],
  );
}

export function hasReadableLimits(config: ports.KubeletConfig): boolean {
  return unreadableLimits(config).length === 0;
}

/** Whether the configuration of its kubelet is known and has no limit for any disk. */
export function hasNoLimit({ fileSystems, config }: Watched): boolean {
  const rooms = config ? roomsOf(disksOf(fileSystems ?? {}), config) : [];
  return rooms.length > 0 && rooms.every(({ limit, soft }) => !limit && !soft);
}

/** Whether no disk is known to be short. */
export function hasEnough({ fileSystems, config }: Watched): boolean {
  return roomsOf(disksOf(fileSystems ?? {}), config).every(({ state }) => state === 'enough');
}

/** Whether its kubelet has no disk limit and no disk is short: that is one note for all such nodes of a cluster. */
export function isJudgedByFreeSpace(node: Watched & Pick<NodeFacts, 'diskPressure'>): boolean {
  return hasNoLimit(node) && hasEnough(node) && node.diskPressure?.status !== 'True';
}
