import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import type { DigestRun } from '../../check/digest-run.ts';
import type { DigestDefinition } from './digest-state.ts';
import { type DigestStore, openDigests } from './open-digests.ts';
import { advanceRun, claimRequestedRun } from './schedule.ts';

const PREFIX = '{test}';
const NIGHTLY: DigestDefinition = {
  name: 'nightly',
  cron: '30 7 * * *',
  timeZone: 'UTC',
  channel: 'C0PLATFORM',
  isQuiet: false,
  questions: [{ check: 'lab/disk', environment: 'prod', args: {} }],
};
const AT = '2026-11-28T07:30:00.000Z';
const ASKED = { by: 'U0ADA', teamId: 'T1', channelId: 'C1', as: '/wrench digest run nightly', at: AT };
const SNAPSHOT = { at: AT, questions: [] };

const server = useRedis();
let redis: Redis;
let digests: DigestStore;
let nowMs: number;
beforeEach(() => {
  redis = server.connect();
  nowMs = Date.parse(AT);
  digests = openDigests(redis, PREFIX, async () => nowMs);
});

const runOf = (verdict: string): DigestRun => ({
  name: 'nightly',
  at: AT,
  durationMs: 1,
  isQuiet: false,
  parts: [{ check: 'lab/disk', environment: 'prod', args: {}, failure: verdict, tracked: [] }],
  endedSilences: [],
});

/** A run from its claim to its end. */
async function end(runId: string): Promise<void> {
  const times = { nowMs, tickedMs: undefined };
  await digests.change('nightly', (state) =>
    claimRequestedRun(state, NIGHTLY, { runId, asked: ASKED }, times),
  );
  await digests.saveRun('nightly', runId, runOf(runId));
  await digests.change('nightly', (state) => state && advanceRun(state, runId, 'finished'));
}
const begin = (runId: string) => digests.beginPosting('nightly', runId);

test('a digest that never ran has no state', async () => {
  expect(await digests.read('nightly')).toBeUndefined();
  expect(await digests.lastRun('nightly')).toBeUndefined();
  expect(await digests.lastPosted('nightly')).toBeUndefined();
  expect(await digests.undelivered('nightly')).toBeUndefined();
  expect(await begin('r1')).toBe('go');
});

test('of workers that change a state at once, each sees the changes of the others', async () => {
  const claim = (runId: string) =>
    digests.change('nightly', (state) =>
      claimRequestedRun(state, NIGHTLY, { runId, asked: ASKED }, { nowMs, tickedMs: undefined }),
    );
  const changes = await Promise.all(['r1', 'r2', 'r3', 'r4'].map(claim));

  expect(new Set(changes.map(({ after }) => after?.run?.runId)).size).toBe(1);
  expect(changes.filter(({ before, after }) => before !== after)).toHaveLength(1);
});

test('a run is posted once, and its content is stored', async () => {
  await end('r1');
  expect(await begin('r1')).toBe('go');
  expect(await begin('r1')).toBe('go');
  await digests.recordPosted('nightly', 'r1', SNAPSHOT);

  expect(await begin('r1')).toBe('posted');
  expect(await digests.lastPosted('nightly')).toEqual(SNAPSHOT);
  expect(await digests.lastRun('nightly')).toEqual(runOf('r1'));
});

test('a newer run replaces one that is not being posted, regardless of the clock', async () => {
  nowMs += 86_400_000;
  await end('r1');
  nowMs -= 86_400_000;
  await end('r2');

  expect(await begin('r1')).toBe('replaced');
  expect(await begin('r2')).toBe('go');
  await digests.recordPosted('nightly', 'r2', SNAPSHOT);
  expect(await begin('r1')).toBe('replaced');
});

test('a newer run waits while another is being posted', async () => {
  await end('r1');
  expect(await begin('r1')).toBe('go');
  await end('r2');

  expect(await begin('r2')).toBe('wait');
  expect(await begin('r1')).toBe('go');
  await digests.recordPosted('nightly', 'r1', SNAPSHOT);
  expect(await begin('r2')).toBe('go');
});

test('a newer run does not wait for a lost bot, whose later result does not count', async () => {
  await end('r1');
  expect(await begin('r1')).toBe('go');
  await end('r2');
  nowMs += 6 * 60_000;
  expect(await begin('r2')).toBe('go');

  expect(await begin('r1')).toBe('replaced');
  await digests.recordPosted('nightly', 'r2', SNAPSHOT);
  await digests.recordPosted('nightly', 'r1', { ...SNAPSHOT, at: '2026-11-27T07:30:00.000Z' });
  expect(await digests.lastPosted('nightly')).toEqual(SNAPSHOT);
});

test('a clock that was ahead when a post began does not delay others for long', async () => {
  await end('r1');
  nowMs += 86_400_000;
  expect(await begin('r1')).toBe('go');
  nowMs -= 86_400_000;
  await end('r2');

  expect(await begin('r2')).toBe('go');
});

test('the reason why a run could not be posted is kept until one is posted, or has no news', async () => {
  const because = { at: AT, code: 'not_in_channel' };
  await end('r1');
  await begin('r1');
  await digests.recordPosted('nightly', 'r1', SNAPSHOT);
  await end('r2');
  await begin('r2');
  await digests.recordNotPosted('nightly', 'r2', because);

  expect(await digests.undelivered('nightly')).toEqual(because);
  expect(await digests.lastPosted('nightly')).toEqual(SNAPSHOT);
  await end('r3');
  expect(await digests.undelivered('nightly')).toEqual(because);
  expect(await begin('r3')).toBe('go');
  await digests.recordNotPosted('nightly', 'r3');
  expect(await digests.undelivered('nightly')).toBeUndefined();
});

test('a run that was replaced is not saved', async () => {
  await end('r1');
  await end('r2');

  expect(await digests.saveRun('nightly', 'r1', runOf('late'))).toBe(false);
  expect(await digests.lastRun('nightly')).toEqual(runOf('r2'));
});

test('everything expires', async () => {
  await end('r1');
  await begin('r1');
  await digests.recordPosted('nightly', 'r1', SNAPSHOT);
  await digests.recordTick(nowMs);

  const keys = await redis.keys('*');
  expect(keys.toSorted()).toEqual(
    ['digest-posted:nightly', 'digest-run:nightly', 'digest:nightly', 'digests-ticked'].map(
      (key) => `${PREFIX}:${key}`,
    ),
  );
  for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(366 * 86_400_000);
});

test('data in the format of another version is ignored', async () => {
  await redis.set(`${PREFIX}:digest-posted:nightly`, '{"of":"another version"}');
  await redis.set(`${PREFIX}:digest-run:nightly`, '{"of":"another version"}');

  expect(await digests.lastPosted('nightly')).toBeUndefined();
  expect(await digests.lastRun('nightly')).toBeUndefined();
});
