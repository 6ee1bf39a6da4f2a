import { wrongWithEndInRedis } from './audit-end.ts';
import { type Head } from './audit.ts';
import type { Chain } from './chain.ts';
import { CannotWrite, DoesNotFit, onDisk } from './copy-error.ts';
import { readHeadFile, replaceHeadFile, type Seen } from './head-file.ts';

/** The last head seen, in its file: moved forward along one chain, and never back. */
export interface KeptHead {
  /**
   * The last head seen. Where the file cannot be written, the one that this process has seen; a file that was removed means that a person
   * settled what did not fit.
   * @throws {DoesNotFit} where the file is no head.
   */
  readonly read: () => Promise<Seen | undefined>;
  /**
   * Notes that the audit goes on to `head`. That the file cannot be written is a problem, and no error.
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
      throw new DoesNotFit(`${path} is not a head of the audit: something else wrote to it`);
    return there === 'missing' ? undefined : there;
  };
  const advance = async (chain: Chain, head: Head): Promise<void> => {
    const there = await readFile();
    if (there && !isSame(there, known)) {
      // Another bot of this host has moved it, or somebody has replaced it.
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
    // What is read again may be of somebody else by then.
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
