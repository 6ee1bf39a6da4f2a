import type { LogLine, LogQuery } from '../../ports/logs.ts';
import { SourceError } from '../../ports/source-error.ts';
import { bytes, period, utcTime } from '../../text/wording.ts';
import { type Deadline, startDeadline } from '../../wire/deadline.ts';
import type { LogClock } from '../../wire/log-time.ts';
import { printable } from '../../wire/x509.ts';
import { BudgetSpentError, startBudget } from './byte-budget.ts';
import type { SyslogConfig } from './config.ts';
import type { LogStore, OnProblem } from './log-store.ts';
import { mergeNewestFirst } from './merge-newest-first.ts';
import { type ChainQuery, readChain } from './read-chain.ts';
import { currentFiles } from './rotation.ts';

export interface LogReading extends Pick<SyslogConfig, 'name' | 'maxBytes' | 'timeoutMs'> {
  readonly store: LogStore;
  readonly utcOffsetMinutes: LogClock['utcOffsetMinutes'];
}

/** What all files together may hold in memory as blocks, and as lines of compressed files. */
const BLOCKS_BYTES = 32 * 1024 * 1024;
const KEPT_BYTES = 32 * 1024 * 1024;
const MIN_BLOCK_BYTES = 8 * 1024;
const MIN_KEPT_BYTES = 256 * 1024;
/** Problems that a message names. */
const MAX_NAMED = 5;
/** Of logs whose newest line is so much older than the window, it is not known whether they still arrive. */
export const STALE_MS = 24 * 3_600_000;

/**
 * The lines of a query, as the port defines it: what can be read is yielded first.
 * @throws {SourceError} about everything that couldn't be read
 */
export async function* readLogs(
  reading: LogReading,
  options: LogQuery,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  const { signal, onProgress, since } = options;
  signal.throwIfAborted();
  const deadline = startDeadline(signal, reading.timeoutMs);
  // Times without a year are near the window, also if the window is in the past.
  const now = options.until ?? new Date(Math.max(Date.now(), since.getTime()));
  const run: Run = { now, deadline, problems: new Map() };
  try {
    let read = 0;
    for await (const lines of readAll(reading, options, run)) {
      read += lines.length;
      onProgress?.({ read, unit: 'log lines' });
      yield lines;
    }
  } catch (error) {
    signal.throwIfAborted();
    run.problems.set('', limitError(error, undefined, reading, deadline));
  } finally {
    deadline.stop();
  }
  const { newest } = run;
  if (newest && (options.until ?? since).getTime() - newest.getTime() > STALE_MS) {
    const message = `the newest line is from ${utcTime(newest)}. Check that logs still arrive`;
    run.problems.set('', new SourceError(reading.name, 'missing', message));
  }
  if (run.problems.size > 0) throw combined(reading.name, run.problems);
}

interface Run {
  readonly now: Date;
  readonly deadline: Deadline;
  /** By path; by an empty one if they are about all files. */
  readonly problems: Map<string, SourceError>;
  /** The time of the newest line, in the window or not. */
  newest?: Date;
}

async function* readAll(
  reading: LogReading,
  { since, until }: LogQuery,
  run: Run,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  const { name, store, maxBytes, utcOffsetMinutes } = reading;
  const { signal } = run.deadline;
  const onProblem: OnProblem = (path, error) => void run.problems.set(path, error);
  const files = currentFiles(await store.list(signal, onProblem));
  const share = Math.max(files.length, 1);
  const query: ChainQuery = {
    source: name,
    sinceMs: since.getTime(),
    untilMs: until?.getTime() ?? Infinity,
    clock: { now: run.now, utcOffsetMinutes },
    budget: startBudget(maxBytes),
    signal,
    blockBytes: Math.min(store.blockBytes, Math.max(Math.floor(BLOCKS_BYTES / share), MIN_BLOCK_BYTES)),
    keepBytes: Math.max(Math.floor(KEPT_BYTES / share), MIN_KEPT_BYTES),
    onProblem,
    onNewest: ({ at }) => {
      if (!run.newest || at > run.newest) run.newest = at;
    },
  };
  const chains = files.map((file) => readChain(store, file, query));
  yield* mergeNewestFirst(chains, (error, completeToMs) => {
    run.problems.set('', limitError(error, completeToMs, reading, run.deadline));
  });
}

function limitError(
  error: unknown,
  completeToMs: number | undefined,
  { name, maxBytes, timeoutMs }: LogReading,
  deadline: Deadline,
): SourceError {
  const since = completeToMs === undefined ? '' : ` since ${utcTime(new Date(completeToMs))}`;
  if (error instanceof BudgetSpentError)
    return new SourceError(
      name,
      'malformed',
      `only the last ${bytes(maxBytes)}${since} were read (maxBytes)`,
    );
  if (deadline.passed()) {
    const read = since === '' ? 'not all lines' : `only the lines${since}`;
    const message = `${read} were read within ${period(timeoutMs)} (timeoutMs)`;
    return new SourceError(name, 'unreachable', message, { code: 'TIMEOUT' });
  }
  if (error instanceof SourceError) return error;
  throw error;
}

/** One error for all that couldn't be read. */
function combined(name: string, problems: ReadonlyMap<string, SourceError>): SourceError {
  const all = [...problems].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const [[path, first]] = all as [[string, SourceError]];
  if (all.length === 1 && path === '') return first;
  const texts = all.map(([at, { message }]) => (at === '' ? message : `${printable(at)}: ${message}`));
  const message = [
    ...texts.slice(0, MAX_NAMED),
    ...(texts.length > MAX_NAMED ? [`${texts.length - MAX_NAMED} more such problems`] : []),
  ].join('; ');
  const paths = all.map(([at]) => printable(at)).filter((at) => at !== '');
  const hostKey = all.find(([, error]) => error.hostKey)?.[1].hostKey;
  return new SourceError(name, first.kind, message, {
    places: paths.length,
    placeNames: paths,
    ...(hostKey && { hostKey }),
  });
}
