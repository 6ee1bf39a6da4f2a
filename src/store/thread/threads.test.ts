import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLossyRedis } from '../../../test/world/lossy-redis.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { connectBlocking } from '../../queue/connection.ts';
import { openThreads, type Threads } from './threads.ts';

const WHERE = { channelId: 'C1', ts: '1.2' };

const server = useRedis();
let redis: Redis;
let threads: Threads;
const cleanUp: (() => unknown)[] = [];
beforeEach(() => {
  redis = server.connect();
  threads = openThreads(redis, '{test}');
});
afterEach(async () => {
  for (const close of cleanUp.splice(0).toReversed()) await close();
});

async function takeNow(): Promise<NonNullable<Awaited<ReturnType<Threads['acquireLease']>>>> {
  const lease = await threads.acquireLease('r1');
  if (!lease) throw new Error('the lease is taken');
  cleanUp.push(() => lease.release());
  return lease;
}

/** As after a pause longer than the lease. */
async function loseLease(): Promise<void> {
  await redis.del('{test}:lease:r1');
}

test('one process at a time has the lease, and each lease has a greater fence', async () => {
  const first = await takeNow();
  expect(await threads.acquireLease('r1')).toBeUndefined();
  expect(await threads.acquireLease('r2')).toBeDefined();

  await first.release();

  expect((await takeNow()).fence).toBeGreaterThan(first.fence);
});

test('a lease is acquired even if the reply of Redis was lost', async () => {
  const lossy = await startLossyRedis(server.url);
  const connection = connectBlocking({ url: lossy.url }, () => undefined);
  cleanUp.push(lossy.close, () => connection.disconnect());
  const others = openThreads(connection, '{test}');

  lossy.loseNextAnswer();
  const taken = await others.acquireLease('r1');

  expect(taken).toBeDefined();
  expect(await others.acquireLease('r1')).toBeUndefined();
  await taken?.release();
  expect(await others.acquireLease('r1')).toBeDefined();
});

test('checking a lease renews it, and a lease expires', async () => {
  const lease = await takeNow();
  await redis.pexpire('{test}:lease:r1', 9_000);
  expect(await lease.isHeld()).toBe(true);
  expect(await redis.pttl('{test}:lease:r1')).toBeGreaterThan(9_000);
});

test('after the lease is lost no part can begin, and the lease of the next holder is not released', async () => {
  const lost = await takeNow();
  await loseLease();
  const next = await takeNow();

  expect(await lost.isHeld()).toBe(false);
  expect(await lost.beginPost('root')).toBe(false);
  await lost.release();

  expect(await next.isHeld()).toBe(true);
  expect((await threads.read('r1')).part('root')).toBe('unposted');
});

test('a part is unposted, then possibly posted, then posted, and cannot begin again', async () => {
  const lease = await takeNow();
  expect(await lease.beginPost('root')).toBe(true);
  expect((await threads.read('r1')).part('root')).toBe('maybe');
  expect(await lease.beginPost('root')).toBe(true);

  await lease.recordPosted('root', WHERE);

  expect((await threads.read('r1')).root).toEqual(WHERE);
  expect(await lease.beginPost('root')).toBe(false);
  await lease.recordRefused('root');
  expect((await threads.read('r1')).root).toEqual(WHERE);
});

test('of two posts of one part the first confirmed one is recorded', async () => {
  const lease = await takeNow();
  await lease.recordPosted('root', WHERE);
  await lease.recordPosted('root', { channelId: 'C1', ts: '3.4' });

  expect((await threads.read('r1')).root).toEqual(WHERE);
});

test('a part that Slack refused, or that was deleted, may be posted again', async () => {
  const lease = await takeNow();
  await lease.beginPost('root');
  await lease.recordRefused('root');
  expect((await threads.read('r1')).part('root')).toBe('unposted');

  await lease.recordPosted('root', WHERE);
  await threads.forget('r1', 'root');
  expect(await lease.beginPost('root')).toBe(true);
});

test('of a closed thread only its state is kept; other threads are kept for days', async () => {
  await threads.mark('r1', 'answered');
  expect(await redis.ttl('{test}:thread:r1')).toBeGreaterThan(86_400);

  await threads.close('r1');

  expect(await redis.ttl('{test}:thread:r1')).toBeLessThanOrEqual(60);
  await redis.del('{test}:thread:r1');
  expect(await threads.read('r1')).toMatchObject({ answered: true, isClosed: true });
  expect(await threads.read('r2')).toMatchObject({ answered: false, isClosed: false });
});

test('a thread stays closed after later writes', async () => {
  await threads.close('r1');
  await redis.del('{test}:thread:r1');

  await threads.mark('r1', 'answered');
  await threads.saveText('r1', 'progress-edit', '1');

  expect((await threads.read('r1')).isClosed).toBe(true);
});
