import { type FileHandle, open, stat } from 'node:fs/promises';
import { findEntry, missingEntries } from './find-entry.ts';
import { type AuditEntry, type AuditHead, GENESIS, type SeenHead } from './entry.ts';
import { type AuditLog, parseEntry } from './audit-log.ts';
import { ChainMismatch, onDisk } from './copy-error.ts';

/** How far the audit is copied: up to the entry with this stream id; absent if nothing is copied. */
export interface CopyPosition {
  readonly after?: string;
  readonly head: AuditHead;
}

/** An open target. */
export interface OpenCopy {
  /** Where copying continues. */
  readonly start: CopyPosition;
  /** Writes entries. `lastId` is the id of the last one in the stream. */
  readonly write: (lines: string, lastId: string) => Promise<void>;
  /** False if the target must be opened again. @throws {ChainMismatch} if another process writes to it. */
  readonly isCurrent: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** Opens the target of the copy; `seen` is the last head seen. @throws {ChainMismatch} if the last entry of the target isn't in Redis. */
export type CopyTarget = (seen: SeenHead | undefined) => Promise<OpenCopy>;

const START: CopyPosition = { head: GENESIS };
const TAIL_BYTES = 64 * 1024;
const ALWAYS_CURRENT = { isCurrent: async () => true, close: async () => undefined };

/** No copy: the audit is only followed for its head, from the last one seen. */
export function noTarget(audit: AuditLog): CopyTarget {
  return async (seen) => {
    const { found } = seen ? await findEntry(audit, seen.seq) : {};
    const start = found ? { after: found.id, head: found.entry } : START;
    return { ...ALWAYS_CURRENT, start, write: async () => undefined };
  };
}

/** Stdout can't be read again, so Redis stores the position. After a crash an entry may be printed twice, with the same number. */
export function stdoutTarget(
  audit: AuditLog,
  print: (lines: string) => Promise<void> = printOut,
): CopyTarget {
  return async () => {
    const after = await audit.copied.read();
    const copied = after === undefined ? undefined : await audit.entryAt(after);
    const head = after === undefined ? GENESIS : copied && parseEntry(copied.raw);
    if (!head) throw new ChainMismatch('the last entry that was copied to stdout is no longer in Redis');
    return {
      ...ALWAYS_CURRENT,
      start: { ...(after !== undefined && { after }), head },
      write: async (lines, lastId) => {
        await onDisk('stdout', () => print(lines));
        await audit.copied.save(lastId);
      },
    };
  };
}

function printOut(lines: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(lines, (error) => (error ? fail(error) : done()));
  });
}

/**
 * A file that has each entry once, created if missing. An incomplete last line, as after a crash, is removed. If another process was found writing to
 * the file, it isn't changed until it has stayed the same between two openings.
 */
export function fileTarget(audit: AuditLog, path: string): CopyTarget {
  /** The size of the file when another process was found writing to it. */
  let foreignSize: number | undefined;
  const foreign = (size: number, what = `another process writes to ${path}; give each bot its own file`) => {
    foreignSize = size;
    return new ChainMismatch(what);
  };
  const readEnd = async (file: FileHandle): Promise<LastLine> => {
    const { size } = await file.stat();
    if (foreignSize !== undefined && size !== foreignSize) throw foreign(size);
    foreignSize = undefined;
    return lastLine(file, path);
  };
  return async () => {
    const file = await onDisk(path, () => open(path, 'a+', 0o600));
    try {
      const end = await onDisk(path, () => readEnd(file));
      let { size } = end;
      const assertAlone = async () => {
        const { size: now } = await file.stat();
        if (now < size) throw foreign(now, `${path} was shortened by another process`);
        if (now > size) throw foreign(now);
      };
      return {
        start: end.last ? await findPosition(audit, end.last, path) : START,
        write: (lines) =>
          onDisk(path, async () => {
            await assertAlone();
            await file.appendFile(lines);
            await file.datasync();
            size += Buffer.byteLength(lines);
            await assertAlone();
          }),
        isCurrent: () =>
          onDisk(path, async () => {
            // If the file was moved away, a new copy begins.
            const [here, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
            if (there?.ino !== here.ino || there.dev !== here.dev) return false;
            await assertAlone();
            return true;
          }),
        close: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  };
}

interface LastLine {
  readonly last?: AuditEntry;
  readonly size: number;
}

/** The last complete line. Removes an incomplete one after it. */
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
    if (!last) throw new ChainMismatch(`${path} ends with a line that isn't an audit entry`);
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
