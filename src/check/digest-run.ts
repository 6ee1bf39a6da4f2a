import { z } from 'zod';
import { reportSchema } from './finding.ts';
import { trackedFindingSchema } from './tracked-finding.ts';

const isoTime = z.iso.datetime();

/** One question of a digest: its report, or why there is none. */
const digestPartSchema = z.strictObject({
  check: z.string(),
  environment: z.string(),
  args: z.record(z.string(), z.string()),
  report: reportSchema.exactOptional(),
  /** Why the check couldn't be run, for people. Its findings of earlier runs are then `unseen`. */
  failure: z.string().min(1).exactOptional(),
  /** Every finding of this question that is found, or was found within the retention of the history. */
  tracked: z.array(trackedFindingSchema),
});

export type DigestPart = z.infer<typeof digestPartSchema>;

/** A silence that ended automatically. */
export const endedSilenceSchema = z.strictObject({
  id: z.string(),
  /** What it covered, for people: the summary of its finding, or its reason and pattern. */
  about: z.string().min(1),
  by: z.string().min(1),
  at: isoTime,
  because: z.enum(['gone', 'worse', 'spread', 'expired']),
});

export type EndedSilence = z.infer<typeof endedSilenceSchema>;

/** One run of a digest, as the worker sends it to the bot. */
export const digestRunSchema = z.strictObject({
  name: z.string(),
  /** When it was due by its schedule; absent if someone requested it. */
  due: isoTime.exactOptional(),
  /** When it began. */
  at: isoTime,
  durationMs: z.number().int().nonnegative(),
  isQuiet: z.boolean(),
  parts: z.array(digestPartSchema).min(1),
  endedSilences: z.array(endedSilenceSchema),
});

export type DigestRun = z.infer<typeof digestRunSchema>;

/** The content of a posted digest, with which the next one is compared. */
export const digestSnapshotSchema = z.strictObject({
  at: isoTime,
  /** The id of the channel that it was posted in. */
  channel: z.string().exactOptional(),
  questions: z.array(
    z.strictObject({
      check: z.string(),
      environment: z.string(),
      args: z.record(z.string(), z.string()),
      findings: z.array(trackedFindingSchema),
      /** What couldn't be checked: the number of places, by a hash of the name of the gap. */
      unchecked: z.record(z.string(), z.number().int().positive()).exactOptional(),
      /** The sources of which something was examined. */
      sources: z.array(z.string()).exactOptional(),
    }),
  ),
  /** The ids of the ended silences that it has mentioned. */
  endedSilences: z.array(z.string()).exactOptional(),
});

export type DigestSnapshot = z.infer<typeof digestSnapshotSchema>;
