import { z } from 'zod';

const isoTime = z.iso.datetime();

/** Who works on a finding. */
export const claimSchema = z.strictObject({
  /** A Slack user id. */
  by: z.string().min(1),
  at: isoTime,
  comment: z.string().min(1).exactOptional(),
});

export type Claim = z.infer<typeof claimSchema>;

/** A silence as it applies to one finding. */
export const appliedSilenceSchema = z.strictObject({
  /** `s` and 10 hex digits. */
  id: z.string(),
  by: z.string().min(1),
  at: isoTime,
  /** Absent: until the finding is gone. */
  until: isoTime.exactOptional(),
  because: z.string().min(1),
});

export type AppliedSilence = z.infer<typeof appliedSilenceSchema>;

/**
 * One finding over time, as all runs of one question (check, environment and arguments) have seen it.
 *
 * `found`: the last run found it. `gone`: the last run that could have found it didn't. `unseen`: it was found before, and a gap may hide it.
 */
export const trackedFindingSchema = z.strictObject({
  reason: z.string(),
  target: z.string().min(1),
  state: z.enum(['found', 'gone', 'unseen']),
  severity: z.enum(['critical', 'warning', 'info']),
  summary: z.string().min(1),
  targets: z.array(z.string().min(1)).exactOptional(),
  /** Since when it has been found without interruption. */
  since: isoTime,
  /** When a run last found it. */
  lastFound: isoTime,
  /** When it was gone, for the state `gone`. */
  goneAt: isoTime.exactOptional(),
  /** How it was resolved, if the check knows. */
  resolution: z.string().min(1).exactOptional(),
  /**
   * For the state `gone`: nothing was fixed. The fault is now part of this other finding, which is new or didn't include it before: the certificate
   * that was about to expire has expired, or one broken node has become three. Must not be reported as gone.
   */
  replacedBy: z.strictObject({ reason: z.string(), target: z.string().min(1) }).exactOptional(),
  /** It came and went at least three times within a day, and hasn't been stable for a day since. */
  flappingSince: isoTime.exactOptional(),
  /** Its level about a day before, for `61% yesterday`. */
  before: z.strictObject({ at: isoTime, value: z.number(), unit: z.string().min(1) }).exactOptional(),
  claim: claimSchema.exactOptional(),
  silence: appliedSilenceSchema.exactOptional(),
});

export type TrackedFinding = z.infer<typeof trackedFindingSchema>;
