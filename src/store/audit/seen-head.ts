import { seenHeadMismatchInRedis } from './find-entry.ts';
import { type AuditHead } from './entry.ts';
import type { AuditLog } from './audit-log.ts';
import { CopyWriteError, ChainMismatch, onDisk } from './copy-error.ts';
import { readHeadFile, replaceHeadFile, type SeenHead } from './head-file.ts';

/** The last head seen, in its file. It only moves forward, along one chain. */
export interface SeenHeadFile {
  /**
   * The last head seen: from the file, or from memory while the file cannot be written. A removed file means that a person has resolved
   * the mismatch.
   * @throws {ChainMismatch} if the file is invalid.
   */
  readonly read: () => Promise<SeenHead | undefined>;
  /**
   * Records that the audit continues to `head`. A file that cannot be written is reported by `problem`, and does not throw.
   * @throws {ChainMismatch} if the file has a head that is not in this audit.
   */
  readonly advance: (audit: AuditLog, head: AuditHead) => Promise<void>;
  /** Why the file cannot be read or written. */
  readonly problem: () => string | undefined;
}

export function openSeenHead(path: string): SeenHeadFile {
  let known: SeenHead | undefined;
  let problem: string | undefined;

  const readFile = async (): Promise<SeenHead | undefined> => {
    const there = await onDisk(path, () => readHeadFile(path));
    if (there === 'invalid')
      throw new ChainMismatch(`the head file ${path} is invalid: something else wrote to it`);
    return there === 'missing' ? undefined : there;
  };
  const advance = async (audit: AuditLog, head: AuditHead): Promise<void> => {
    const there = await readFile();
    if (there && !isSame(there, known)) {
      // Another bot on this host has advanced it, or somebody has replaced it.
      const wrong = await seenHeadMismatchInRedis(audit, there);
      if (wrong !== undefined) throw new ChainMismatch(wrong);
    }
    known = there;
    if (there && there.seq >= head.seq) return;
    const replaced = await onDisk(path, () =>
      replaceHeadFile(path, head, (now) =>
        now === 'missing' ? !there : now !== 'invalid' && isSame(now, there),
      ),
    );
    // Not read again: by now the file may be somebody else's.
    known = replaced ?? known;
  };
  return {
    read: async () => {
      try {
        const there = await readFile();
        if (there || problem === undefined) known = there;
      } catch (error) {
        if (!(error instanceof CopyWriteError)) throw error;
        problem = error.message;
      }
      return known;
    },
    advance: async (chain, head) => {
      if (head.seq === 0) return;
      try {
        await advance(chain, head);
        problem = undefined;
      } catch (error) {
        if (!(error instanceof CopyWriteError)) throw error;
        problem = error.message;
        if (!known || known.seq < head.seq)
          known = { seq: head.seq, hash: head.hash, at: new Date().toISOString() };
      }
    },
    problem: () => problem,
  };
}

function isSame(one: AuditHead, other: AuditHead | undefined): boolean {
  return one.seq === other?.seq && one.hash === other.hash;
}
