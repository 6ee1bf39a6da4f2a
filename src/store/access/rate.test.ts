import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { openRate } from './rate.ts';

const redis = useRedis();
let connection: Redis;
beforeEach(() => {
  connection = redis.connect();
});

test('counts each person separately, keeps the number of an id, and stores nothing beyond the limit', async () => {
  const { count } = openRate(connection, '{one}', 2);

  const numbers: number[] = [];
  for (const id of ['a', 'b', 'a', 'c', 'd', 'e', 'c', 'b']) numbers.push(await count('U0ADA', id));

  expect(numbers).toEqual([1, 2, 1, 3, 4, 4, 3, 2]);
  await expect(count('U0GRACE', 'd')).resolves.toBe(1);
  await expect(connection.hlen('{one}:rate:U0ADA')).resolves.toBe(3);
});

test('a window ends a minute after its first delivery, however many follow', async () => {
  const { count } = openRate(connection, '{two}', 2);
  await count('U0ADA', 'a');
  await connection.pexpire('{two}:rate:U0ADA', 10_000);

  await count('U0ADA', 'b');

  expect(await connection.pttl('{two}:rate:U0ADA')).toBeLessThanOrEqual(10_000);
  await connection.del('{two}:rate:U0ADA');
  await count('U0ADA', 'c');
  expect(await connection.pttl('{two}:rate:U0ADA')).toBeGreaterThan(10_000);
});
