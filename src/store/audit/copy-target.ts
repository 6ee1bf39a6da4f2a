import { type FileHandle, open, stat } from 'node:fs/promises';
import { findEntry, missingEntries } from './find-entry.ts';
import { type AuditEntry, GENESIS, type AuditHead } from './entry.ts';
import { type AuditLog, parseEntry } from './audit-log.ts';
import { ChainMismatch, onDisk } from './copy-error.ts';
import type { SeenHead } from './head-file.ts';

/** Where copying continues: after this entry, with this id in the stream. */
export interface CopyPosition {
  readonly after?: string;
  readonly head: AuditHead;
}

/** What the audit is copied to. */
export interface CopyTarget {
  /** Where copying continues. @throws {ChainMismatch} if the last entry of the target is not in Redis. */
  readonly begin: (audit: AuditLog, seen: SeenHead | undefined) => Promise<CopyPosition>;
  readonly write: (lines: string) => Promise<void>;
  /** Called once everything up to this id of the stream is written. */
  readonly written: (audit: AuditLog, id: string) => Promise<void>;
  /** False if it must be opened again. @throws {ChainMismatch} if somebody else writes to it. */
  readonly isCurrent: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

const START: CopyPosition = { head: GENESIS };
const TAIL_BYTES = 64 * 1024;

/** No copy: the audit is only followed for its head, from the last one seen. */
export const NO_COPY: CopyTarget = {
  begin: async (audit, seen) => {
    const { found } = seen ? await findEntry(audit, seen.seq) : {};
    return found ? { after: found.id, head: found.entry } : START;
  },
  write: async () => undefined,
  written: async () => undefined,
  isCurrent: async () => true,
  close: async () => undefined,
};

/** Stdout cannot be read again, so Redis stores the position. After a crash an entry may be printed twice, with the same number. */
export function stdoutTarget(print: (lines: string) => Promise<void> = printOut): CopyTarget {
  return {
    ...NO_COPY,
    begin: async (audit) => {
      const after = await audit.copied.read();
      if (after === undefined) return START;
      const copied = await audit.entryAt(after);
      const entry = copied && parseEntry(copied.raw);
      if (!entry) throw new ChainMismatch('the last entry that was copied to stdout is no longer in Redis');
      return { after, head: entry };
    },
    write: (lines) => onDisk('stdout', () => print(lines)),
    written: (audit, id) => audit.copied.save(id),
  };
}

function printOut(lines: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(lines, (error) => (error ? fail(error) : done()));
  });
}

/**
 * A file that has each entry once, created if missing. An incomplete last line, as after a crash, is cut off.
 * @param foreignSize its size when somebody else was found writing to it: it is not touched while it still changes.
 */
export async function fileTarget(path: string, foreignSize?: number): Promise<CopyTarget> {
  return onDisk(path, async () => {
    const file = await open(path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      if (foreignSize !== undefined && size !== foreignSize) throw writtenByOthers(path, size);
      return openedFile(path, file, await lastLine(file, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  });
}

function openedFile(path: string, file: FileHandle, { last, size: whole }: LastLine): CopyTarget {
  let size = whole;
  const isAlone = async () => {
    const { size: now } = await file.stat();
    if (now < size) throw new ChainMismatch(`${path} was shortened by somebody else`, now);
    if (now > size) throw writtenByOthers(path, now);
  };
  return {
    begin: async (audit) => (last ? findPosition(audit, last, path) : START),
    write: (lines) =>
      onDisk(path, async () => {
        await isAlone();
        await file.appendFile(lines);
        await file.datasync();
        size += Buffer.byteLength(lines);
        await isAlone();
      }),
    written: async () => undefined,
    isCurrent: () =>
      onDisk(path, async () => {
        // If it was moved away, a new copy begins.
        const [here, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
        if (there?.ino !== here.ino || there.dev !== here.dev) return false;
        await isAlone();
        return true;
      }),
    close: () => file.close(),
  };
}

function writtenByOthers(path: string, size: number): ChainMismatch {
  return new ChainMismatch(`somebody else writes to ${path}; give each bot a file of its own`, size);
}

interface LastLine {
  readonly last?: AuditEntry;
  readonly size: number;
}

/** The last complete line. Cuts off an incomplete one after it. */
async function lastLine(file: FileHandle, path: string): Promise<LastLine> {
  const { size } = await file.stat();
  for (let bytes = TAIL_BYTES; ; bytes *= 2) {
    const from = Math.max(0, size - bytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const tail = buffer.subarray(0, bytesRead);
    const end = tail.lastIndexOf('\n');
    const start = tail.subarray(0, Math.max(end, 0)).lastIndexOf('\n');
    if (from > 0 && (end < 0 || start < 0)) continue;
    if (from + end + 1 < size) await file.truncate(from + end + 1);
    if (end < 0) return { size: 0 };
    const last = parseEntry(tail.subarray(start + 1, end).toString());
    if (!last) throw new ChainMismatch(`${path} ends with something that is not an audit entry`);
    return { last, size: from + end + 1 };
  }
}

async function findPosition(audit: AuditLog, last: AuditEntry, path: string): Promise<CopyPosition> {
  const { found, newest } = await findEntry(audit, last.seq);
  if (found?.entry.hash === last.hash) return { after: found.id, head: last };
  if (found) throw new ChainMismatch(`entry ${last.seq} in ${path} differs from the one in Redis`);
  const end = newest.seq === 0 ? 'the audit in Redis is empty' : `Redis ends at entry ${newest.seq}`;
  throw new ChainMismatch(
    newest.seq < last.seq
      ? `${path} ends at entry ${last.seq}, but ${end}: ${missingEntries(newest.seq, last.seq)}`
      : `entry ${last.seq} in ${path} is missing in Redis`,
  );
}
