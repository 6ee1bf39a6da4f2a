import { dirname } from 'node:path';
import type { LogLine } from '../../ports/logs.ts';
import { SourceError } from '../../ports/source-error.ts';
import { utcTime } from '../../text/wording.ts';
import { parseLogLine } from '../../wire/log-line.ts';
import type { LogClock } from '../../wire/log-time.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { LogFile, LogStore, OnProblem, OpenLog } from './log-store.ts';
import { readBackwards, TruncatedError } from './read-backwards.ts';
import { canDecompress, DamagedError, readCompressed } from './read-compressed.ts';
import { compressionOf, isRotationOf } from './rotation.ts';
import { OUT_OF_ORDER_MS, readWindow, type Window } from './window.ts';

export interface ChainQuery extends Window {
  readonly source: string;
  readonly clock: LogClock;
  readonly budget: ByteBudget;
  readonly signal: AbortSignal;
  readonly blockBytes: number;
  /** How many bytes of lines of a compressed file are kept. */
  readonly keepBytes: number;
  readonly onProblem: OnProblem;
  /** Called with the last line with a time of each file, in the window or not. */
  readonly onNewest: (line: LogLine & { readonly at: Date }) => void;
}

/** A file that was last changed this long before the window has no line in it, even if the clocks are apart. */
const CHANGED_BEFORE_MS = 60 * 60_000;
const BATCH_LINES = 500;
const MAX_BYTES_WITHOUT_TIME = 4 * 1024 * 1024;

/**
 * The lines in the window of a file and of those that it was rotated to, newest first. A file that couldn't be read is a problem, and the others are
 * read.
 * @throws {BudgetSpentError}
 */
export async function* readChain(
  store: LogStore,
  current: LogFile,
  query: ChainQuery,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  const read: ReadFiles = new Map();
  for (let file: LogFile | undefined = current; file; file = await nextRotated(store, current, read, query))
    yield* readFile(store, file, read, query);
}

/** When each file that was read was last changed, in seconds, by its identity. */
type ReadFiles = Map<string, number>;

/** Files are listed again each time, because they may be rotated while others are read. */
async function nextRotated(
  store: LogStore,
  current: LogFile,
  read: ReadFiles,
  query: ChainQuery,
): Promise<LogFile | undefined> {
  try {
    const files = await store.listChain(current.path, query.signal);
    const listed = new Set(files.map(identityOf));
    // A file that was read, and compressed since then, keeps its time of change.
    const replaced = new Set([...read].filter(([one]) => !listed.has(one)).map(([, changed]) => changed));
    const rotated = files.filter(
      (file) =>
        isRotationOf(file.path, current.path) &&
        file.modifiedAt.getTime() >= query.sinceMs - CHANGED_BEFORE_MS &&
        !read.has(identityOf(file)) &&
        !(compressionOf(file.path) !== undefined && replaced.has(changedAt(file))),
    );
    return rotated.toSorted((one, other) => other.modifiedAt.getTime() - one.modifiedAt.getTime())[0];
  } catch (error) {
    reportProblem(error, dirname(current.path), query);
    return undefined;
  }
}

function identityOf({ identity, path }: LogFile): string {
  return identity ?? path;
}

function changedAt({ modifiedAt }: LogFile): number {
  return Math.floor(modifiedAt.getTime() / 1_000);
}

async function* readFile(
  store: LogStore,
  listed: LogFile,
  read: ReadFiles,
  query: ChainQuery,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  let log: OpenLog | undefined;
  try {
    log = await store.open(listed, query.signal);
    // Since it was listed, it may have been rotated: then the listed one is still to be read.
    read.set(identityOf(log.file), changedAt(log.file));
    yield* readWindowOf(log, query);
    if ((await log.sizeNow(query.signal)) < log.file.sizeBytes) throw new TruncatedError();
  } catch (error) {
    if (!log) read.set(identityOf(listed), changedAt(listed));
    reportProblem(error, listed.path, query);
  } finally {
    await log?.close();
  }
}

async function* readWindowOf(
  log: OpenLog,
  query: ChainQuery,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  const window = readWindow(query);
  const parse = (line: Buffer): LogLine => parseLogLine(line, query.clock);
  let isNewest = true;
  let lineCount = 0;
  let bytes = 0;
  for await (const lines of batchesOf(log, parse, query)) {
    const newest = isNewest ? lines.find(({ at }) => at !== undefined) : undefined;
    if (newest?.at) {
      query.onNewest({ ...newest, at: newest.at });
      isNewest = false;
    }
    lineCount += lines.length;
    const selected = window.select(lines);
    if (selected.length > 0) yield selected;
    if (window.isPassed()) return;
    bytes += query.blockBytes;
    if (!window.hasTimes() && bytes > MAX_BYTES_WITHOUT_TIME) break;
  }
  if (!window.hasTimes() && (lineCount > 0 || bytes > MAX_BYTES_WITHOUT_TIME))
    query.onProblem(
      log.file.path,
      new SourceError(query.source, 'malformed', 'no line has a time that could be read'),
    );
  const rest = window.rest();
  if (rest.length > 0) yield rest;
}

async function* batchesOf(
  log: OpenLog,
  parse: (line: Buffer) => LogLine,
  query: ChainQuery,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  const compression = compressionOf(log.file.path);
  if (compression === undefined) {
    for await (const lines of readBackwards(log, query)) yield lines.map(parse);
    return;
  }
  if (!canDecompress(compression))
    throw new SourceError(query.source, 'malformed', `.${compression} files can't be decompressed`);
  const { lines, isCut, error, hasTimes } = await readCompressed(log, {
    ...query,
    compression,
    parse,
    isWanted: ({ at }) => at === undefined || at.getTime() >= query.sinceMs - OUT_OF_ORDER_MS,
  });
  if (isCut && hasTimes) {
    const first = lines.find(({ at }) => at !== undefined)?.at;
    const since = first ? ` since ${utcTime(first)}` : '';
    query.onProblem(
      log.file.path,
      new SourceError(
        query.source,
        'malformed',
        `it is compressed, and only its last lines${since} were read`,
      ),
    );
  }
  const reversed = lines.toReversed();
  for (let from = 0; from < reversed.length; from += BATCH_LINES)
    yield reversed.slice(from, from + BATCH_LINES);
  if (error !== undefined) throw error;
}

function reportProblem(error: unknown, path: string, { source, onProblem }: ChainQuery): void {
  if (error instanceof SourceError) onProblem(path, error);
  else if (error instanceof TruncatedError)
    onProblem(
      path,
      new SourceError(
        source,
        'malformed',
        'it was rotated or truncated while it was read; run the check again',
      ),
    );
  else if (error instanceof DamagedError)
    onProblem(path, new SourceError(source, 'malformed', 'it is compressed, and damaged or incomplete'));
  else throw error;
}
