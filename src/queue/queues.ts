import { createHash } from 'node:crypto';
import { type KeepJobs, Queue } from 'bullmq';
import { within } from '../telemetry/within.ts';
import { z } from 'zod';
import { answerPlaceOf, requestOriginSchema } from './request-origin.ts';
import { type Audience, type Audiences, openAudiences } from './audiences.ts';
import {
  checkJobSchema,
  type CheckJob,
  type DigestJob,
  digestJobSchema,
  outboxJobSchema,
  type OutboxJob,
  type RemediationJob,
  remediationJobSchema,
} from './jobs.ts';
import type { RedisConnection } from './connection.ts';
import { openPastRuns, type PastRuns } from './past-runs.ts';

/**
 * One hash tag for all keys: without it Redis Cluster refuses scripts that use several keys.
 * https://docs.bullmq.io/patterns/redis-cluster
 */
export const PREFIX = '{wrench}';
export const CHECKS = 'checks';
export const REMEDIATIONS = 'remediations';
export const OUTBOX = 'outbox';
export const DIGESTS = 'digests';

/** Redis didn't confirm the job in time. It may still have queued it. */
export class QueueDown extends Error {
  override readonly name = 'QueueDown';
}

/** The same check with the same arguments was already requested in this channel or thread and is running: `runId` is that run. */
const joinedSchema = z.strictObject({
  kind: z.literal('joined'),
  runId: z.string(),
  first: requestOriginSchema,
});

export type EnqueueResult =
  /** Its place gets its own answer, even if the same check is already running for another channel or thread. */
  { readonly kind: 'queued'; readonly runId: string } | z.infer<typeof joinedSchema>;

export interface Queues {
  /**
   * Queues a check. A repeated delivery returns the same run. The same question joins the running check, and each channel and thread
   * gets its own answer. `before` is called before a new run is queued.
   * @throws {QueueDown} immediately if Redis is unreachable, and after `ENQUEUE_WITHIN_MS` if it doesn't respond.
   */
  readonly enqueueCheck: (
    job: CheckJob,
    question: string,
    before?: () => Promise<void>,
  ) => Promise<EnqueueResult>;
  /** Queues a job about a remediation. A second job with the same `id` is ignored. */
  readonly enqueueRemediation: (id: string, job: RemediationJob) => Promise<void>;
  /**
   * Queues a requested run of a digest. A repeated delivery is the same job.
   * @throws {QueueDown} like `enqueueCheck`.
   */
  readonly enqueueDigestStart: (job: Extract<DigestJob, { kind: 'start' }>) => Promise<void>;
  /** Queues something that the bot posts, `afterMs` from now. A second job with the same `id` is ignored. */
  readonly enqueueOutbox: (
    id: string,
    job: OutboxJob,
    options?: { readonly afterMs?: number },
  ) => Promise<void>;
  /** The other channels and threads that wait for the answer of a run. */
  readonly audiences: Audiences;
  /** Jobs by queue and state, for the metrics; none while Redis is unreachable. */
  readonly depth: () => Promise<readonly { queue: string; state: string; jobs: number }[]>;
  readonly close: () => Promise<void>;
}

/** Of the 3 s that Slack allows for an acknowledgement. */
const ENQUEUE_WITHIN_MS = 1_500;
/** Longer than Slack repeats any delivery. */
const KEEP_S = 900;
/** The job that carries the answer of a run to the bot. */
export const answerJobId = (runId: string): string => `report-${runId}`;

/** Derives the id of a run from the delivery that requested it, so that a command delivered four times runs once. */
export function runIdOf(delivery: string): string {
  return `r${createHash('sha256').update(delivery).digest('hex').slice(0, 16)}`;
}

/** Two runs of the same check in the same environment with the same parsed arguments have the same id. */
export function questionIdOf(
  check: string,
  environment: string,
  parsedArgs: Record<string, unknown>,
): string {
  const sorted = Object.entries(parsedArgs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `q${createHash('sha256')
    .update(JSON.stringify([check, environment, sorted]))
    .digest('hex')
    .slice(0, 24)}`;
}

/** The producers of all queues, over one connection. */
export function openQueues(connection: RedisConnection, onError: (error: Error) => void): Queues {
  const checks = openQueue<CheckJob>(CHECKS, connection, onError, CHECK_JOBS);
  // One attempt, and no retry if its worker is lost: an execution that started is verified, never repeated.
  const remediations = openQueue<RemediationJob>(REMEDIATIONS, connection, onError, {
    attempts: 1,
    keep: { age: 3_600, count: 1_000 },
  });
  // The thread remembers what was posted; the job, which contains a whole report, is no longer needed.
  const outbox = openQueue<OutboxJob>(OUTBOX, connection, onError, { attempts: 200, keep: true });
  const digests = openQueue<DigestJob>(DIGESTS, connection, onError, DIGEST_JOBS);
  const audiences = openAudiences(connection, PREFIX);
  const past = openPastRuns(connection, PREFIX);
  return {
    enqueueCheck: (job, question, before) =>
      inTime(connection, () =>
        oncePerDelivery(connection, past, job, async () => {
          await before?.();
          return addCheck(checks, audiences, job, question);
        }),
      ),
    enqueueRemediation: async (id, job) => {
      await remediations.add(job.kind, remediationJobSchema.parse(job), { jobId: id });
    },
    enqueueDigestStart: (job) =>
      inTime(connection, async () => {
        await digests.add(job.kind, digestJobSchema.parse(job), { jobId: `start-${job.runId}` });
      }),
    enqueueOutbox: async (id, job, { afterMs = 0 } = {}) => {
      const once = job.kind === 'progress' ? { deduplication: { id } } : { jobId: id };
      await outbox.add(job.kind, outboxJobSchema.parse(job), { ...once, delay: afterMs });
    },
    audiences,
    depth: async () =>
      connection.status === 'ready'
        ? (await Promise.all([checks, remediations, outbox, digests].map(counts))).flat()
        : [],
    close: async () => {
      await Promise.all([checks, remediations, outbox, digests].map((queue) => queue.close()));
    },
  };
}

/** Makes a function that returns whether an answer of a run is queued or being posted: its job is removed afterwards. */
export function makeIsAnswerQueued(connection: RedisConnection): (runId: string) => Promise<boolean> {
  return async (runId) => (await connection.exists(`${PREFIX}:${OUTBOX}:${answerJobId(runId)}`)) === 1;
}

/** The event streams of the queues aren't used; BullMQ would keep 10,000 events in each. */
export const EVENTS_KEPT = 100;

interface JobSettings {
  readonly attempts: number;
  readonly keep: KeepJobs | true;
}

/** How jobs of the queue `checks` are run and kept, also those that are part of a digest. */
export const CHECK_JOBS: JobSettings = { attempts: 3, keep: { age: KEEP_S, count: 200 } };
/** The steps that start and finish a digest can be repeated safely. */
export const DIGEST_JOBS: JobSettings = { attempts: 10, keep: { age: 3_600, count: 1_000 } };

/** The options of a job. */
export function jobOptionsOf({ attempts, keep }: JobSettings) {
  return {
    attempts,
    backoff: { type: 'custom' },
    removeOnComplete: keep,
    removeOnFail: { age: 7 * 86_400, count: 1_000 },
    sizeLimit: 16 * 1024 * 1024,
    stackTraceLimit: 5,
  };
}

function openQueue<T>(
  name: string,
  connection: RedisConnection,
  onError: (error: Error) => void,
  settings: JobSettings,
): Queue<T, unknown, string> {
  const queue = new Queue<T, unknown, string>(name, {
    connection,
    prefix: PREFIX,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: jobOptionsOf(settings),
  });
  queue.on('error', onError);
  return queue;
}

/** Returns the earlier answer to a repeated delivery, even if its job is gone. */
async function oncePerDelivery(
  connection: RedisConnection,
  past: PastRuns,
  { runId }: CheckJob,
  work: () => Promise<EnqueueResult>,
): Promise<EnqueueResult> {
  const joinedKey = `${PREFIX}:joined:${runId}`;
  const [known, kept] = await Promise.all([past.read(runId), connection.get(joinedKey)]);
  if (known) return { kind: 'queued', runId };
  const joined = parseJoined(kept);
  if (joined) return joined;
  const result = await work();
  if (result.kind === 'queued') await past.record(runId, 'queued');
  else await connection.set(joinedKey, JSON.stringify(result), 'EX', KEEP_S);
  return result;
}

/** Versions 0.1 to 0.4 stored only the id of the run that was joined. Such a command is queued again, and joins the run if it is still running. */
function parseJoined(kept: string | null): EnqueueResult | undefined {
  return kept?.startsWith('{') ? joinedSchema.parse(JSON.parse(kept)) : undefined;
}

async function addCheck(
  checks: Queue<CheckJob, unknown, string>,
  audiences: Audiences,
  job: CheckJob,
  question: string,
): Promise<EnqueueResult> {
  const { runId, asked } = checkJobSchema.parse(job);
  const { id } = await checks.add(job.check, job, { jobId: runId, deduplication: { id: question } });
  if (id === runId || id === undefined) return { kind: 'queued', runId };
  const running = await checks.getJob(id);
  const joined = running && (await join(audiences, running.data, { runId, asked }));
  // The other run has just ended, so this question gets a run of its own.
  if (!joined) await checks.add(job.check, job, { jobId: runId });
  return joined && joined.runId !== runId
    ? { kind: 'joined', runId: joined.runId, first: joined.asked }
    : { kind: 'queued', runId };
}

async function join(
  audiences: Audiences,
  { runId, asked }: CheckJob,
  audience: Audience,
): Promise<Audience | undefined> {
  if (answerPlaceOf(asked) === answerPlaceOf(audience.asked)) return { runId, asked };
  return audiences.join(runId, audience);
}

async function inTime<T>(connection: RedisConnection, work: () => Promise<T>): Promise<T> {
  if (connection.status !== 'ready') throw new QueueDown('Redis is unreachable');
  try {
    return await within(ENQUEUE_WITHIN_MS, work());
  } catch (error) {
    throw new QueueDown(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function counts(queue: Queue): Promise<readonly { queue: string; state: string; jobs: number }[]> {
  const byState = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
  return Object.entries(byState).map(([state, jobs]) => ({ queue: queue.name, state, jobs }));
}
