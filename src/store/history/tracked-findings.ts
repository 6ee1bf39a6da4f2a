import type { Report } from '../../check/finding.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';

/** A question: one check in one environment with the same parsed arguments, over all its runs. */
export interface Question {
  readonly check: string;
  readonly environment: string;
  /** From `questionIdOf`. */
  readonly questionId: string;
}

/** A finding by its short id, as people type it. */
export interface KnownFinding {
  readonly check: string;
  readonly environment: string;
  readonly finding: TrackedFinding;
}

/** The findings of each question, over all of its runs. */
export interface FindingHistory {
  /** The stored findings of a question: found, unseen, or gone within the retention. */
  readonly load: (question: Question) => Promise<readonly TrackedFinding[]>;
  /**
   * Records what a run found, and returns all findings of the question after it. A run that began before the last recorded one changes nothing. Times
   * are by the clock of Redis.
   */
  readonly record: (question: Question, report: Report) => Promise<readonly TrackedFinding[]>;
  /** The finding with this id, by its latest record; undefined if none is stored. */
  readonly find: (findingId: string) => Promise<KnownFinding | undefined>;
  /** Every stored finding that isn't gone, of all questions, each once by its latest record. */
  readonly list: () => Promise<readonly KnownFinding[]>;
}
