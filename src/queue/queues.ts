import { createHash } from 'node:crypto';
import { Queue } from 'bullmq';
import {
  checkJobSchema,
  type CheckJob,
  outboxJobSchema,
  type OutboxJob,
  type RemediationJob,
  remediationJobSchema,
} from './contracts.ts';
import type { RedisConnection } from './connection.ts';

/** One hash tag for every key of ours: without it Redis Cluster refuses what touches several keys (reference: bullmq.md section 1.4). */
export const PREFIX = '{wrench}';
export const CHECKS = 'checks';
export const REMEDIATIONS = 'remediations';
export const OUTBOX = 'outbox';

/** Redis did not take the job in time. It may still have it: "rejected" does not mean "not queued". */
export class QueueDown extends Error {
  override readonly name = 'QueueDown';
}

export type Taken =
  | { readonly kind: 'queued'; readonly runId: string }
  /** The same check with the same arguments is already running for somebody. */
  | { readonly kind: 'joined'; readonly runId: string; readonly first: CheckJob | undefined };

export interface Queues {
  /**
   * Asks for a check. The same delivery asked again gives the same run; the same question joins the one that is running.
   * @throws {QueueDown} at once where Redis is away, and after `TAKE_WITHIN_MS` where it does not answer.
   */
  readonly ask: (job: CheckJob, question: string) => Promise<Taken>;
  /** Nudges a worker about a remediation; the same `id` is taken once. */
  readonly act: (id: string, job: RemediationJob) => Promise<void>;
  /** Hands something to show to the bot; the same `id` is taken once. `afterMs` holds it back. */
  readonly tell: (id: string, job: OutboxJob, options?: { readonly afterMs?: number }) => Promise<void>;
  /** Jobs by queue and state, for the metrics; none while Redis is away. */
  readonly depth: () => Promise<readonly { queue: string; state: string; jobs: number }[]>;
  readonly close: () => Promise<void>;
}

/** Slack gives 3 s for everything. */
const TAKE_WITHIN_MS = 1_500;
/** Longer than Slack delivers anything again. */
const REMEMBER_S = 3_600;

/** Names a run after the delivery that asked for it, so that a command delivered four times runs once. */
export function runIdOf(delivery: string): string {
  return `r${createHash('sha256').update(delivery).digest('hex').slice(0, 16)}`;
}

/** Says that two questions are the same: check, environment, and arguments as the check reads them. */
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

/** The producers' side of both queues, over one connection. */
export function openQueues(connection: RedisConnection, onError: (error: Error) => void): Queues {
  const checks = openQueue<CheckJob>(CHECKS, connection, onError, { attempts: 3, keepS: REMEMBER_S });
  // One attempt, and nobody takes it up again when its worker is lost: what was begun is looked at, never repeated.
  const remediations = openQueue<RemediationJob>(REMEDIATIONS, connection, onError, {
    attempts: 1,
    keepS: REMEMBER_S,
  });
  const outbox = openQueue<OutboxJob>(OUTBOX, connection, onError, { attempts: 200, keepS: REMEMBER_S });
  return {
    ask: (job, question) => within(connection, () => ask(checks, connection, job, question)),
    act: async (id, job) => {
      await remediations.add(job.kind, remediationJobSchema.parse(job), { jobId: id });
    },
    tell: async (id, job, { afterMs = 0 } = {}) => {
      const once = job.kind === 'progress' ? { deduplication: { id } } : { jobId: id };
      await outbox.add(job.kind, outboxJobSchema.parse(job), { ...once, delay: afterMs });
    },
    depth: async () =>
      connection.status === 'ready'
        ? (await Promise.all([checks, remediations, outbox].map(counts))).flat()
        : [],
    close: async () => {
      await Promise.all([checks.close(), remediations.close(), outbox.close()]);
    },
  };
}

function openQueue<T>(
  name: string,
  connection: RedisConnection,
  onError: (error: Error) => void,
  { attempts, keepS }: { attempts: number; keepS: number },
): Queue<T, unknown, string> {
  const queue = new Queue<T, unknown, string>(name, {
    connection,
    prefix: PREFIX,
    skipWaitingForReady: true,
    skipVersionCheck: true,
    defaultJobOptions: {
      attempts,
      backoff: { type: 'custom' },
      removeOnComplete: { age: keepS, count: 10_000 },
      removeOnFail: { age: 7 * 86_400, count: 5_000 },
      sizeLimit: 16 * 1024 * 1024,
      stackTraceLimit: 5,
    },
  });
  queue.on('error', onError);
  return queue;
}

async function ask(
  checks: Queue<CheckJob, unknown, string>,
  connection: RedisConnection,
  job: CheckJob,
  question: string,
): Promise<Taken> {
  const { runId } = checkJobSchema.parse(job);
  const remembered = `${PREFIX}:joined:${runId}`;
  const before = await connection.get(remembered);
  const id =
    before ?? (await checks.add(job.check, job, { jobId: runId, deduplication: { id: question } })).id;
  if (id === runId || id === undefined) return { kind: 'queued', runId };
  await connection.set(remembered, id, 'EX', REMEMBER_S);
  return { kind: 'joined', runId: id, first: (await checks.getJob(id))?.data };
}

async function within<T>(connection: RedisConnection, work: () => Promise<T>): Promise<T> {
  if (connection.status !== 'ready') throw new QueueDown('Redis is not reachable');
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new QueueDown('Redis did not answer in time')), TAKE_WITHIN_MS);
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    if (error instanceof QueueDown) throw error;
    throw new QueueDown(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function counts(queue: Queue): Promise<readonly { queue: string; state: string; jobs: number }[]> {
  const byState = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
  return Object.entries(byState).map(([state, jobs]) => ({ queue: queue.name, state, jobs }));
}
