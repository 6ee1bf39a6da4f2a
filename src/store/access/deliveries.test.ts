import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LossyRedis, startLossyRedis } from '../../../test/world/lossy-redis.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { connectFailFast, type RedisConnection, waitUntilReady } from '../../queue/connection.ts';
import { openDeliveries } from './deliveries.ts';

const redis = useRedis();
let lossy: LossyRedis;
let connection: RedisConnection | undefined;
beforeEach(async () => {
  lossy = await startLossyRedis(redis.url);
});
afterEach(async () => {
  connection?.disconnect();
  await lossy.close();
});

test('a click is still the first if the reply of Redis was lost, and only once', async () => {
  connection = connectFailFast({ url: lossy.url }, () => undefined);
  await waitUntilReady(connection, 5_000);
  const isFirst = openDeliveries(connection, '{test}');

  lossy.loseNextAnswer();

  expect(await isFirst('1.2.abc')).toBe(true);
  expect(await isFirst('1.2.abc')).toBe(false);
});
