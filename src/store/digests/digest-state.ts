import { z } from 'zod';
import { requestOriginSchema } from '../../queue/request-origin.ts';

const isoTime = z.iso.datetime();

/** One question of a digest. Arguments are in their written form, with all defaults. */
const digestQuestionSchema = z.object({
  check: z.string(),
  environment: z.string(),
  args: z.record(z.string(), z.string()),
});

export type DigestQuestion = z.infer<typeof digestQuestionSchema>;

/** A digest of the configuration, with all defaults filled in. */
export interface DigestDefinition {
  readonly name: string;
  readonly cron: string;
  readonly timeZone: string;
  /** The id of the channel where it is posted. */
  readonly channel: string;
  readonly isQuiet: boolean;
  readonly questions: readonly DigestQuestion[];
}

/**
 * A run of a digest. `claimed`: nothing else runs this digest now. `started`: its checks were queued. `finished`: its result was queued for the
 * bot, or it was given up. It has all that the rest of the run needs, so that a change of the configuration does not affect it.
 */
const digestRunStateSchema = z.object({
  runId: z.string(),
  /** When it was due by its schedule; absent where somebody asked for it. */
  due: isoTime.exactOptional(),
  startedAt: isoTime,
  state: z.enum(['claimed', 'started', 'finished']),
  asked: requestOriginSchema,
  isQuiet: z.boolean(),
  questions: z.array(digestQuestionSchema),
});

export type DigestRunState = z.infer<typeof digestRunStateSchema>;

/** All that is stored of a digest besides its last run and what was posted last. All times are by the clock of Redis. */
export const digestStateSchema = z.object({
  /** The cron and the time zone that `countedFrom` is about. */
  schedule: z.string(),
  /** The one before it, and when a worker last had that in its configuration. */
  scheduleBefore: z.object({ schedule: z.string(), seenAt: isoTime }).exactOptional(),
  /** Every due time up to this one has been run, or was before the digest existed. */
  countedFrom: isoTime,
  /** How often counting started again because the clock had gone back: due times that were run too early are run again, under another id. */
  restarts: z.number().int().nonnegative(),
  /** When a worker last had this digest in its configuration, to within some minutes. */
  seenAt: isoTime,
  /** The last run. */
  run: digestRunStateSchema.exactOptional(),
  /** The run that has ended last: an older one that is not posted yet is not posted any more. */
  newest: z.string().exactOptional(),
  /** The run that is being posted, and until when another one waits for it. */
  posting: z.object({ runId: z.string(), until: isoTime }).exactOptional(),
  /** The run that was posted last. */
  posted: z.string().exactOptional(),
  undelivered: z.object({ at: isoTime, code: z.string() }).exactOptional(),
});

export type DigestState = z.infer<typeof digestStateSchema>;
