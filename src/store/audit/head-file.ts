import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { AuditLog } from './audit-log.ts';
import { ChainMismatch, CopyWriteError, onDisk } from './copy-error.ts';
import { type AuditHead, type SeenHead, seenHeadSchema } from './entry.ts';
import { seenHeadMismatchInRedis } from './find-entry.ts';

/** Next to the copy of the audit if that is a file; otherwise in the data folder. */
export function headFileOf(copyTo: string | undefined, dataPath: string): string {
  return copyTo === undefined || copyTo === 'stdout'
    ? join(resolve(dataPath), 'audit-head')
    : `${resolve(copyTo)}.head`;
}

/** `invalid` if the file isn't a head. Bots replace it atomically, so another program wrote to it. */
export async function readHeadFile(path: string): Promise<SeenHead | 'missing' | 'invalid'> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    throw error;
  }
  try {
    return seenHeadSchema.safeParse(JSON.parse(text)).data ?? 'invalid';
  } catch {
    return 'invalid';
  }
}

export function invalidHeadReason(path: string): string {
  return `the head file ${path} is invalid: another program wrote to it`;
}

/** Writing takes milliseconds. After this time, the process that started it was killed. */
const ABANDONED_AFTER_MS = 30_000;

/**
 * Replaces the head in the file if `mayFollow` accepts the current one. A new file is written, synced and renamed over the old one, so that a
 * crash leaves one or the other. Bots on one host may share the file: only one writes at a time.
 * @returns the new content; undefined if the file was not changed, because it was not accepted or another process is writing it.
 */
export async function replaceHeadFile(
  path: string,
  head: AuditHead,
  mayFollow: (there: SeenHead | 'missing' | 'invalid') => boolean,
): Promise<SeenHead | undefined> {
  const next = `${path}.new`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await openAlone(next);
  if (!file) return undefined;
  let isReplaced = false;
  try {
    if (!mayFollow(await readHeadFile(path))) return undefined;
    const seen = seenNow(head);
    await file.writeFile(`${JSON.stringify(seen)}\n`);
    await file.sync();
    await rename(next, path);
    isReplaced = true;
    await syncFolder(dirname(path));
    return seen;
  } finally {
    await file.close();
    if (!isReplaced) await rm(next, { force: true });
  }
}

async function openAlone(path: string) {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const since = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
  if (since !== undefined && Date.now() - since > ABANDONED_AFTER_MS) await rm(path, { force: true });
  return undefined;
}

/** A rename is durable once its folder is synced. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The last head seen, in its file. It only moves forward, along one chain. */
export interface SeenHeadFile {
  /**
   * The last head seen: from the file, or from memory while the file can't be written. A removed file means that someone has resolved the mismatch.
   * @throws {ChainMismatch} if the file is invalid.
   */
  readonly read: () => Promise<SeenHead | undefined>;
  /**
   * Records that the audit continues to `head`. A file that can't be written is reported by `problem` and doesn't throw.
   * @throws {ChainMismatch} if the file has a head that isn't in this audit.
   */
  readonly advance: (head: AuditHead) => Promise<void>;
  /** Why the file can't be read or written. */
  readonly problem: () => string | undefined;
}

export function openSeenHead(path: string, audit: AuditLog): SeenHeadFile {
  let known: SeenHead | undefined;
  let problem: string | undefined;
  const noteUnwritable = (error: unknown) => {
    if (!(error instanceof CopyWriteError)) throw error;
    problem = error.message;
  };
  const readIt = async (): Promise<SeenHead | undefined> => {
    const there = await onDisk(path, () => readHeadFile(path));
    if (there === 'invalid') throw new ChainMismatch(invalidHeadReason(path));
    return there === 'missing' ? undefined : there;
  };
  const advance = async (head: AuditHead): Promise<void> => {
    const there = await readIt();
    // Another bot on this host has advanced it, or someone has replaced it.
    const wrong = there && !isSame(there, known) ? await seenHeadMismatchInRedis(audit, there) : undefined;
    if (wrong !== undefined) throw new ChainMismatch(wrong);
    known = there;
    if (there && there.seq >= head.seq) return;
    const replaced = await onDisk(path, () =>
      replaceHeadFile(path, head, (now) =>
        now === 'missing' ? !there : now !== 'invalid' && isSame(now, there),
      ),
    );
    // Not read again: by now the file may belong to another process.
    known = replaced ?? known;
  };
  return {
    read: async () => {
      try {
        const there = await readIt();
        if (there || problem === undefined) known = there;
      } catch (error) {
        noteUnwritable(error);
      }
      return known;
    },
    advance: async (head) => {
      if (head.seq === 0) return;
      try {
        await advance(head);
        problem = undefined;
      } catch (error) {
        noteUnwritable(error);
        if (!known || known.seq < head.seq) known = seenNow(head);
      }
    },
    problem: () => problem,
  };
}

function isSame(one: AuditHead, other: AuditHead | undefined): boolean {
  return one.seq === other?.seq && one.hash === other.hash;
}

function seenNow({ seq, hash }: AuditHead): SeenHead {
  return { seq, hash, at: new Date().toISOString() };
}
