import type { Unseen } from '../../ports/certificates.ts';
import { SourceError } from '../../ports/source-error.ts';
import { cleanText } from '../../wire/x509.ts';

/** So many requests in a row without an answer mean that Vault is gone, not that one path is slow. */
const MANY = 5;

/**
 * What got no answer during one scan. A Vault that dies half-way is one gap for each folder or configured path it happened in,
 * not thousands that say the same.
 */
export interface Outage {
  readonly answered: () => void;
  /** Says whether it is time to stop. */
  readonly unanswered: (missed: Missed, error: SourceError) => boolean;
  readonly stop: (because: string) => void;
  readonly stopped: () => boolean;
  /** Not asked, since it was stopped. */
  readonly skipped: (root: string) => void;
  readonly gaps: () => readonly Unseen[];
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
  const cut = new Set<string>();
  let inARow = 0;
  let because: string | undefined;

  const gap = (place: string, kind: SourceError['kind'], message: string): Unseen => ({
    kind: 'unseen',
    place: cleanText(`${source}:${place}`),
    error: new SourceError(source, kind, cleanText(message)),
  });
  const cutShort = (): Unseen[] =>
    [...new Set([...cut, ...missed.map(({ at }) => at.root)])].map((root) =>
      gap(root, 'unreachable', `${because}: the rest of ${root} was not looked at`),
    );
  const byFolder = (): Unseen[] =>
    [...Map.groupBy(missed, ({ at }) => at.folder)].map(([folder, [first, ...others]]) =>
      others.length === 0
        ? gap(first!.at.place, first!.error.kind, first!.error.message)
        : gap(
            folder,
            first!.error.kind,
            `${others.length + 1} places in it got no answer: ${first!.error.message}`,
          ),
    );

  return {
    answered: () => {
      inARow = 0;
    },
    unanswered: (at, error) => {
      missed.push({ at, error });
      return ++inARow >= MANY;
    },
    stop: (why) => {
      because ??= why;
    },
    stopped: () => because !== undefined,
    skipped: (root) => void cut.add(root),
    gaps: () => (because === undefined ? byFolder() : cutShort()),
  };
}
