import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { type ChannelOrder, openChannelOrder } from './channel-order.ts';

const LANE = { method: 'chat.postMessage', channelId: 'C1' } as const;
const BURST = 5;

const server = useRedis();
let redis: Redis;
let order: ChannelOrder;
beforeEach(() => {
  redis = server.connect();
  order = openChannelOrder(redis, '{test}');
});

/** As after a second without calls: the pace follows the clock of Redis. */
async function refillPace(): Promise<void> {
  await redis.del('{test}:pace:C1');
}

async function takeAndLeave(place: string): Promise<number> {
  const waitMs = await order.requestTurn(LANE, place);
  if (waitMs === 0) await order.leave(LANE, place);
  return waitMs;
}

test('a burst is sent immediately, and then about one call a second', async () => {
  const waits: number[] = [];
  for (let at = 0; at <= BURST; at++) waits.push(await takeAndLeave(`p${at}`));

  expect(waits.slice(0, BURST)).toEqual([0, 0, 0, 0, 0]);
  // A slow caller may find that part of the second is over.
  expect(waits[BURST]).toBeLessThanOrEqual(1_000);
});

test('places get their turns in order', async () => {
  expect(await order.requestTurn(LANE, 'a')).toBe(0);
  expect(await order.requestTurn(LANE, 'b')).toBeGreaterThan(0);
  expect(await order.requestTurn(LANE, 'c')).toBeGreaterThan(0);

  await order.leave(LANE, 'a');

  expect(await order.requestTurn(LANE, 'c')).toBeGreaterThan(0);
  expect(await order.requestTurn(LANE, 'b')).toBe(0);
  await order.leave(LANE, 'b');
  expect(await order.requestTurn(LANE, 'c')).toBe(0);
});

test('the earlier request goes first, even if it takes its place later', async () => {
  const now = Date.now();
  await order.requestTurn(LANE, 'newer', now - 1_000);
  await order.requestTurn(LANE, 'older', now - 2_000);

  expect(await order.requestTurn(LANE, 'newer', now - 1_000)).toBeGreaterThan(0);
  expect(await order.requestTurn(LANE, 'older', now - 2_000)).toBe(0);
});

test('places behind a reserved place wait while it is kept', async () => {
  await order.reserve(LANE, 'slow');
  expect(await order.requestTurn(LANE, 'fast')).toBeGreaterThan(0);

  expect(await order.requestTurn(LANE, 'slow')).toBe(0);
  await order.leave(LANE, 'slow');
  expect(await order.requestTurn(LANE, 'fast')).toBe(0);
  await order.leave(LANE, 'fast');

  await order.reserve(LANE, 'lost');
  await redis.hset('{test}:line-asked:C1', 'lost', '1000000 1');
  expect(await order.requestTurn(LANE, 'next')).toBe(0);
});

test('a call that failed stays first', async () => {
  await order.requestTurn(LANE, 'failed');
  await order.requestTurn(LANE, 'next');
  await refillPace();

  expect(await order.requestTurn(LANE, 'next')).toBeGreaterThan(0);
  expect(await order.requestTurn(LANE, 'failed')).toBe(0);
});

test('a place whose owner stops asking is skipped, and gets its rank back later', async () => {
  await order.requestTurn(LANE, 'gone', 1_000);
  await order.requestTurn(LANE, 'next', 2_000);
  await redis.hset('{test}:line-asked:C1', 'gone', '1000000 1');

  expect(await order.requestTurn(LANE, 'next', 2_000)).toBe(0);

  expect(await order.requestTurn(LANE, 'gone')).toBe(0);
  expect(await order.requestTurn(LANE, 'next', 2_000)).toBeGreaterThan(0);
});

test('a place can let others go first, and keeps its rank', async () => {
  await order.requestTurn(LANE, 'aside');
  await order.requestTurn(LANE, 'next');
  await order.stepAside(LANE, 'aside');

  expect(await order.requestTurn(LANE, 'next')).toBe(0);

  expect(await order.requestTurn(LANE, 'aside')).toBe(0);
  expect(await order.requestTurn(LANE, 'next')).toBeGreaterThan(0);
});

test('the returned wait is a few seconds at most, however many calls are ahead', async () => {
  for (let at = 0; at < 100; at++) await order.requestTurn(LANE, `p${at}`, at + 1);

  expect(await order.requestTurn(LANE, 'last')).toBe(5_000);
});

test('a rate limit pauses a method in all channels, and places are kept', async () => {
  await order.pause('chat.postMessage', 30_000);

  expect(await order.requestTurn(LANE, 'a')).toBeGreaterThan(20_000);
  expect(await order.requestTurn({ ...LANE, channelId: 'C2' }, 'b')).toBeGreaterThan(20_000);
  expect(await order.requestTurn({ ...LANE, method: 'chat.update' }, 'c')).toBe(0);

  await redis.del('{test}:hold:chat.postMessage');
  expect(await order.requestTurn(LANE, 'late')).toBeGreaterThan(0);
  expect(await order.requestTurn(LANE, 'a')).toBe(0);
});

test('an empty lane has only its pace in Redis', async () => {
  await takeAndLeave('a');

  expect(await redis.keys('*')).toEqual(['{test}:pace:C1']);
});

test('a place from a clock ahead of Redis still goes before later places', async () => {
  expect(await order.requestTurn(LANE, 'first')).toBe(0);
  await order.requestTurn(LANE, 'ahead', Date.now() + 3_600_000);
  await sleep(5);
  await order.requestTurn(LANE, 'later');
  await order.leave(LANE, 'first');

  expect(await order.requestTurn(LANE, 'later')).toBeGreaterThan(0);
  expect(await order.requestTurn(LANE, 'ahead')).toBe(0);
});
