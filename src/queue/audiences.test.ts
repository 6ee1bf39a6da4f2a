import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../test/world/use-redis.ts';
import { type Audience, type Audiences, openAudiences } from './audiences.ts';

const server = useRedis();
let redis: Redis;
let audiences: Audiences;
beforeEach(() => {
  redis = server.connect();
  audiences = openAudiences(redis, '{test}');
});

function audience(runId: string, channelId: string): Audience {
  return { runId, asked: { by: 'U1', teamId: 'T1', channelId, as: '/lab', at: '2026-11-21T03:00:00.000Z' } };
}

test('each channel has one audience: the first request in it', async () => {
  expect(await audiences.join('r1', audience('r2', 'C2'))).toEqual(audience('r2', 'C2'));
  expect(await audiences.join('r1', audience('r3', 'C2'))).toEqual(audience('r2', 'C2'));
  expect(await audiences.join('r1', audience('r4', 'D4'))).toEqual(audience('r4', 'D4'));

  expect((await audiences.close('r1')).map(({ runId }) => runId).toSorted()).toEqual(['r2', 'r4']);
});

test('a closed run cannot be joined, and closing it again returns the same audiences', async () => {
  await audiences.join('r1', audience('r2', 'C2'));
  const closed = await audiences.close('r1');

  expect(await audiences.join('r1', audience('r3', 'C3'))).toBeUndefined();
  expect(await audiences.close('r1')).toEqual(closed);
  expect(await audiences.close('r9')).toEqual([]);
  expect(await audiences.join('r9', audience('r3', 'C3'))).toBeUndefined();
});

test('a closed run expires within minutes', async () => {
  await audiences.join('r1', audience('r2', 'C2'));
  await audiences.close('r1');
  await audiences.close('r9');

  expect(await redis.ttl('{test}:audiences:r1')).toBeLessThanOrEqual(900);
  expect(await redis.ttl('{test}:audiences:r9')).toBeLessThanOrEqual(60);
});
