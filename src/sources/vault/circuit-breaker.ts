import type { UnseenPlace } from '../../ports/certificates.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';

/** So many requests in a row without an answer: the folder is left, or, where Vault is gone altogether, everything. */
const CHECK_EVERY_FAILURES = 5;
/** So many, and health that still says all is well is not believed: it is told from memory while the storage may be gone. */
const MAX_FAILURES = 15;

/**
 * What got no answer during one scan. A Vault that dies half-way is one gap for each folder or configured path it happened in,
 * not thousands that say the same.
 */
export interface CircuitBreaker {
  readonly recordSuccess: () => void;
  /** What to do now: `go-on`; `ask` whether Vault is there at all, and `leave` the folder or `stop`; or `stop` anyhow. */
  readonly recordFailure: (missed: FailedPlace, error: SourceError) => 'go-on' | 'ask' | 'stop';
  readonly skipFolder: (folder: string) => void;
  readonly open: (because: string, kind?: SourceErrorKind) => void;
  readonly isOpen: () => boolean;
  /** Whether the place is not to be asked, which is then noted. */
  readonly skips: (missed: FailedPlace) => boolean;
  readonly gaps: () => readonly UnseenPlace[];
}

export interface FailedPlace {
  /** The configured path it is of. */
  readonly root: string;
  /** The folder it is in. */
  readonly folder: string;
  readonly place: string;
}

export function makeCircuitBreaker(source: string): CircuitBreaker {
  const failed: { readonly at: FailedPlace; readonly error: SourceError }[] = [];
  const cutRoots = new Set<string>();
  const cutFolders = new Set<string>();
  let consecutive = 0;
  let because: string | undefined;
  let kindOfStop: SourceErrorKind = 'unreachable';

  const gap = (place: string, message: string, kind: SourceErrorKind = 'unreachable'): UnseenPlace => ({
    kind: 'unseen',
    place: printable(`${source}:${place}`),
    error: new SourceError(source, kind, printable(message)),
  });
  const byRoot = (): UnseenPlace[] =>
    [...new Set([...cutRoots, ...failed.map(({ at }) => at.root)])].map((root) =>
      gap(root, `${because}: the rest of ${root} was not looked at`, kindOfStop),
    );
  const byFolder = (): UnseenPlace[] =>
    [...Map.groupBy(failed, ({ at }) => at.folder)].map(([folder, [first, ...others]]) => {
      const { at, error } = first!;
      if (cutFolders.has(folder))
        return gap(
          folder,
          `${others.length + 1} places got no answer (${error.message}): the rest of ${folder} was not looked at`,
        );
      if (others.length === 0) return gap(at.place, error.message);
      return gap(folder, `${others.length + 1} places in it got no answer: ${error.message}`);
    });

  return {
    recordSuccess: () => {
      consecutive = 0;
    },
    recordFailure: (at, error) => {
      failed.push({ at, error });
      consecutive += 1;
      if (consecutive >= MAX_FAILURES) return 'stop';
      return consecutive % CHECK_EVERY_FAILURES === 0 ? 'ask' : 'go-on';
    },
    skipFolder: (folder) => void cutFolders.add(folder),
    open: (why, kind = 'unreachable') => {
      if (because !== undefined) return;
      because = why;
      kindOfStop = kind;
    },
    isOpen: () => because !== undefined,
    skips: ({ root, folder }) => {
      if (because !== undefined) cutRoots.add(root);
      return because !== undefined || cutFolders.has(folder);
    },
    gaps: () => (because === undefined ? byFolder() : byRoot()),
  };
}
