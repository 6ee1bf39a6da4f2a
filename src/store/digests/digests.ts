import type { DigestRun, DigestSnapshot } from '../../check/digest-run.ts';

/** Why the last run could not be posted, for people: `not_in_channel`. */
export interface UndeliveredDigest {
  readonly at: string;
  readonly code: string;
}

/** What is stored of the digests: their schedule, their last run, and what was last posted. */
export interface Digests {
  /** The last run that has finished, posted or not. */
  readonly lastRun: (name: string) => Promise<DigestRun | undefined>;
  /** The content of the last posted message, with which the next one is compared. */
  readonly lastPosted: (name: string) => Promise<DigestSnapshot | undefined>;
  /** Whether to post this run now: a newer run of the digest replaces one that isn't posted yet, and two are never posted at the same time. */
  readonly beginPosting: (name: string, runId: string) => Promise<'go' | 'wait' | 'replaced' | 'posted'>;
  readonly recordPosted: (name: string, runId: string, snapshot: DigestSnapshot) => Promise<void>;
  /** Records that it could not be posted, or had no news: the next run is compared with what was posted before. */
  readonly recordNotPosted: (name: string, runId: string, because?: UndeliveredDigest) => Promise<void>;
  readonly undelivered: (name: string) => Promise<UndeliveredDigest | undefined>;
}
