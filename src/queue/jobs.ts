import { z } from 'zod';
import { digestRunSchema } from '../check/digest-run.ts';
import { reportSchema } from '../check/finding.ts';
import { progressSchema } from '../check/progress.ts';
import { claimSchema, appliedSilenceSchema, trackedFindingSchema } from '../check/tracked-finding.ts';
import { requestOriginSchema } from './request-origin.ts';

const runId = z.string().regex(/^r[0-9a-f]{16}$/);

/** A check to run: bot to worker. */
export const checkJobSchema = z.strictObject({
  runId,
  check: z.string(),
  environment: z.string(),
  args: z.record(z.string(), z.string()),
  asked: requestOriginSchema,
  /** It is a part of this run of a digest: its report is returned to the job of the digest, and not posted on its own. */
  digestRun: runId.exactOptional(),
});

export type CheckJob = z.infer<typeof checkJobSchema>;

/** What a check job with `digestRun` returns to the job of its digest. If the check can't be run, the job fails with an error message for people. */
export const digestPartResultSchema = z.strictObject({
  report: reportSchema,
  /** Every finding of the question: found, unseen, or gone within the time that history is kept. */
  tracked: z.array(trackedFindingSchema),
});

export type DigestPartResult = z.infer<typeof digestPartResultSchema>;

/** About a digest, in the queue `digests`: bot or worker to worker. */
export const digestJobSchema = z.discriminatedUnion('kind', [
  /** Someone requested a run now. */
  z.strictObject({ kind: z.literal('start'), name: z.string(), runId, asked: requestOriginSchema }),
  /** The parent of the flow of a run: all of its checks have ended. */
  z.strictObject({
    kind: z.literal('finish'),
    name: z.string(),
    runId,
    asked: requestOriginSchema,
    due: z.iso.datetime().exactOptional(),
    startedAt: z.iso.datetime(),
  }),
]);

export type DigestJob = z.infer<typeof digestJobSchema>;

const remediationId = z.string().regex(/^m[0-9a-f]{16}$/);

/**
 * A remediation to plan, apply or recheck: bot to worker. The record in Redis decides what may be done; the job only names it. The kind `look` is
 * a recheck; its name is kept from 0.2, because jobs in the queue have it.
 */
export const remediationJobSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('plan'), id: remediationId }),
  z.strictObject({ kind: z.literal('apply'), id: remediationId }),
  /** Someone requested to run the check again after the remediation ended. */
  z.strictObject({ kind: z.literal('look'), id: remediationId, by: z.string() }),
]);

export type RemediationJob = z.infer<typeof remediationJobSchema>;

const about = { runId, check: z.string(), environment: z.string(), asked: requestOriginSchema };

/** Something to show: worker (or bot) to the bot, which paces and posts it. */
const outboxJob = z.discriminatedUnion('kind', [
  /** The check is running; shown only until there is an answer. */
  z.strictObject({ kind: z.literal('checking'), ...about }),
  z.strictObject({ kind: z.literal('progress'), ...about, progress: progressSchema }),
  z.strictObject({
    kind: z.literal('report'),
    ...about,
    report: reportSchema,
    /** What is known of its findings from earlier runs. */
    tracked: z.array(trackedFindingSchema).exactOptional(),
  }),
  /** A run of a digest has ended. `asked.channelId` is the channel of the digest. */
  z.strictObject({ kind: z.literal('digest'), runId, asked: requestOriginSchema, run: digestRunSchema }),
  /** Someone took, released or silenced a finding: one message in the thread of the finding shows its state, and is edited later. */
  z.strictObject({
    kind: z.literal('finding-status'),
    /** Derived from the finding and the thread. */
    runId,
    asked: requestOriginSchema,
    threadTs: z.string(),
    findingId: z.string(),
    summary: z.string().min(1),
    claim: claimSchema.exactOptional(),
    silence: appliedSilenceSchema.exactOptional(),
    /** Orders the states: a later one is never replaced by an earlier one. */
    at: z.iso.datetime(),
  }),
  /** Someone requested the same check in the same channel, and gets the link to the thread of the run. `asked` is their request. */
  z.strictObject({ kind: z.literal('joined'), ...about, first: requestOriginSchema }),
  /** A bug in Wrench stopped the run; the log has its details under this id. */
  z.strictObject({ kind: z.literal('bug'), ...about, jobId: z.string() }),
  /** The run was started more than once, and its worker was lost each time. */
  z.strictObject({ kind: z.literal('lost'), ...about, jobId: z.string() }),
  /** A remediation changed. Its card, and the list of offers that it came from, show its state at the time of posting. */
  z.strictObject({
    kind: z.literal('card'),
    ...about,
    id: remediationId,
    /** The revision it was queued for. A newer one has its own job. */
    revision: z.number().int().positive(),
  }),
  /** A plan will expire soon. Its approvers are reminded, unless it has ended by the time of posting. */
  z.strictObject({ kind: z.literal('reminder'), ...about, id: remediationId }),
]);

/** Jobs that version 0.4 left in the queue at an upgrade: their kind `looking` is now `checking`. */
function fromOlderVersion(job: unknown): unknown {
  const isOld = typeof job === 'object' && job !== null && 'kind' in job && job.kind === 'looking';
  return isOld ? { ...job, kind: 'checking' } : job;
}

export const outboxJobSchema = z.preprocess(fromOlderVersion, outboxJob);

export type OutboxJob = z.infer<typeof outboxJobSchema>;

/** What is shown of the run of one check. */
export type RunOutboxJob = Exclude<OutboxJob, { readonly kind: 'digest' | 'finding-status' }>;
