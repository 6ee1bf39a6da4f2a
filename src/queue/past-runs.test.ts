import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useRedis } from '../../test/world/use-redis.ts';
import { openPastRuns } from './past-runs.ts';
import { runIdOf } from './queues.ts';

const RUN = 'r0123456789abcdef';

const server = useRedis();
let redis: Redis;
beforeEach(() => {
  redis = server.connect();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a run is unknown, then queued, then answered', async () => {
  const past = openPastRuns(redis, '{test}');
  expect(await past.read(RUN)).toBeUndefined();

  await past.record(RUN, 'queued');
  expect(await past.read(RUN)).toBe('queued');
  expect(await past.read('r0123456789abcdee')).toBeUndefined();

  await past.record(RUN, 'answered');
  expect(await past.read(RUN)).toBe('answered');
});

test('a run that is recorded as answered first stays answered', async () => {
  const past = openPastRuns(redis, '{test}');
  await past.record(RUN, 'answered');

  await past.record(RUN, 'queued');

  expect(await redis.hvals((await redis.keys('*'))[0] ?? '')).toEqual(['a']);
});

test('a run is remembered for at least 15 minutes and at most 30', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 21, 3, 14, 59) });
  const past = openPastRuns(redis, '{test}');
  await past.record(RUN, 'queued');

  vi.setSystemTime(Date.UTC(2026, 10, 21, 3, 29, 58));
  expect(await past.read(RUN)).toBe('queued');
  vi.setSystemTime(Date.UTC(2026, 10, 21, 3, 45));
  expect(await past.read(RUN)).toBeUndefined();
  expect(await redis.ttl((await redis.keys('*'))[0] ?? '')).toBeLessThanOrEqual(1_800);
});

test('thousands of runs take less than 50 bytes each', async () => {
  const past = openPastRuns(redis, '{test}');
  const bytes = async () => Number(/used_memory_dataset:(\d+)/.exec(await redis.info('memory'))?.[1]);
  const noteAll = (from: number) =>
    Promise.all(Array.from({ length: 5_000 }, (_, at) => past.record(runIdOf(String(from + at)), 'queued')));
  await noteAll(0);
  const before = await bytes();

  await noteAll(5_000);

  expect(((await bytes()) - before) / 5_000).toBeLessThan(50);
});
