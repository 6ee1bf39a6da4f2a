import { Readable, pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { LogLine } from '../../ports/logs.ts';
import type { OpenLog } from './log-store.ts';
import { type ReadBlocks, readForwards, TruncatedError } from './read-backwards.ts';

/** The file is not what its name says, or ends too early. */
export class DamagedError extends Error {
  override readonly name = 'DamagedError';
}

export interface CompressedTail {
  /** Oldest first. */
  readonly lines: readonly LogLine[];
  /** Older lines were wanted too, but more than `keepBytes`. */
  readonly isCut: boolean;
  /** Why the rest of the file couldn't be read. The lines before it are valid. */
  readonly error?: unknown;
  readonly hasTimes: boolean;
}

const DECOMPRESS = { gz: createGunzip, zst: createZstdDecompress };

export function canDecompress(compression: string): compression is keyof typeof DECOMPRESS {
  return Object.hasOwn(DECOMPRESS, compression);
}

/** What a line costs in memory besides its text. */
const LINE_BYTES = 200;

/**
 * The last lines of a compressed file that may be in the window. It has to be read from its beginning, and only `keepBytes` of lines are in memory,
 * whatever it contains.
 */
export async function readCompressed(
  log: OpenLog,
  options: ReadBlocks & {
    readonly compression: keyof typeof DECOMPRESS;
    readonly keepBytes: number;
    readonly parse: (line: Buffer) => LogLine;
    readonly isWanted: (line: LogLine) => boolean;
  },
): Promise<CompressedTail> {
  const tail = keepLast(options.keepBytes);
  let hasTimes = false;
  const decompressed = DECOMPRESS[options.compression]();
  // Errors are thrown by reading `decompressed`.
  pipeline(Readable.from(blocksOf(log, options)), decompressed, () => {});
  try {
    for await (const lines of readForwards(decompressed as AsyncIterable<Buffer>)) {
      options.signal.throwIfAborted();
      for (const line of lines.map(options.parse)) {
        hasTimes ||= line.at !== undefined;
        if (options.isWanted(line)) tail.add(line);
      }
    }
    return { ...tail.get(), hasTimes };
  } catch (error) {
    return { ...tail.get(), hasTimes, error: isOfZlib(error) ? new DamagedError() : error };
  } finally {
    decompressed.destroy();
  }
}

async function* blocksOf(log: OpenLog, { blockBytes, budget, signal }: ReadBlocks): AsyncGenerator<Buffer> {
  const { sizeBytes } = log.file;
  for (let at = 0; at < sizeBytes; at += blockBytes) {
    const bytes = Math.min(blockBytes, sizeBytes - at);
    budget.take(bytes);
    const block = await log.read(at, bytes, signal);
    if (block.length < bytes) throw new TruncatedError();
    yield block;
  }
}

function isOfZlib(error: unknown): boolean {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === 'string' && /^(?:Z_|ZSTD_)/.test(code);
}

function keepLast(keepBytes: number) {
  let lines: LogLine[] = [];
  let from = 0;
  let bytes = 0;
  let dropped = false;
  const cost = ({ text }: LogLine): number => text.length + LINE_BYTES;
  return {
    add: (line: LogLine): void => {
      lines.push(line);
      bytes += cost(line);
      for (; bytes > keepBytes && from < lines.length - 1; from += 1) bytes -= cost(lines[from] as LogLine);
      if (from > lines.length / 2) {
        dropped = true;
        lines = lines.slice(from);
        from = 0;
      }
    },
    get: (): { lines: readonly LogLine[]; isCut: boolean } => ({
      lines: lines.slice(from),
      isCut: dropped || from > 0,
    }),
  };
}
