import type { PortName, Readers } from '../ports/readers.ts';
import type { Remembered } from './remembers.ts';

/**
 * All that `collect` is given. Nothing in it can change anything. `Sample` is the type of the samples of a check that `remembers`; there is
 * no `earlier` for any other.
 */
export type ReadContext<P extends PortName = PortName, M extends PortName = never, Sample = never> = Reading<
  P,
  M
> &
  ([Sample] extends [never] ? unknown : Earlier<Sample>);

interface Earlier<Sample> {
  /**
   * What earlier runs of this check in this environment saved, oldest first, of all targets. All are from before `now`. Empty on the first
   * run, and where none could be loaded, which the report then notes.
   */
  readonly earlier: readonly Remembered<Sample>[];
}

interface Reading<P extends PortName, M extends PortName> {
  /** The readers of the ports the check declares in `uses` and, where a source is configured for them, in `mayUse`; no others. */
  readonly read: Pick<Readers, P> & Partial<Pick<Readers, M>>;
  readonly now: Date;
  /** Set where this run verifies a fix that was just applied: what a source measured before is no proof. */
  readonly isVerification?: true;
  /** Aborted at the deadline, with a `SourceError` as its reason, or when the worker must stop. */
  readonly signal: AbortSignal;
  /** Milliseconds until the deadline: what must be in the report has to be known by then. */
  readonly leftMs: () => number;
  /** Reads what may fail without failing the check: a `SourceError`, and only that, becomes a gap and the fallback is returned. */
  readonly attempt: <T>(what: string, fallback: T, read: () => Promise<T>) => Promise<T>;
  /**
   * Records what could not be checked where a source reports it without throwing. `unrelated` only where it cannot hold what was
   * asked for: such a gap does not make the answer unknown.
   */
  readonly gap: (what: string, error: Error, more?: { readonly unrelated?: boolean }) => void;
  /** Records that a question was answered in another way than usual. The answer is valid, and people should know how it was obtained. */
  readonly note: (text: string) => void;
  /** Counts what was examined, by source: it becomes the coverage, and the progress while the check runs. */
  readonly saw: (source: string, count?: number) => void;
}

/** How far a running check has come, for people who wait. */
export interface Progress {
  readonly examined: number;
  /** How many places could not be checked. */
  readonly gaps: number;
}
