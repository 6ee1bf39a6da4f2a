import type { LogLine } from '../../ports/logs.ts';

/** The lines that a query is about. */
export interface Window {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Several hosts write into one file, with clocks of their own, so its lines are not quite in order. */
export const OUT_OF_ORDER_MS = 15 * 60_000;
/** How many lines before the window prove that it is passed. Each line within it needs 9 more, so that one wrong clock doesn't matter. */
const PAST_LINES = 200;
const OTHER_LINES = 9;
/** How many lines without a time are kept until the next time is read. */
const MAX_UNDECIDED = 1_000;

export interface WindowReader {
  /** Those of the next lines, newest first, that are in the window, and those without a time next to them. */
  readonly select: (lines: readonly LogLine[]) => readonly LogLine[];
  /** Lines without a time that are still undecided, at the beginning of the file. */
  readonly rest: () => readonly LogLine[];
  /** Whether all further lines are before the window. */
  readonly isPassed: () => boolean;
  readonly hasTimes: () => boolean;
}

/** Finds the window in the lines of one file, which are read newest first. */
export function readWindow({ sinceMs, untilMs }: Window): WindowReader {
  let past = 0;
  let timed = 0;
  /** Where the last line with a time was. The end of a file is as new as can be. */
  let last: 'before' | 'within' | 'after' = 'within';
  let undecided: LogLine[] = [];

  const take = (line: LogLine, selected: LogLine[]): void => {
    const atMs = line.at?.getTime();
    if (atMs === undefined) {
      if (last === 'within') selected.push(line);
      else if (undecided.push(line) > MAX_UNDECIDED) selected.push(...undecided.splice(0));
      return;
    }
    timed += 1;
    past = atMs < sinceMs - OUT_OF_ORDER_MS ? past + 1 : Math.max(past - OTHER_LINES, 0);
    if (atMs < sinceMs) last = 'before';
    else last = atMs > untilMs ? 'after' : 'within';
    if (last === 'within') selected.push(...undecided, line);
    undecided = [];
  };
  return {
    select: (lines) => {
      const selected: LogLine[] = [];
      for (const line of lines) take(line, selected);
      return selected;
    },
    rest: () => (timed === 0 || last === 'after' ? undecided.splice(0) : []),
    isPassed: () => past >= PAST_LINES,
    hasTimes: () => timed > 0,
  };
}
