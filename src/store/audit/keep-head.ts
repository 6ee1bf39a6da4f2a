import { wrongWithEndInRedis } from './end.ts';
import { type Head } from './entry.ts';
import type { Chain } from './chain.ts';
import { CannotWrite, DoesNotFit, onDisk } from './copy-error.ts';
import { readHeadFile, replaceHeadFile, type Seen } from './head-file.ts';

/** The last head seen, in its file. It only moves forward, along one chain. */
export interface KeptHead {
  /**
   * The last head seen: from the file, or from memory while the file cannot be written. A removed file means that a person has resolved
   * the mismatch.
   * @throws {DoesNotFit} where the file is invalid.
   */
  readonly read: () => Promise<Seen | undefined>;
  /**
   * Notes that the audit continues to `head`. Where the file cannot be written, that is reported by `problem` and not thrown.
   * @throws {DoesNotFit} where the file has a head that is not in this audit.
   */
  readonly advance: (chain: Chain, head: Head) => Promise<void>;
  /** Why the file cannot be read or written. */
  readonly problem: () => string | undefined;
}

export function keepHead(path: string): KeptHead {
  let known: Seen | undefined;
  let problem: string | undefined;

  const readFile = async (): Promise<Seen | undefined> => {
    const there = await onDisk(path, () => readHeadFile(path));
    if (there === 'invalid')
      throw new DoesNotFit(`the head file ${path} is invalid: something else wrote to it`);
    return there === 'missing' ? undefined : there;
  };
  const advance = async (chain: Chain, head: Head): Promise<void> => {
    const there = await readFile();
    if (there && !isSame(there, known)) {
      // Another bot on this host has advanced it, or somebody has replaced it.
      const wrong = await wrongWithEndInRedis(chain, there);
      if (wrong !== undefined) throw new DoesNotFit(wrong);
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
        if (!(error instanceof CannotWrite)) throw error;
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
        if (!(error instanceof CannotWrite)) throw error;
        problem = error.message;
        if (!known || known.seq < head.seq)
          known = { seq: head.seq, hash: head.hash, at: new Date().toISOString() };
      }
    },
    problem: () => problem,
  };
}

function isSame(one: Head, other: Head | undefined): boolean {
  return one.seq === other?.seq && one.hash === other.hash;
}
