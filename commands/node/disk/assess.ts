import type { Finding, Remembered } from '../../kit.ts';
import { worstSeverity } from '../../shared/severity.ts';
import { imageBytesOn } from './consumers.ts';
import type { ImageGcFailures } from './events.ts';
import type { NodeFacts } from './facts.ts';
import { type DiskSample, type Growth, growthOf, samplesOfDisk, timeUntil } from './growth.ts';
import { disksOf, isMeasured, staleSince } from './measurements.ts';
import {
  compareRooms,
  hasReadableLimits,
  hasUnreadableReclaim,
  type Reclaiming,
  reclaimingOf,
  type Room,
  roomsOf,
} from './room.ts';

/** The result for one node, before it is put into words. */
export interface Assessment {
  readonly node: NodeFacts;
  /** The one that keeps DiskPressure True first, then the worst; empty if nothing was measured. */
  readonly rooms: readonly Room[];
  /** Absent if the node is not short of disk. */
  readonly severity?: Finding['severity'];
  readonly pressure?: Pressure;
  readonly forecast?: Forecast;
  /** Image garbage collection failures that are still happening. */
  readonly imageGc?: ImageGcFailures;
  /** When its disks were last measured, if that was too long ago. */
  readonly staleSince?: Date;
  /** Whether everything that the verdict depends on was read. */
  readonly isChecked: boolean;
}

export interface Forecast {
  readonly room: Room;
  readonly growth: Growth;
  /** Until the limit, or until the disk is full if there is no limit; absent if that is too far ahead. */
  readonly limitInMs?: number;
  readonly samples: readonly Remembered<DiskSample>[];
}

/** The kubelet runs image garbage collection every five minutes, and its events are rate limited. */
const RECENT_MS = 1_800_000;

export function assess(node: NodeFacts, earlier: readonly Remembered<DiskSample>[], now: Date): Assessment {
  const { fileSystems, config, operatingSystem, diskPressure, isServerless } = node;
  const disks = disksOf(fileSystems ?? {});
  const rooms = roomsOf(disks, config).toSorted(compareRooms);
  const stale = staleSince(disks, now);
  const isKnown = fileSystems !== undefined && isMeasured(fileSystems, operatingSystem, now);
  const isCertain = isKnown && config !== undefined && hasReadableLimits(config);
  const pressure = pressureOf(node, rooms, isCertain, now);
  const severity = worstSeverity([
    ...rooms.flatMap((room) => severityOf(room, pressure, stale) ?? []),
    ...byCondition(pressure),
  ]);
  const forecast = stale ? undefined : forecastOf(node, rooms, earlier, now);
  const imageGc = goingOn(node, rooms, now);
  return {
    node,
    rooms:
      pressure?.kind === 'reclaiming'
        ? [pressure.what.room, ...rooms.filter((room) => room !== pressure.what.room)]
        : rooms,
    ...(severity && { severity }),
    ...(pressure && { pressure }),
    ...(forecast && { forecast }),
    ...(imageGc && { imageGc }),
    ...(stale && { staleSince: stale }),
    isChecked: isCertain || (isKnown && isServerless === true) || diskPressure?.status === 'True',
  };
}

/** With DiskPressure, a disk below its soft limit is critical with less than this left, or less than this above its hard limit. */
const SOFT_CRITICAL_SHARE = 0.05;
const SOFT_CRITICAL_ABOVE_LIMIT = 0.02;

/** With stale measurements the result is a guess, and a guess is never critical. */
function severityOf(
  { state, share, limit }: Room,
  pressure: Pressure | undefined,
  stale: Date | undefined,
): Finding['severity'] | undefined {
  if (state === 'enough') return undefined;
  const criticalShare = Math.max(SOFT_CRITICAL_SHARE, limit ? limit.share + SOFT_CRITICAL_ABOVE_LIMIT : 0);
  const isCritical =
    state === 'below' || (state === 'below-soft' && pressure !== undefined && share < criticalShare);
  return isCritical && (!stale || pressure) ? 'critical' : 'warning';
}

function byCondition(pressure: Pressure | undefined): readonly Finding['severity'][] {
  if (pressure?.kind === 'unmeasured') return ['critical'];
  return pressure?.kind === 'reclaiming' ? ['warning'] : [];
}

/** Whether the kubelet evicts pods now, as far as is known. */
export function isEvicting({ severity, pressure }: Pick<Assessment, 'severity' | 'pressure'>): boolean {
  return severity === 'critical' || pressure?.kind === 'breached' || pressure?.kind === 'reclaiming';
}

/** What a disk did earlier says little about the coming days. */
const FORECAST_FROM_MS = 48 * 3_600_000;

/** Of the disk that reaches its limit first. */
function forecastOf(
  node: NodeFacts,
  rooms: readonly Room[],
  earlier: readonly Remembered<DiskSample>[],
  now: Date,
): Forecast | undefined {
  const forecasts = rooms.flatMap((room): Forecast[] => {
    const { resource, disk, free, limit } = room;
    if (resource !== 'bytes' || room.state === 'below') return [];
    const samples = samplesOfDisk(node, disk, earlier).filter(
      ({ at }) => now.getTime() - at.getTime() <= FORECAST_FROM_MS,
    );
    const growth = growthOf(disk, imageBytesOn(disk, node), samples, now);
    if (!growth) return [];
    const limitInMs = timeUntil(free - (limit?.amount ?? 0), growth);
    return [{ room, growth, samples, ...(limitInMs !== undefined && { limitInMs }) }];
  });
  return forecasts.toSorted((a, b) => (a.limitInMs ?? Infinity) - (b.limitInMs ?? Infinity))[0];
}

/** Failures of the last half hour, unless so much of the disk is free now that no images are collected. */
function goingOn(
  { events, config }: NodeFacts,
  rooms: readonly Room[],
  now: Date,
): ImageGcFailures | undefined {
  const failures = events?.imageGc;
  if (!failures?.lastAt || now.getTime() - failures.lastAt.getTime() > RECENT_MS) return undefined;
  const images = rooms.find(({ disk, resource }) => resource === 'bytes' && disk.holds.includes('imageFs'));
  const high = config?.imageGcHighPercent;
  return images && high !== undefined && usedPercent(images) < high ? undefined : failures;
}

/** As image garbage collection computes it, in whole percent: https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/image_gc_manager.go */
export function usedPercent({ free, capacity }: Pick<Room, 'free' | 'capacity'>): number {
  return 100 - Math.floor((free * 100) / capacity);
}

/** What DiskPressure=True means, given the measurements. */
export type Pressure =
  /** Usage is beyond a limit now. */
  | { readonly kind: 'breached' }
  /** No limit is crossed any longer, but the kubelet has not reclaimed its configured minimum yet. */
  | { readonly kind: 'reclaiming'; readonly what: Reclaiming }
  /** No limit is crossed any longer. The kubelet keeps the condition for a configured period. */
  | {
      readonly kind: 'kept';
      readonly periodMs: number;
      readonly untilMs?: number;
      /** `ending`: the period is over, but events and conditions are reported with a delay. `unclear`: the time of the last breach is unknown. */
      readonly progress: 'running' | 'ending' | 'overdue' | 'unclear';
      /** What keeps the condition beyond the period if this limit was crossed, which is unknown. */
      readonly perhaps?: Reclaiming;
    }
  /** The kubelet has no limit that could have set it. */
  | { readonly kind: 'without-limit' }
  /** Too little is known to tell whether the shortage is over. */
  | { readonly kind: 'unmeasured' };

/** https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
const DEFAULT_TRANSITION_MS = 300_000;
/** Events are limited to one in five minutes, and the condition is reported every few minutes. */
const EVENT_DELAY_MS = 900_000;

/** undefined if the condition is not True. `isCertain`: all disks were measured just now, and the limits are known. */
function pressureOf(
  { diskPressure, config, events, areEventsComplete }: NodeFacts,
  rooms: readonly Room[],
  isCertain: boolean,
  now: Date,
): Pressure | undefined {
  if (diskPressure?.status !== 'True') return undefined;
  if (rooms.some(({ state }) => state === 'below' || state === 'below-soft')) return { kind: 'breached' };
  if (!isCertain) return { kind: 'unmeasured' };
  if (rooms.every(({ limit, soft }) => !limit && !soft)) return { kind: 'without-limit' };
  // The last breach cannot be earlier than the condition.
  const times = [diskPressure.since, events?.breachedAt].flatMap((at) => at?.getTime() ?? []);
  const periodMs = transitionMs(config);
  const untilMs = times.length === 0 ? undefined : Math.max(...times) + periodMs;
  const isUnreadable = config !== undefined && hasUnreadableReclaim(config);
  const progress = progressOf(isUnreadable ? undefined : untilMs, areEventsComplete, now);
  const reclaiming = reclaimingOf(rooms);
  const isInPeriod = progress === 'running' || progress === 'ending';
  if (reclaiming && (reclaiming.isCertain || !isInPeriod)) return { kind: 'reclaiming', what: reclaiming };
  return {
    kind: 'kept',
    periodMs,
    ...(untilMs !== undefined && { untilMs }),
    progress,
    ...(reclaiming && { perhaps: reclaiming }),
  };
}

/** How long DiskPressure stays True once enough is free. */
export function transitionMs(config: NodeFacts['config']): number {
  return config?.pressureTransitionMs ?? DEFAULT_TRANSITION_MS;
}

function progressOf(
  untilMs: number | undefined,
  areEventsComplete: boolean,
  now: Date,
): Extract<Pressure, { kind: 'kept' }>['progress'] {
  if (untilMs === undefined) return 'unclear';
  const overMs = now.getTime() - untilMs;
  if (overMs < 0) return 'running';
  if (overMs <= EVENT_DELAY_MS) return 'ending';
  return areEventsComplete ? 'overdue' : 'unclear';
}
