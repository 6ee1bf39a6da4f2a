import type { Report } from '../../check/finding.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';

/** One question, asked again and again: the same check in the same environment with the same parsed arguments. */
export interface Question {
  readonly check: string;
  readonly environment: string;
  /** Of `questionIdOf`. */
  readonly questionId: string;
}

/** A finding by its short id, as people type it. */
export interface KnownFinding {
  readonly check: string;
  readonly environment: string;
  readonly finding: TrackedFinding;
}

/** What became of the findings of a question, over all of its runs. */
export interface FindingHistory {
  /** The findings that are kept of a question: found, unseen, or gone within the retention. */
  readonly load: (question: Question) => Promise<readonly TrackedFinding[]>;
  /**
   * Records what a run found, and returns all findings of the question as they are after it. A run that began before the last recorded one
   * changes nothing. Times are by the clock of Redis.
   */
  readonly record: (question: Question, report: Report) => Promise<readonly TrackedFinding[]>;
  /** The finding with this id, by its latest record; undefined if none is kept. */
  readonly find: (findingId: string) => Promise<KnownFinding | undefined>;
  /** Every finding that is kept and not gone, of all questions, each once by its latest record. */
  readonly list: () => Promise<readonly KnownFinding[]>;
}
