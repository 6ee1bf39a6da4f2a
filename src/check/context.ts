import type { PortName, Readers } from '../ports/readers.ts';
import type { Location } from './finding.ts';
import type { Remembered } from './remembers.ts';

/**
 * The argument of `collect`. Everything in it is read-only. `Sample` is the type of the samples of a check that `remembers`; other checks have no
 * `earlier`.
 */
export type ReadContext<P extends PortName = PortName, M extends PortName = never, Sample = never> = Reading<
  P,
  M
> &
  ([Sample] extends [never] ? unknown : Earlier<Sample>);

interface Earlier<Sample> {
  /**
   * The samples that earlier runs of this check in this environment saved, oldest first, of all targets. All are from before `now`. Empty on the
   * first run, and if they couldn't be loaded, which the report then notes.
   */
  readonly earlier: readonly Remembered<Sample>[];
}

interface Reading<P extends PortName, M extends PortName> {
  /** The readers of the ports the check declares in `uses` and, if a source is configured for them, in `mayUse`; no others. */
  readonly read: Pick<Readers, P> & Partial<Pick<Readers, M>>;
  readonly now: Date;
  /** Set if this run verifies a fix that was just applied: earlier measurements of a source prove nothing. */
  readonly isVerification?: true;
  /** Aborted at the deadline, with a `SourceError` as its reason, or when the worker must stop. */
  readonly signal: AbortSignal;
  /** Milliseconds until the deadline. Everything in the report must be known by then. */
  readonly leftMs: () => number;
  /** Reads something that may fail without failing the check: a `SourceError`, and no other error, becomes a gap, and the fallback is returned. */
  readonly attempt: <T>(what: string, fallback: T, read: () => Promise<T>) => Promise<T>;
  /**
   * Records what couldn't be checked, if a source reports it without throwing. `unrelated` only if it can't contain what was requested: such a gap
   * doesn't make the status unknown. `location` if it is a place in a file.
   */
  readonly gap: (
    what: string,
    error: Error,
    more?: { readonly unrelated?: boolean; readonly location?: Omit<Location, 'target'> },
  ) => void;
  /** Records that something was read in another way than usual. The result is valid, but people should know how it was obtained. */
  readonly note: (text: string) => void;
  /** Counts what was examined, by source, for the coverage and for the progress while the check runs. */
  readonly saw: (source: string, count?: number) => void;
}
