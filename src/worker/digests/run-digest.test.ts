import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DUE, type DigestStage, setDigestStage } from '../../../test/world/digest-worker.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { tickDigests } from './digest-schedule.ts';
import { handleDigest } from './run-digest.ts';

const server = useRedis();
let redis: Redis;
let stage: DigestStage;
beforeEach(async () => {
  redis = server.connect();
  await redis.ping();
  stage = setDigestStage(redis);
});
afterEach(() => stage.close());

test('a person can start it now, once for each delivery, and it still runs on schedule', async () => {
  const start = {
    kind: 'start' as const,
    name: 'nightly',
    runId: 'r0123456789abcdef',
    asked: { by: 'U0ADA', teamId: 'T1', channelId: 'C1', as: '/wrench digest run nightly', at: DUE },
  };
  const deps = stage.deps();
  stage.startProcess(deps);
  await Promise.all([start, start].map((job) => stage.queues.enqueueDigestStart(job)));
  const run = await stage.finished();

  expect(run).not.toHaveProperty('due');
  expect(stage.outbox).toMatchObject([
    { job: { runId: start.runId, asked: { by: 'U0ADA', channelId: 'C0PLATFORM' } } },
  ]);
  await stage.passTo('2026-11-28T06:30:02Z', deps);
  expect((await stage.finished(2)).due).toBe(DUE);
});

test('a run that is requested while the digest is running changes nothing', async () => {
  const deps = stage.deps();
  await tickDigests(deps);
  await stage.passTo('2026-11-28T06:30:02Z', deps);
  const before = await stage.digests.read('nightly');
  const data = {
    kind: 'start' as const,
    name: 'nightly',
    runId: 'r0123456789abcdef',
    asked: { by: 'U0ADA', teamId: 'T1', channelId: 'C1', as: '/wrench digest run nightly', at: DUE },
  };
  const { signal } = new AbortController();
  await handleDigest(deps, { id: 'start', data, attempt: 1, queuedAtMs: 0, signal });

  expect(await stage.run()).toEqual(before?.run);
});
