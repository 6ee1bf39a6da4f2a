import type { EndedSilence } from '../../check/digest-run.ts';
import type { AppliedSilence, TrackedFinding } from '../../check/tracked-finding.ts';
import type { KnownFinding, Question } from '../history/tracked-findings.ts';

/** What a silence covers: one finding, or every finding with a reason whose target matches a pattern (`*` matches anything). */
export type SilenceScope =
  | {
      readonly kind: 'finding';
      readonly check: string;
      readonly environment: string;
      readonly reason: string;
      readonly target: string;
    }
  | {
      readonly kind: 'pattern';
      readonly check?: string;
      readonly environment?: string;
      readonly reason: string;
      readonly targetPattern: string;
    };

export interface Silence extends AppliedSilence {
  readonly scope: SilenceScope;
}

/**
 * Findings that people don't want to see temporarily, in Redis and by its clock. Adding and ending a silence is atomic with its audit entry; several
 * processes may do it at once, and a silence ends once. An expired silence covers nothing from that moment; the next process that reads the silences
 * writes its audit entry. A silence that can't be read, because a newer version wrote it, covers nothing.
 */
export interface Silences {
  /**
   * Adds a silence with its audit entry; one with the same scope is replaced. `baseline`: what is known of the findings that the scope covers
   * (`isCovered`); others are ignored.
   * @returns it, or why it is refused, for people: no current finding matches, or a critical finding needs an end.
   */
  readonly add: (
    scope: SilenceScope,
    by: Pick<Silence, 'by' | 'because' | 'until'>,
    baseline: readonly KnownFinding[],
  ) => Promise<Silence | string>;
  /** Ends a silence by hand, with its audit entry. False if there is none. */
  readonly remove: (id: string, by: string) => Promise<boolean>;
  /** The silence that covers a finding now, if any. Doesn't end silences. */
  readonly covering: (known: KnownFinding) => Promise<Silence | undefined>;
  /** Active silences, soonest to end first. */
  readonly list: () => Promise<readonly Silence[]>;
  /**
   * Ends the silences that a run of a question shows to be over: their findings are gone, worse, or have spread. Unseen findings end none.
   * @returns the findings with their silences.
   */
  readonly apply: (
    question: Question,
    findings: readonly TrackedFinding[],
  ) => Promise<readonly TrackedFinding[]>;
  /** The silences that ended automatically since a time, for findings of these questions. */
  readonly endedSince: (sinceMs: number, questions: readonly Question[]) => Promise<readonly EndedSilence[]>;
}
