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
  /** Why the check could not be run, for people. Its findings of earlier runs are then `unseen`. */
  failure: z.string().min(1).exactOptional(),
  /** Every finding of this question that is found, or was found within the time that history is kept. */
  tracked: z.array(trackedFindingSchema),
});

export type DigestPart = z.infer<typeof digestPartSchema>;

/** A silence that ended by itself. */
export const endedSilenceSchema = z.strictObject({
  id: z.string(),
  /** What it was about, for people: the summary of its finding, or its reason and pattern. */
  about: z.string().min(1),
  by: z.string().min(1),
  at: isoTime,
  because: z.enum(['gone', 'worse', 'spread', 'expired']),
});

export type EndedSilence = z.infer<typeof endedSilenceSchema>;

/** One run of a digest, as it travels from the worker to the bot. */
export const digestRunSchema = z.strictObject({
  name: z.string(),
  /** When it was due by its schedule; absent where somebody asked for it. */
  due: isoTime.exactOptional(),
  /** When it began. */
  at: isoTime,
  durationMs: z.number().int().nonnegative(),
  isQuiet: z.boolean(),
  parts: z.array(digestPartSchema).min(1),
  endedSilences: z.array(endedSilenceSchema),
});

export type DigestRun = z.infer<typeof digestRunSchema>;

/** What a posted digest has said, to compare the next one with it. */
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
      /** What could not be checked: how many places, by a hash of the name of the gap. */
      unchecked: z.record(z.string(), z.number().int().positive()).exactOptional(),
      /** The sources of which something was examined. */
      sources: z.array(z.string()).exactOptional(),
    }),
  ),
  /** The ids of the ended silences that it has mentioned. */
  endedSilences: z.array(z.string()).exactOptional(),
});

export type DigestSnapshot = z.infer<typeof digestSnapshotSchema>;
