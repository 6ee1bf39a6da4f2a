import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { auditEntrySchema, type AuditHead } from './entry.ts';

const seenHeadSchema = auditEntrySchema.pick({ seq: true, hash: true }).extend({ at: z.iso.datetime() });

/** The newest audit entry that a bot has seen in Redis, and when. */
export type SeenHead = z.infer<typeof seenHeadSchema>;

/** Beside the copy of the audit if that is a file; otherwise in the data folder. */
export function headFileOf(copyTo: string | undefined, dataPath: string): string {
  return copyTo === undefined || copyTo === 'stdout'
    ? join(resolve(dataPath), 'audit-head')
    : `${resolve(copyTo)}.head`;
}

/** `invalid` if the file is not a head. Bots replace it atomically, so something else wrote to it. */
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

/** Writing takes milliseconds: after this long the process that began it was killed. */
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
    const seen: SeenHead = { seq: head.seq, hash: head.hash, at: new Date().toISOString() };
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

/** A rename is on disk once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
