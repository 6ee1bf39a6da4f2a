import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditEntry, GENESIS, type Head } from './audit.ts';
import { type Chain, type Kept, parseEntry } from './chain.ts';

export interface CopyOptions {
  readonly chain: Chain;
  /** `stdout`, or the path of a file, which is made where there is none. */
  readonly to: string;
  readonly log: {
    readonly warn: (fields: object, message: string) => void;
    readonly error: (fields: object, message: string) => void;
  };
  /** Where lines go instead of this process' own stdout. */
  readonly print?: (lines: string) => Promise<void>;
}

const EVERY_MS = 1_500;
const CLOSES_WITHIN_MS = 5_000;
const LINE_ENDS_WITHIN = 64 * 1024;

/**
 * Copies the audit as JSON lines, in order, and follows it. In a file each entry stands once: after a restart it goes on behind the last
 * whole line. Stdout remembers nothing, so Redis notes how far it came; an entry may stand there twice after a crash, and is known by its number.
 *
 * What would not fit behind what is there is not copied: then it says so in the log, as an error, and stops.
 */
export function copyAudit(options: CopyOptions): {
  /** Copies what is known by now, and ends. */
  readonly close: () => Promise<void>;
} {
  const { to, log } = options;
  const stop = new AbortController();
  const copying = follow(options, stop.signal).catch((error: unknown) => {
    log.error({ err: error, to }, 'the audit is not copied any more');
  });
  return {
    close: async () => {
      stop.abort();
      // Redis may be away, and then what is known is what was copied.
      await Promise.race([copying, sleep(CLOSES_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

/** Redis or the disk being away is no end; what does not fit is. */
async function follow(options: CopyOptions, stop: AbortSignal): Promise<void> {
  const { chain, to, log } = options;
  let sheet: Sheet | undefined;
  let place: Place | undefined;
  try {
    for (;;) {
      const isLast = stop.aborted;
      try {
        sheet ??= to === 'stdout' ? stdoutOf(options) : await openFile(to);
        place ??= await sheet.find(chain);
        place = await copyOn(chain, sheet, place);
      } catch (error) {
        if (error instanceof DoesNotFit) throw error;
        log.warn({ err: error, to }, 'the audit could not be copied; it is tried again');
        // What was written by half is cut off when the file is opened again.
        await sheet?.close();
        sheet = place = undefined;
      }
      if (isLast) return;
      await sleep(EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    await sheet?.close();
  }
}

/** Goes on to the end of the stream as it is. */
async function copyOn(chain: Chain, sheet: Sheet, from: Place): Promise<Place> {
  let place = from;
  for (;;) {
    const page = await chain.page(place.after);
    const last = page.at(-1);
    if (!last) return place;
    const head = behind(place.head, page);
    await sheet.write(page.map(({ raw }) => `${raw}\n`).join(''));
    await sheet.written(chain, last.id);
    place = { after: last.id, head };
  }
}

/** The copy is only worth something where each entry is put behind the one that was copied before. */
function behind(head: Head | undefined, page: readonly Kept[]): Head {
  let last = head;
  for (const { raw } of page) {
    const entry = parseEntry(raw);
    if (!entry)
      throw new DoesNotFit(
        `what follows entry ${last?.seq ?? 0} of the audit in Redis is not an audit entry`,
      );
    if (last && (entry.seq !== last.seq + 1 || entry.prev !== last.hash))
      throw new DoesNotFit(
        `entry ${entry.seq} of the audit in Redis was not put behind the ${last.seq} that was copied`,
      );
    last = entry;
  }
  return last ?? GENESIS;
}

/** Where copying goes on: behind this entry, with this id in the stream. */
interface Place {
  readonly after?: string;
  /** Absent where nothing is known of what was copied before. */
  readonly head?: Head;
}

/** What is written on. */
interface Sheet {
  readonly find: (chain: Chain) => Promise<Place>;
  readonly write: (lines: string) => Promise<void>;
  readonly written: (chain: Chain, id: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What is there and what is to come are not of one chain. */
class DoesNotFit extends Error {
  override readonly name = 'DoesNotFit';
}

function stdoutOf({ print = printOut }: CopyOptions): Sheet {
  return {
    find: async (chain) => {
      const after = await chain.copied.read();
      return after === undefined ? { head: GENESIS } : { after };
    },
    write: print,
    written: (chain, id) => chain.copied.note(id),
    close: async () => undefined,
  };
}

function printOut(lines: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(lines, (error) => (error ? fail(error) : done()));
  });
}

async function openFile(path: string): Promise<Sheet> {
  const file = await open(path, 'a+', 0o600);
  try {
    const { last, size: whole } = await lastLine(file, path);
    let size = whole;
    return {
      find: (chain) => (last ? findBehind(chain, last, path) : Promise.resolve({ head: GENESIS })),
      write: async (lines) => {
        if ((await file.stat()).size !== size)
          throw new DoesNotFit(`somebody else writes to ${path}; give each bot a file of its own`);
        await file.appendFile(lines);
        await file.datasync();
        size += Buffer.byteLength(lines);
      },
      written: async () => undefined,
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The last whole line; what a crash left behind it is cut off. */
async function lastLine(
  file: FileHandle,
  path: string,
): Promise<{ readonly last?: AuditEntry; readonly size: number }> {
  const { size } = await file.stat();
  for (let room = LINE_ENDS_WITHIN; ; room *= 2) {
    const from = Math.max(0, size - room);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const tail = buffer.subarray(0, bytesRead);
    const end = tail.lastIndexOf('\n');
    const start = tail.subarray(0, Math.max(end, 0)).lastIndexOf('\n');
    if (from > 0 && (end < 0 || start < 0)) continue;
    if (from + end + 1 < size) await file.truncate(from + end + 1);
    if (end < 0) return { size: 0 };
    const last = parseEntry(tail.subarray(start + 1, end).toString());
    if (!last) throw new DoesNotFit(`${path} ends with something that is not an audit entry`);
    return { last, size: from + end + 1 };
  }
}

async function findBehind(chain: Chain, last: AuditEntry, path: string): Promise<Place> {
  for (let before: string | undefined; ;) {
    const page = await chain.pageBack(before);
    for (const { id, raw } of page) {
      const entry = parseEntry(raw);
      if (!entry || entry.seq > last.seq) continue;
      if (entry.seq === last.seq && entry.hash === last.hash) return { after: id, head: last };
      throw new DoesNotFit(
        entry.seq === last.seq
          ? `entry ${last.seq} in ${path} is another one than in Redis`
          : `${path} goes on to entry ${last.seq}, and the audit in Redis only to ${entry.seq}`,
      );
    }
    before = page.at(-1)?.id;
    if (before === undefined)
      throw new DoesNotFit(`${path} goes on to entry ${last.seq}, which is not in Redis`);
  }
}
