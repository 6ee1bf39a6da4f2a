import type { Finding } from '../../kit.ts';
import { type ConsoleLogs, LARGE_BYTES } from './console-logs.ts';

const HUGE_BYTES = 1_000_000_000;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A guest that starts prints a lot for seconds, so what a small log does for seconds only counts if the disk is about to be full. */
const URGENT_MS = 2 * HOUR_MS;
/** What a log that is written to now and then grows by is not worth waking someone. */
const LEAST_BYTES_PER_HOUR = 1_000_000;
/** With less free, the disk counts as full: then nothing can grow. */
const FULL_SHARE = 0.02;

/** What is wrong with the console logs of one instance. */
export interface ConsoleProblem {
  readonly logs: ConsoleLogs;
  /** `orphaned`: they belong to no instance, and stand still. */
  readonly is: 'large' | 'orphaned';
  readonly severity: Finding['severity'];
  readonly isGrowing: boolean;
  readonly isDiskFull: boolean;
  /** An estimate: when the disk is full if the growth continues. Absent if it doesn't grow, or the free space is unknown. */
  readonly fullInMs?: number;
}

/** undefined if they are small enough. The size on disk decides: a sparse file costs nothing. */
export function judgeLogs(logs: ConsoleLogs): ConsoleProblem | undefined {
  const { diskBytes, growth, mount, owner } = logs;
  const { bytesPerHour = 0, isRemembered = false } = growth ?? {};
  const { freeBytes, totalBytes } = mount ?? {};
  const isGrowing = bytesPerHour >= LEAST_BYTES_PER_HOUR;
  const fullInMs = isGrowing && freeBytes !== undefined ? (freeBytes / bytesPerHour) * HOUR_MS : undefined;
  const isDiskFull =
    freeBytes !== undefined && totalBytes !== undefined && freeBytes < FULL_SHARE * totalBytes;
  const fillsSoon = fullInMs !== undefined && fullInMs <= DAY_MS;
  if (diskBytes < LARGE_BYTES && !(fillsSoon && (isRemembered || fullInMs <= URGENT_MS))) return undefined;
  const isOrphaned = owner !== undefined && owner.server === undefined && growth?.bytesPerHour === 0;
  const isBrief = diskBytes < LARGE_BYTES && !isRemembered;
  const isCritical = (fillsSoon && !isBrief) || (diskBytes >= HUGE_BYTES && (isGrowing || isDiskFull));
  return {
    logs,
    is: isOrphaned ? 'orphaned' : 'large',
    severity:
      isOrphaned && !(isDiskFull && diskBytes >= HUGE_BYTES) ? 'info' : isCritical ? 'critical' : 'warning',
    isGrowing,
    isDiskFull,
    ...(fullInMs !== undefined && { fullInMs }),
  };
}
