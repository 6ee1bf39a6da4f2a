import type { LogLine } from '../../ports/logs.ts';

/** A file of which lines are read, newest first. */
interface Reading {
  readonly batches: AsyncIterator<readonly LogLine[], void>;
  /** Lines that were read and not yet yielded, each with its place in the order. */
  waiting: readonly Placed[];
  /** Never increases. A line without a time is next to the line before it. */
  placeMs: number;
  isDone: boolean;
}

interface Placed {
  readonly line: LogLine;
  readonly placeMs: number;
}

/** Files that are read at the same time. */
const READS_AT_ONCE = 16;
const BATCH_LINES = 500;

/**
 * Merges lines of several files, newest first. Each file has at most one batch in memory. The lines of one file that have the same time stay in their
 * order. An error of one file is thrown once the lines that are waiting have been yielded.
 * @param onError called with the error, and the time since which the lines of all files are complete; undefined if nothing of a file was read
 */
export async function* mergeNewestFirst(
  files: readonly AsyncIterable<readonly LogLine[]>[],
  onError: (error: unknown, readBackToMs: number | undefined) => void,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  const readings = files.map((file): Reading => ({
    batches: file[Symbol.asyncIterator]() as AsyncIterator<readonly LogLine[], void>,
    waiting: [],
    placeMs: Infinity,
    isDone: false,
  }));
  let hasFailed = false;
  try {
    for (let active = readings; active.length > 0; active = active.filter(isActive)) {
      if (!hasFailed) {
        const failure = await fillAll(active);
        if (failure) {
          hasFailed = true;
          onError(failure.error, completeToMs(active));
        }
      }
      if (hasFailed) for (const reading of active) reading.isDone = true;
      yield* inBatches(takeComplete(active));
    }
  } finally {
    await Promise.all(readings.map(async ({ batches }) => batches.return?.()));
  }
}

function isActive({ isDone, waiting }: Reading): boolean {
  return !isDone || waiting.length > 0;
}

/** Reads on in every file of which no line is waiting. */
async function fillAll(active: readonly Reading[]): Promise<{ readonly error: unknown } | undefined> {
  const empty = active.filter(({ waiting, isDone }) => waiting.length === 0 && !isDone);
  let failure: { error: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (let reading = empty.pop(); reading && !failure; reading = empty.pop()) {
      try {
        await fill(reading);
      } catch (error) {
        failure = { error };
      }
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, work));
  return failure;
}

async function fill(reading: Reading): Promise<void> {
  while (reading.waiting.length === 0 && !reading.isDone) {
    const next = await reading.batches.next();
    if (next.done) {
      reading.isDone = true;
      return;
    }
    reading.waiting = next.value.map((line) => {
      reading.placeMs = Math.min(reading.placeMs, line.at?.getTime() ?? Infinity);
      return { line, placeMs: reading.placeMs };
    });
  }
}

function completeToMs(active: readonly Reading[]): number | undefined {
  const unread = active.filter(({ isDone }) => !isDone);
  const toMs = Math.max(...unread.map(({ waiting, placeMs }) => waiting.at(-1)?.placeMs ?? placeMs));
  return Number.isFinite(toMs) ? toMs : undefined;
}

/** The lines that no unread line can be newer than. */
function takeComplete(active: readonly Reading[]): readonly LogLine[] {
  const unread = active.filter(({ isDone }) => !isDone);
  const fromMs = Math.max(...unread.map(({ waiting }) => waiting.at(-1)?.placeMs ?? Infinity));
  const taken: Placed[] = [];
  for (const reading of active) {
    const firstKept = reading.waiting.findIndex(({ placeMs }) => placeMs < fromMs);
    const count = firstKept < 0 ? reading.waiting.length : firstKept;
    for (const placed of reading.waiting.slice(0, count)) taken.push(placed);
    reading.waiting = reading.waiting.slice(count);
  }
  return taken.toSorted((one, other) => compare(other.placeMs, one.placeMs)).map(({ line }) => line);
}

function compare(one: number, other: number): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function* inBatches(lines: readonly LogLine[]): Generator<readonly LogLine[], void, undefined> {
  for (let from = 0; from < lines.length; from += BATCH_LINES) yield lines.slice(from, from + BATCH_LINES);
}
