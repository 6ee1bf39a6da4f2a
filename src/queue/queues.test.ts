import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../test/world/use-redis.ts';
import { answerJobId, makeIsAnswerQueued, openQueues, type Queues } from './queues.ts';
import { startOutboxWorker } from './workers.ts';

const RUN = 'r0123456789abcdef';
const ignore = () => undefined;

const server = useRedis();
let redis: Redis;
let queues: Queues;
beforeEach(() => {
  redis = server.connect();
  queues = openQueues(redis, ignore);
});
afterEach(() => queues.close());

test('an answer counts as queued until it is posted', async () => {
  const isAnswerQueued = makeIsAnswerQueued(redis);
  const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab', at: '2026-11-21T03:00:00.000Z' };
  const about = { runId: RUN, check: 'lab/broken', environment: 'prod', asked };
  expect(await isAnswerQueued(RUN)).toBe(false);

  await queues.enqueueOutbox(answerJobId(RUN), { kind: 'bug', ...about, jobId: RUN });
  expect(await isAnswerQueued(RUN)).toBe(true);

  const whilePosting: boolean[] = [];
  const outbox = startOutboxWorker({
    connection: redis,
    concurrency: 1,
    lockMs: 30_000,
    handle: async () => void whilePosting.push(await isAnswerQueued(RUN)),
    onFailed: ignore,
    onError: ignore,
  });
  await expect.poll(() => isAnswerQueued(RUN)).toBe(false);
  await outbox.close(1_000);
  expect(whilePosting).toEqual([true]);
});
