import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { z } from 'zod';
import {
  checkJobSchema,
  type CheckJob,
  outboxJobSchema,
  type OutboxJob,
  type RemediationJob,
  remediationJobSchema,
} from './contracts.ts';
import { backoffMs, type RedisConnection } from './connection.ts';
import { CHECKS, OUTBOX, PREFIX, REMEDIATIONS } from './queues.ts';

/** Thrown by a handler to be given the same job again later; it counts as no attempt. */
export class Later extends Error {
  override readonly name = 'Later';
  readonly afterMs: number;

  constructor(afterMs: number) {
    super(`again in ${afterMs} ms`);
    this.afterMs = afterMs;
  }
}

export interface Delivery<T> {
  readonly id: string;
  readonly data: T;
  /** From 1. */
  readonly attempt: number;
  readonly queuedAtMs: number;
  /** Aborted when the process must stop before the job is done. */
  readonly signal: AbortSignal;
}

export interface Working {
  /** Takes no new job, lets running ones finish for `graceMs`, then aborts them: they are handed back and run elsewhere. */
  readonly close: (graceMs: number) => Promise<void>;
  readonly isRunning: () => boolean;
}

interface Hands<T> {
  readonly connection: RedisConnection;
  readonly atOnce: number;
  /** After this long without a sign of life a job's worker counts as dead, and the job is taken up again. */
  readonly takeOverMs: number;
  readonly handle: (delivery: Delivery<T>) => Promise<void>;
  /**
   * The handler threw, or its worker was lost. `forGood`: it is not tried again, because it is out of attempts or was taken up
   * again and again while workers died.
   */
  readonly onFailed: (failure: { id: string; data: T; error: Error; forGood: boolean }) => void;
  readonly onError: (error: Error) => void;
}

export function workChecks(hands: Hands<CheckJob>): Working {
  return work(CHECKS, checkJobSchema, hands, 2);
}

/**
 * A job whose worker is lost is not taken up again: every worker of this queue is set so, for one that is not would run it twice
 * (reference: bullmq.md section 2, scenario D).
 */
export function workRemediations(hands: Hands<RemediationJob>): Working {
  return work(REMEDIATIONS, remediationJobSchema, hands, 0);
}

export function workOutbox(hands: Hands<OutboxJob>): Working {
  return work(OUTBOX, outboxJobSchema, hands, 100, untilSlackWorks);
}

/** A post is tried again about once a second this often. Those behind it in its channel wait meanwhile. */
export const SOON_ATTEMPTS = 30;

/** Milliseconds until the next attempt at a post: about a second at first, then up to a minute, for more than two hours in all. */
function untilSlackWorks(attempt: number): number {
  return attempt <= SOON_ATTEMPTS
    ? 500 + Math.random() * 1_000
    : Math.min(LONGEST_BACKOFF_MS, 2_000 * (attempt - SOON_ATTEMPTS + 5));
}

/** Longest wait between two attempts at a job. */
const LONGEST_BACKOFF_MS = 60_000;

function backOff(attempt: number): number {
  return Math.min(LONGEST_BACKOFF_MS, backoffMs(attempt + 2) * Math.max(1, attempt / 4));
}

function work<T>(
  queue: string,
  schema: z.ZodType<T>,
  hands: Hands<T>,
  maxStalled: number,
  untilNextMs: (attempt: number) => number = backOff,
): Working {
  const worker = new Worker<T>(queue, (job, token, signal) => handle(job, token, signal, schema, hands), {
    connection: hands.connection,
    prefix: PREFIX,
    concurrency: hands.atOnce,
    lockDuration: hands.takeOverMs,
    stalledInterval: hands.takeOverMs / 2,
    maxStalledCount: maxStalled,
    settings: {
      backoffStrategy: untilNextMs,
    },
  });
  worker.on('error', hands.onError);
  worker.on('failed', (job, error) => {
    if (!job) return;
    const forGood =
      job.attemptsMade >= (job.opts.attempts ?? 1) ||
      error instanceof UnrecoverableError ||
      /stalled more than/.test(error.message);
    hands.onFailed({ id: job.id ?? '', data: job.data, error, forGood });
  });
  return { close: (graceMs) => close(worker, graceMs), isRunning: () => worker.isRunning() };
}

async function handle<T>(
  job: Job<T>,
  token: string | undefined,
  signal: AbortSignal | undefined,
  schema: z.ZodType<T>,
  hands: Hands<T>,
): Promise<void> {
  const stop = signal ?? new AbortController().signal;
  try {
    await hands.handle({
      id: job.id ?? '',
      data: parse(job, schema),
      attempt: job.attemptsMade + 1,
      queuedAtMs: job.timestamp,
      signal: stop,
    });
  } catch (error) {
    const afterMs = error instanceof Later ? error.afterMs : stop.aborted ? 0 : undefined;
    if (afterMs === undefined) throw error;
    await job.moveToDelayed(Date.now() + afterMs, token);
    throw new DelayedError();
  }
}

/** @throws {UnrecoverableError} for a job that another version of Wrench queued: retrying does not help. */
function parse<T>({ data, name }: Job<T>, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new UnrecoverableError(
    `this version of Wrench cannot read the job "${name}": ${parsed.error.issues[0]?.message ?? ''}`,
  );
}

async function close(worker: Worker, graceMs: number): Promise<void> {
  const closed = worker.close();
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => resolve('late'), graceMs);
  const ended = await Promise.race([closed, late]);
  clearTimeout(timer);
  if (ended !== 'late') return;
  worker.cancelAllJobs('this worker stops');
  // If Redis is away, nothing can be handed back. Closing ends when its connection ends, and nobody waits for that.
  await Promise.race([closed, new Promise((done) => setTimeout(done, HAND_BACK_MS))]);
}

/** Time for aborted handlers to hand their jobs back. */
const HAND_BACK_MS = 2_000;
