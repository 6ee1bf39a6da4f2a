import type { DigestRun, DigestSnapshot } from '../../check/digest-run.ts';

/** Why the last run could not be posted, for people: `not_in_channel`. */
export interface UndeliveredDigest {
  readonly at: string;
  readonly code: string;
}

/** What is kept of the digests: their schedule, their last run, and what was posted last. */
export interface Digests {
  /** The last run that has finished, posted or not. */
  readonly lastRun: (name: string) => Promise<DigestRun | undefined>;
  /** What the last posted message has said: the next one is compared with it. */
  readonly lastPosted: (name: string) => Promise<DigestSnapshot | undefined>;
  /** Whether this run is to be posted now: a newer run of the digest replaces one that is not posted yet, and two are never posted at once. */
  readonly beginPosting: (name: string, runId: string) => Promise<'go' | 'wait' | 'replaced' | 'posted'>;
  readonly recordPosted: (name: string, runId: string, snapshot: DigestSnapshot) => Promise<void>;
  /** It could not be posted, or had nothing to say: the next run is compared with what was posted before. */
  readonly recordNotPosted: (name: string, runId: string, because?: UndeliveredDigest) => Promise<void>;
  readonly undelivered: (name: string) => Promise<UndeliveredDigest | undefined>;
}
