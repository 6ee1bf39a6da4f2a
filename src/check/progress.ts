import { z } from 'zod';
import type { ReadProgress } from '../ports/read-options.ts';

/** How many sources are named in a progress message. */
const MAX_SOURCES = 12;
const MAX_TEXT_CHARS = 120;

const amount = z.number().int().nonnegative();

/**
 * How far a source is. `waiting`: it hasn't returned anything yet, or it is waiting for what `waitingFor` says; `done`: no read is running; `failed`:
 * no read is running, and none has succeeded.
 */
const sourceProgressSchema = z.strictObject({
  source: z.string(),
  state: z.enum(['waiting', 'reading', 'done', 'failed']),
  examined: amount,
  of: amount.exactOptional(),
  /** What `examined` counts, in the plural. Absent: what the check counts. */
  unit: z.string().exactOptional(),
  waitingFor: z.string().exactOptional(),
});

export type SourceProgress = Readonly<z.infer<typeof sourceProgressSchema>>;

export const progressSchema = z.strictObject({
  examined: amount,
  /** How many places couldn't be checked. */
  gaps: amount,
  /** The sources that the check has begun to read. Absent if the worker is older than 0.12. */
  sources: z.array(sourceProgressSchema).max(MAX_SOURCES).exactOptional(),
  /** How many of them are left out. */
  moreSources: amount.exactOptional(),
});

/** The progress of a running check. */
export type Progress = z.infer<typeof progressSchema>;

/** One call of a reader. */
export interface TrackedRead {
  readonly report: (progress: ReadProgress) => void;
  readonly end: (result: 'returned' | 'failed') => void;
}

/** Follows what a check reads, by source. */
export interface ProgressTracker {
  readonly begin: (source: string) => TrackedRead;
  /** Counts what the check examined. Ignored if it is not the name of a source. */
  readonly saw: (source: string, count: number) => void;
  readonly sources: () => Pick<Progress, 'sources' | 'moreSources'>;
}

interface TrackedSource {
  readonly running: Set<{ progress?: ReadProgress }>;
  /** What the last read that counted had counted when it ended. */
  lastCounted?: ReadProgress;
  examined: number;
  hasReturned: boolean;
}

export function trackProgress(): ProgressTracker {
  const tracked = new Map<string, TrackedSource>();
  return {
    begin: (name) => {
      const source = tracked.get(name) ?? { running: new Set(), examined: 0, hasReturned: false };
      tracked.set(name, source);
      const read: { progress?: ReadProgress } = {};
      source.running.add(read);
      return {
        report: (progress) => {
          read.progress = progress;
        },
        end: (result) => {
          if (!source.running.delete(read)) return;
          if (read.progress?.read !== undefined) source.lastCounted = read.progress;
          if (result === 'returned') source.hasReturned = true;
        },
      };
    },
    saw: (name, count) => {
      const source = tracked.get(name);
      if (source) source.examined += count;
    },
    sources: () => mostInteresting([...tracked].map(([name, source]) => progressOf(name, source))),
  };
}

function progressOf(name: string, source: TrackedSource): SourceProgress {
  const running = source.running.values().flatMap(({ progress }) => (progress ? [progress] : []));
  const reported = [...running];
  const waitingFor = reported.find((one) => one.waitingFor !== undefined)?.waitingFor;
  const counted = reported.find(({ read }) => read !== undefined) ?? countedBefore(source);
  const { read: examined = source.examined, of, unit } = counted ?? {};
  return {
    source: name.slice(0, MAX_TEXT_CHARS).toWellFormed(),
    state: stateOf(source, examined, waitingFor),
    examined,
    ...(of !== undefined && of >= examined && { of }),
    ...(counted && unit !== undefined && { unit }),
    ...(waitingFor !== undefined && { waitingFor: waitingFor.slice(0, MAX_TEXT_CHARS).toWellFormed() }),
  };
}

/** A later read may be about what an earlier one listed. Once the check counts that, its count says more. */
function countedBefore({ running, lastCounted, examined }: TrackedSource): ReadProgress | undefined {
  return running.size > 0 && examined > 0 ? undefined : lastCounted;
}

function stateOf(
  { running, hasReturned }: TrackedSource,
  examined: number,
  waitingFor: string | undefined,
): SourceProgress['state'] {
  if (running.size === 0) return hasReturned ? 'done' : 'failed';
  return waitingFor === undefined && (examined > 0 || hasReturned) ? 'reading' : 'waiting';
}

const BY_INTEREST: readonly SourceProgress['state'][] = ['waiting', 'failed', 'reading', 'done'];

/** In the order in which they were read, which is the same in every message of a run. */
function mostInteresting(all: readonly SourceProgress[]): Pick<Progress, 'sources' | 'moreSources'> {
  const ranked = BY_INTEREST.flatMap((state) => all.filter((one) => one.state === state));
  const kept = new Set(ranked.slice(0, MAX_SOURCES));
  const moreSources = all.length - kept.size;
  return { sources: all.filter((one) => kept.has(one)), ...(moreSources > 0 && { moreSources }) };
}
