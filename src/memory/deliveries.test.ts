import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LossyRedis, startLossyRedis } from '../../test/world/lossy-redis.ts';
import { startRedis, type TestRedis } from '../../test/world/redis.ts';
import {
  connectImpatiently,
  connectPatiently,
  type RedisConnection,
  waitUntilReady,
} from '../queue/connection.ts';
import { openDeliveries } from './deliveries.ts';
import { openThreads } from './threads.ts';

let redis: TestRedis;
let lossy: LossyRedis;
let connection: RedisConnection | undefined;
beforeEach(async () => {
  redis = await startRedis();
  lossy = await startLossyRedis(redis.url);
});
afterEach(async () => {
  connection?.disconnect();
  await lossy.close();
  await redis.close();
});

test('a click whose first answer from Redis was lost is still the first, and comes once', async () => {
  connection = connectImpatiently({ url: lossy.url }, () => undefined);
  await waitUntilReady(connection, 5_000);
  const isFirst = openDeliveries(connection, '{test}');

  lossy.loseNextAnswer();

  expect(await isFirst('1.2.abc')).toBe(true);
  expect(await isFirst('1.2.abc')).toBe(false);
});

test('a run that was taken, and whose answer was lost, is ours and not waited for', async () => {
  connection = connectPatiently({ url: lossy.url }, () => undefined);
  await waitUntilReady(connection, 5_000);
  const threads = openThreads(connection, '{test}');

  lossy.loseNextAnswer();
  const taken = await threads.take('r1');

  expect(taken).toBeDefined();
  expect(await threads.take('r1')).toBeUndefined();
  await taken?.free();
  expect(await threads.take('r1')).toBeDefined();
});
