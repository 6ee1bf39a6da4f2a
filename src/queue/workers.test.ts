import { Queue } from 'bullmq';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../test/world/use-redis.ts';
import type { CheckJob } from './jobs.ts';
import { openDigestFlows } from './digest-flows.ts';
import { CHECKS, openQueues, PREFIX } from './queues.ts';
import { type JobAttempt, NoRetry, startCheckWorker } from './workers.ts';

const job: CheckJob = {
  runId: 'r0000000000000001',
  check: 'lab/a',
  environment: 'prod',
  args: {},
  asked: { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab a', at: '2026-11-21T03:00:00.000Z' },
};

const redis = useRedis();
let checks: Queue;
beforeEach(() => {
  checks = new Queue(CHECKS, { connection: redis.connect(), prefix: PREFIX });
});
afterEach(() => checks.close());

/** Runs one job. @returns how its failures were reported. */
async function work(handle: (attempt: JobAttempt<CheckJob>) => Promise<unknown>) {
  const failures: { readonly error: Error; readonly isFinal: boolean; readonly attempts: number }[] = [];
  const ended = Promise.withResolvers<void>();
  let attempts = 0;
  const worker = startCheckWorker({
    connection: redis.connect(),
    concurrency: 1,
    lockMs: 30_000,
    handle: async (attempt) => {
      attempts += 1;
      return handle(attempt);
    },
    onFailed: ({ error, isFinal }) => {
      failures.push({ error, isFinal, attempts });
      if (isFinal) ended.resolve();
    },
    onError: () => undefined,
  });
  await checks.add(job.check, job, { jobId: job.runId, attempts: 3 });
  return { failures, ended: ended.promise, close: () => worker.close(60_000) };
}

test('what a handler returns is the return value of its job', async () => {
  const value = { report: 'all well', tracked: [] };
  const handled = Promise.withResolvers<void>();
  const { close } = await work(async () => {
    handled.resolve();
    return value;
  });

  await handled.promise;
  // Closing waits until the job is completed.
  await close();

  expect((await checks.getJob(job.runId))?.returnvalue).toEqual(value);
});

test('a job whose handler throws NoRetry fails immediately, with the reason', async () => {
  const { failures, ended, close } = await work(async () => {
    throw new NoRetry("this worker doesn't know the check lab/a");
  });

  await ended;
  await close();

  expect(failures).toMatchObject([{ isFinal: true, attempts: 1 }]);
  expect(failures[0]?.error).toBeInstanceOf(NoRetry);
  expect((await checks.getJob(job.runId))?.failedReason).toBe("this worker doesn't know the check lab/a");
});

test('a command does not wait for the checks of a digest that were queued before it', async () => {
  const [redisOfQueues, ignore] = [redis.connect(), () => undefined];
  await redisOfQueues.ping();
  const [flows, queues] = [openDigestFlows(redisOfQueues, ignore), openQueues(redisOfQueues, ignore)];
  const digestRun = 'r00000000000000d1';
  const parts = [1, 2, 3].map((at) => ({ ...job, runId: `r00000000000000a${at}`, digestRun }));
  await flows.add(
    { kind: 'finish', name: 'nightly', runId: digestRun, asked: job.asked, startedAt: job.asked.at },
    parts,
  );
  await queues.enqueueCheck(job, 'question');

  const ran: string[] = [];
  const all = Promise.withResolvers<void>();
  const worker = startCheckWorker({
    connection: redis.connect(),
    concurrency: 1,
    lockMs: 30_000,
    handle: async ({ id }) => {
      ran.push(id);
      if (ran.length === 4) all.resolve();
    },
    onFailed: ignore,
    onError: ignore,
  });
  await all.promise;
  await worker.close(60_000);
  await Promise.all([flows.close(), queues.close()]);

  expect(ran).toEqual([job.runId, ...parts.map(({ runId }) => runId)]);
});
