import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { z } from 'zod';
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
import { backoffMs, type RedisConnection } from './connection.ts';
import { CHECKS, DIGESTS, OUTBOX, PREFIX, REMEDIATIONS } from './queues.ts';

/** Thrown by a handler to get the same job again later. It does not count as an attempt. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  readonly afterMs: number;

  constructor(afterMs: number) {
    super(`retry in ${afterMs} ms`);
    this.afterMs = afterMs;
  }
}

/** Thrown by a handler if a retry wouldn't help: the job fails immediately, with the message as the reason. */
export class NoRetry extends UnrecoverableError {}

/** One attempt at a job. */
export interface JobAttempt<T> {
  readonly id: string;
  readonly data: T;
  /** From 1. */
  readonly attempt: number;
  readonly queuedAtMs: number;
  /** Aborted when the process must stop before the job is completed. */
  readonly signal: AbortSignal;
}

export interface RunningWorker {
  /** Takes no new job, waits up to `graceMs` for the running ones, then aborts and requeues them. */
  readonly close: (graceMs: number) => Promise<void>;
  readonly isRunning: () => boolean;
}

interface WorkerOptions<T> {
  readonly connection: RedisConnection;
  readonly concurrency: number;
  /** BullMQ's `lockDuration`: a worker that has not renewed the lock of its job for this long counts as lost. */
  readonly lockMs: number;
  /** Resolves to the return value of the job. The parent of a flow reads those of its children. */
  readonly handle: (job: JobAttempt<T>) => Promise<unknown>;
  /**
   * The handler threw, or its worker was lost. `isFinal`: the job is not run again, because it has no attempts left or its workers were lost too
   * often.
   */
  readonly onFailed: (failure: { id: string; data: T; error: Error; isFinal: boolean }) => void;
  readonly onError: (error: Error) => void;
}

export function startCheckWorker(options: WorkerOptions<CheckJob>): RunningWorker {
  return startWorker(CHECKS, checkJobSchema, options, 2);
}

/**
 * A job whose worker is lost is not run again. All workers of this queue need this setting, because any of them may find the stalled job.
 * https://docs.bullmq.io/guide/workers/stalled-jobs
 */
export function startRemediationWorker(options: WorkerOptions<RemediationJob>): RunningWorker {
  return startWorker(REMEDIATIONS, remediationJobSchema, options, 0);
}

export function startDigestWorker(options: WorkerOptions<DigestJob>): RunningWorker {
  return startWorker(DIGESTS, digestJobSchema, options, 100);
}

export function startOutboxWorker(options: WorkerOptions<OutboxJob>): RunningWorker {
  return startWorker(OUTBOX, outboxJobSchema, options, 100, outboxRetryDelayMs);
}

/** This many attempts at a post are about a second apart. Later posts in its channel wait meanwhile. */
export const QUICK_ATTEMPTS = 30;

/** Milliseconds until the next attempt at a post: about a second at first, then up to a minute, for more than two hours in all. */
function outboxRetryDelayMs(attempt: number): number {
  return attempt <= QUICK_ATTEMPTS
    ? 500 + Math.random() * 1_000
    : Math.min(MAX_BACKOFF_MS, 2_000 * (attempt - QUICK_ATTEMPTS + 5));
}

/** Longest wait between two attempts at a job. */
const MAX_BACKOFF_MS = 60_000;

function defaultRetryDelayMs(attempt: number): number {
  return Math.min(MAX_BACKOFF_MS, backoffMs(attempt + 2) * Math.max(1, attempt / 4));
}

function startWorker<T>(
  queue: string,
  schema: z.ZodType<T>,
  options: WorkerOptions<T>,
  maxStalled: number,
  retryDelayMs: (attempt: number) => number = defaultRetryDelayMs,
): RunningWorker {
  const worker = new Worker<T>(queue, (job, token, signal) => handle(job, token, signal, schema, options), {
    connection: options.connection,
    prefix: PREFIX,
    concurrency: options.concurrency,
    lockDuration: options.lockMs,
    stalledInterval: options.lockMs / 2,
    maxStalledCount: maxStalled,
    settings: {
      backoffStrategy: retryDelayMs,
    },
  });
  worker.on('error', options.onError);
  worker.on('failed', (job, error) => {
    if (!job) return;
    const isFinal =
      job.attemptsMade >= (job.opts.attempts ?? 1) ||
      error instanceof UnrecoverableError ||
      /stalled more than/.test(error.message);
    options.onFailed({ id: job.id ?? '', data: job.data, error, isFinal });
  });
  return { close: (graceMs) => close(worker, graceMs), isRunning: () => worker.isRunning() };
}

async function handle<T>(
  job: Job<T>,
  token: string | undefined,
  signal: AbortSignal | undefined,
  schema: z.ZodType<T>,
  options: WorkerOptions<T>,
): Promise<unknown> {
  const stop = signal ?? new AbortController().signal;
  try {
    return await options.handle({
      id: job.id ?? '',
      data: parse(job, schema),
      attempt: job.attemptsMade + 1,
      queuedAtMs: job.timestamp,
      signal: stop,
    });
  } catch (error) {
    const afterMs = error instanceof RetryLater ? error.afterMs : stop.aborted ? 0 : undefined;
    if (afterMs === undefined) throw error;
    await job.moveToDelayed(Date.now() + afterMs, token);
    throw new DelayedError();
  }
}

/** @throws {UnrecoverableError} for a job of another version of Wrench: retrying wouldn't help. */
function parse<T>({ data, name }: Job<T>, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new UnrecoverableError(
    `this version of Wrench can't read the job "${name}": ${parsed.error.issues[0]?.message ?? ''}`,
  );
}

async function close(worker: Worker, graceMs: number): Promise<void> {
  const closed = worker.close();
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), graceMs);
  const ended = await Promise.race([closed, late]);
  clearTimeout(timer);
  if (ended !== 'late') return;
  worker.cancelAllJobs('this worker is stopping');
  // If Redis is unreachable, jobs can't be requeued. Closing then ends with the connection, and isn't awaited.
  await Promise.race([closed, new Promise((done) => setTimeout(done, REQUEUE_MS))]);
}

/** Time for aborted handlers to requeue their jobs. */
const REQUEUE_MS = 2_000;
