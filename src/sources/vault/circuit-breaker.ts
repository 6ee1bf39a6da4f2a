import type { UnseenPlace } from '../../ports/certificates.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { printable } from '../../wire/x509.ts';

/** So many requests in a row without an answer: the folder is left, or, where Vault is gone altogether, everything. */
const MANY = 5;
/** So many, and health that still says all is well is not believed: it is told from memory while the storage may be gone. */
const TOO_MANY = 15;

/**
 * What got no answer during one scan. A Vault that dies half-way is one gap for each folder or configured path it happened in,
 * not thousands that say the same.
 */
export interface Outage {
  readonly answered: () => void;
  /** What to do now: `go-on`; `ask` whether Vault is there at all, and `leave` the folder or `stop`; or `stop` anyhow. */
  readonly unanswered: (missed: Missed, error: SourceError) => 'go-on' | 'ask' | 'stop';
  readonly leave: (folder: string) => void;
  readonly stop: (because: string, kind?: SourceErrorKind) => void;
  readonly stopped: () => boolean;
  /** Whether the place is not to be asked, which is then noted. */
  readonly skips: (missed: Missed) => boolean;
  readonly gaps: () => readonly UnseenPlace[];
}

export interface Missed {
  /** The configured path it is of. */
  readonly root: string;
  /** The folder it is in. */
  readonly folder: string;
  readonly place: string;
}

export function openOutage(source: string): Outage {
  const missed: { readonly at: Missed; readonly error: SourceError }[] = [];
  const cutRoots = new Set<string>();
  const cutFolders = new Set<string>();
  let inARow = 0;
  let because: string | undefined;
  let kindOfStop: SourceErrorKind = 'unreachable';

  const gap = (place: string, message: string, kind: SourceErrorKind = 'unreachable'): UnseenPlace => ({
    kind: 'unseen',
    place: printable(`${source}:${place}`),
    error: new SourceError(source, kind, printable(message)),
  });
  const byRoot = (): UnseenPlace[] =>
    [...new Set([...cutRoots, ...missed.map(({ at }) => at.root)])].map((root) =>
      gap(root, `${because}: the rest of ${root} was not looked at`, kindOfStop),
    );
  const byFolder = (): UnseenPlace[] =>
    [...Map.groupBy(missed, ({ at }) => at.folder)].map(([folder, [first, ...others]]) => {
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
    answered: () => {
      inARow = 0;
    },
    unanswered: (at, error) => {
      missed.push({ at, error });
      inARow += 1;
      if (inARow >= TOO_MANY) return 'stop';
      return inARow % MANY === 0 ? 'ask' : 'go-on';
    },
    leave: (folder) => void cutFolders.add(folder),
    stop: (why, kind = 'unreachable') => {
      if (because !== undefined) return;
      because = why;
      kindOfStop = kind;
    },
    stopped: () => because !== undefined,
    skips: ({ root, folder }) => {
      if (because !== undefined) cutRoots.add(root);
      return because !== undefined || cutFolders.has(folder);
    },
    gaps: () => (because === undefined ? byFolder() : byRoot()),
  };
}
