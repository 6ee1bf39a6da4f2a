import type { ReadOptions } from '../ports/read-options.ts';

/** The reads that are left are named once there are so few. */
const MAX_NAMED = 2;

interface FollowedReads {
  /** One has ended. Counted only if `isRead`: it returned what it should read. */
  readonly end: (name: string, isRead: boolean) => void;
}

/** Reports how many of several reads have succeeded, and at the end which ones the others wait for. */
export function followReads(
  onProgress: ReadOptions['onProgress'],
  unit: string,
  names: readonly string[],
): FollowedReads {
  const left = new Set(names);
  const of = left.size;
  let read = 0;
  const report = () => {
    const isAlmostDone = left.size > 0 && left.size < of && left.size <= MAX_NAMED;
    onProgress?.({
      read,
      of,
      unit,
      ...(isAlmostDone && { waitingFor: [...left].join(' and ') }),
    });
  };
  report();
  return {
    end: (name, isRead) => {
      if (!left.delete(name)) return;
      if (isRead) read += 1;
      report();
    },
  };
}
