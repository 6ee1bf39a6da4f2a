import { z } from 'zod';
import { requestOriginSchema } from '../../queue/request-origin.ts';

const isoTime = z.iso.datetime();

/** One check of a digest in one environment. Arguments are in their written form, with all defaults. */
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
 * A run of a digest. `claimed`: no other run of this digest can start. `started`: its checks were queued. `finished`: its result was queued for the
 * bot, or the run was given up. It has everything that the rest of the run needs, so that a change of the configuration doesn't affect it.
 */
const digestRunStateSchema = z.object({
  runId: z.string(),
  /** When it was due by its schedule; absent if someone requested it. */
  due: isoTime.exactOptional(),
  startedAt: isoTime,
  state: z.enum(['claimed', 'started', 'finished']),
  asked: requestOriginSchema,
  isQuiet: z.boolean(),
  questions: z.array(digestQuestionSchema),
});

export type DigestRunState = z.infer<typeof digestRunStateSchema>;

/** Everything that is stored of a digest except its last run and what was last posted. All times are by the clock of Redis. */
export const digestStateSchema = z.object({
  /** The cron and the time zone of `countedFrom`. */
  schedule: z.string(),
  /** The previous schedule, and when a worker last had it in its configuration. */
  scheduleBefore: z.object({ schedule: z.string(), seenAt: isoTime }).exactOptional(),
  /** Every due time up to this one was run, or was before the digest existed. */
  countedFrom: isoTime,
  /** How often counting was restarted because the clock had gone back: due times that were run too early are run again, with another id. */
  restarts: z.number().int().nonnegative(),
  /** When a worker last had this digest in its configuration, to within a few minutes. */
  seenAt: isoTime,
  /** The last run. */
  run: digestRunStateSchema.exactOptional(),
  /** The last run that has ended. Older runs that aren't posted yet are dropped. */
  newest: z.string().exactOptional(),
  /** The run that is being posted, and until when other runs wait for it. */
  posting: z.object({ runId: z.string(), until: isoTime }).exactOptional(),
  /** The last run that was posted. */
  posted: z.string().exactOptional(),
  undelivered: z.object({ at: isoTime, code: z.string() }).exactOptional(),
});

export type DigestState = z.infer<typeof digestStateSchema>;
