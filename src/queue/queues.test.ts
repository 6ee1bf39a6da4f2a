import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRedis, type TestRedis } from '../../test/world/redis.ts';
import { connectPatiently, type RedisConnection } from './connection.ts';
import { answerJobOf, makeIsAnswerQueued, openQueues, type Queues } from './queues.ts';
import { workOutbox } from './work.ts';

const RUN = 'r0123456789abcdef';
const ignore = () => undefined;

let server: TestRedis;
let redis: RedisConnection;
let queues: Queues;
beforeEach(async () => {
  server = await startRedis();
  redis = connectPatiently(server, ignore);
  queues = openQueues(redis, ignore);
});
afterEach(async () => {
  await queues.close();
  redis.disconnect();
  await server.close();
});

test('an answer counts as queued until it is posted', async () => {
  const isAnswerQueued = makeIsAnswerQueued(redis);
  const asked = { by: 'U1', teamId: 'T1', channelId: 'C1', as: '/lab', at: '2026-11-21T03:00:00.000Z' };
  const about = { runId: RUN, check: 'lab/broken', environment: 'prod', asked };
  expect(await isAnswerQueued(RUN)).toBe(false);

  await queues.tell(answerJobOf(RUN), { kind: 'bug', ...about, jobId: RUN });
  expect(await isAnswerQueued(RUN)).toBe(true);

  const whilePosting: boolean[] = [];
  const outbox = workOutbox({
    connection: redis,
    atOnce: 1,
    takeOverMs: 30_000,
    handle: async () => void whilePosting.push(await isAnswerQueued(RUN)),
    onFailed: ignore,
    onError: ignore,
  });
  await expect.poll(() => isAnswerQueued(RUN)).toBe(false);
  await outbox.close(1_000);
  expect(whilePosting).toEqual([true]);
});
