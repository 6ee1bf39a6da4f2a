import type { UnseenPlace } from '../../ports/certificates.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';

/** After each such number of consecutive failures, the folder is skipped, or everything that remains if Vault itself is down. */
const CHECK_EVERY_FAILURES = 5;
/**
 * After this many, the scan stops even if Vault reports to be healthy: its health comes from memory, while its storage may be unavailable.
 */
const MAX_FAILURES = 15;

/**
 * Counts the failed requests of one scan, and stops the scan after too many. A Vault that fails during the scan is one gap per folder or
 * configured path, not thousands of equal gaps.
 */
export interface CircuitBreaker {
  readonly recordSuccess: () => void;
  /**
   * What to do next: `go-on`; `ask` for Vault's health, and then call `skipFolder` or `open`; or `stop`, which means to call `open` in any
   * case.
   */
  readonly recordFailure: (missed: FailedPlace, error: SourceError) => 'go-on' | 'ask' | 'stop';
  readonly skipFolder: (folder: string) => void;
  readonly open: (because: string, kind?: SourceErrorKind) => void;
  readonly isOpen: () => boolean;
  /** Whether the place must be skipped. If so, that is recorded. */
  readonly skips: (missed: FailedPlace) => boolean;
  readonly gaps: () => readonly UnseenPlace[];
}

export interface FailedPlace {
  /** The configured path that it is below. */
  readonly root: string;
  /** The folder that contains it. */
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
      gap(root, `${because}: the rest of ${root} was not checked`, kindOfStop),
    );
  const byFolder = (): UnseenPlace[] =>
    [...Map.groupBy(failed, ({ at }) => at.folder)].map(([folder, [first, ...others]]) => {
      const { at, error } = first!;
      if (cutFolders.has(folder))
        return gap(
          folder,
          `${others.length + 1} requests failed (${error.message}): the rest of ${folder} was not checked`,
        );
      if (others.length === 0) return gap(at.place, error.message);
      return gap(folder, `${others.length + 1} requests in it failed: ${error.message}`);
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
