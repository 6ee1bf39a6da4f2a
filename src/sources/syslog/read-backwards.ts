import type { ByteBudget } from './byte-budget.ts';
import { withoutZeros } from '../../wire/log-line.ts';
import type { OpenLog } from './log-store.ts';

/** Of a longer line, only the beginning is read. */
export const MAX_LINE_BYTES = 8 * 1024;
const LINE_FEED = 0x0a;

export interface ReadBlocks {
  readonly blockBytes: number;
  readonly budget: ByteBudget;
  readonly signal: AbortSignal;
}

/** The file is shorter than it was when it was opened. */
export class TruncatedError extends Error {
  override readonly name = 'TruncatedError';
}

/**
 * The lines of a file from its end, in batches, each newest first. There is a batch for each block that has more than zeros, so one may be empty. At most one block and one line are in memory, whatever the file contains. Lines that
 * are written in the meantime are not read. Zeros at the beginning of a line, or of a block, are left out.
 * @throws {TruncatedError | BudgetSpentError | SourceError}
 */
export async function* readBackwards(
  log: OpenLog,
  { blockBytes, budget, signal }: ReadBlocks,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  /** The beginning of the line that the last block began within. */
  let rest: Buffer = Buffer.alloc(0);
  for (let at = log.file.sizeBytes; at > 0;) {
    const bytes = Math.min(blockBytes, at);
    budget.take(bytes);
    at -= bytes;
    const block = await log.read(at, bytes, signal);
    if (block.length < bytes) throw new TruncatedError();
    if (isHole(block)) {
      budget.refund(bytes);
      if (rest.length > 0) yield [rest];
      rest = Buffer.alloc(0);
      continue;
    }
    const lines: Buffer[] = [];
    let end = block.length;
    for (let feed = lastFeed(block, end); feed >= 0; feed = lastFeed(block, end)) {
      add(lines, joined(withoutZeros(block.subarray(feed + 1, end)), rest));
      rest = Buffer.alloc(0);
      end = feed;
    }
    rest = Buffer.from(joined(withoutZeros(block.subarray(0, end)), rest));
    yield lines;
  }
  if (rest.length > 0) yield [rest];
}

/** The lines of a stream of bytes, in order. */
export async function* readForwards(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let feed = chunk.indexOf(LINE_FEED); feed >= 0; feed = chunk.indexOf(LINE_FEED, from)) {
      add(lines, extended(rest, chunk.subarray(from, feed)));
      rest = Buffer.alloc(0);
      from = feed + 1;
    }
    rest = Buffer.from(extended(rest, chunk.subarray(from)));
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [rest];
}

function extended(beginning: Buffer, more: Buffer): Buffer {
  return joined(beginning, beginning.length === 0 ? withoutZeros(more) : more);
}

/** What is left of a log that was truncated while a program goes on writing at its old position. It may be far larger than the rest. */
function isHole(block: Buffer): boolean {
  return block[0] === 0 && block.at(-1) === 0 && withoutZeros(block).length === 0;
}

function lastFeed(block: Buffer, end: number): number {
  return end === 0 ? -1 : block.lastIndexOf(LINE_FEED, end - 1);
}

function joined(one: Buffer, other: Buffer): Buffer {
  if (other.length === 0) return one.subarray(0, MAX_LINE_BYTES);
  if (one.length === 0 || one.length >= MAX_LINE_BYTES)
    return (one.length === 0 ? other : one).subarray(0, MAX_LINE_BYTES);
  return Buffer.concat([one, other.subarray(0, MAX_LINE_BYTES - one.length)]);
}

function add(lines: Buffer[], line: Buffer): void {
  if (line.length > 0) lines.push(line);
}
