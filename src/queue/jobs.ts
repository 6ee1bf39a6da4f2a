import { z } from 'zod';
import { reportSchema } from '../check/finding.ts';
import { requestOriginSchema } from './request-origin.ts';

const runId = z.string().regex(/^r[0-9a-f]{16}$/);

/** A check to run: bot to worker. */
export const checkJobSchema = z.strictObject({
  runId,
  check: z.string(),
  environment: z.string(),
  args: z.record(z.string(), z.string()),
  asked: requestOriginSchema,
});

export type CheckJob = z.infer<typeof checkJobSchema>;

const progressSchema = z.strictObject({
  examined: z.number().int().nonnegative(),
  gaps: z.number().int().nonnegative(),
});

const remediationId = z.string().regex(/^m[0-9a-f]{16}$/);

/** What a remediation needs of a worker. What it is, and whether it still may be, is read from memory: a job is only a nudge. */
export const remediationJobSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('plan'), id: remediationId }),
  z.strictObject({ kind: z.literal('apply'), id: remediationId }),
  /** Somebody wants to know how it is after an end that left it open. */
  z.strictObject({ kind: z.literal('look'), id: remediationId, by: z.string() }),
]);

export type RemediationJob = z.infer<typeof remediationJobSchema>;

const about = { runId, check: z.string(), environment: z.string(), asked: requestOriginSchema };

/** Something to show: worker (or bot) to the bot, which paces and posts it. */
const outboxJob = z.discriminatedUnion('kind', [
  /** The check is running; shown only until there is an answer. */
  z.strictObject({ kind: z.literal('checking'), ...about }),
  z.strictObject({ kind: z.literal('progress'), ...about, progress: progressSchema }),
  z.strictObject({ kind: z.literal('report'), ...about, report: reportSchema }),
  /** Somebody asked the same question in the same channel: they get the link to the thread of the run. `asked` is theirs. */
  z.strictObject({ kind: z.literal('joined'), ...about, first: requestOriginSchema }),
  /** A bug of ours ended the run; the log has it under this id. */
  z.strictObject({ kind: z.literal('bug'), ...about, jobId: z.string() }),
  /** The run was taken up more than once and its worker was lost each time. */
  z.strictObject({ kind: z.literal('lost'), ...about, jobId: z.string() }),
  /** A remediation moved: its card, and the list of offers it came from, show it as it is when they are posted. */
  z.strictObject({
    kind: z.literal('card'),
    ...about,
    id: remediationId,
    /** The move it was told for: where there is a newer one, that one's card shows it. */
    revision: z.number().int().positive(),
  }),
]);

/** What version 0.4 left in the queue at an upgrade: it said `looking`. */
function fromOlderVersion(job: unknown): unknown {
  const isOld = typeof job === 'object' && job !== null && 'kind' in job && job.kind === 'looking';
  return isOld ? { ...job, kind: 'checking' } : job;
}

export const outboxJobSchema = z.preprocess(fromOlderVersion, outboxJob);

export type OutboxJob = z.infer<typeof outboxJobSchema>;
