import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { anOffer, PLAN } from '../../../test/world/remediation.ts';
import { confirmDurability, type Durability, isDurableEnough } from './durability.ts';

const redis = useRedis();
let connection: Redis;
let canWait: boolean;
beforeEach(async () => {
  connection = redis.connect();
  canWait = (await connection.command('INFO', 'WAITAOF'))[0] !== null;
  await connection.config('SET', 'appendfsync', 'always');
  await connection.set('{wrench}:x', 'begun');
});

test('with appendfsync always a write is on disk', async () => {
  await expect(confirmDurability(connection)).resolves.toBe('on-disk');
});

test('with appendfsync everysec a write is on disk only if Redis supports WAITAOF', async () => {
  await connection.config('SET', 'appendfsync', 'everysec');

  await expect(confirmDurability(connection)).resolves.toBe(canWait ? 'on-disk' : 'soon');
});

test('if CONFIG is refused, as in managed services, only verified durability counts', async () => {
  await connection.call('ACL', 'SETUSER', 'default', '-config');

  await expect(confirmDurability(connection)).resolves.toBe(canWait ? 'on-disk' : 'soon');
  await connection.call('ACL', 'SETUSER', 'default', '+@all');
});

test('if INFO and CONFIG are refused, nothing counts as durable', async () => {
  await connection.call('ACL', 'SETUSER', 'default', '-config', '-info');

  await expect(confirmDurability(connection)).resolves.toBe('never');
  await connection.call('ACL', 'SETUSER', 'default', '+@all');
});

// Must be last: a Redis whose append-only file is enabled again doesn't stop before it is written.
test('without an append-only file nothing is durable', async () => {
  await connection.config('SET', 'appendonly', 'no');

  await expect(confirmDurability(connection)).resolves.toBe('never');
});

test.each<[Durability, boolean, boolean]>([
  ['on-disk', true, true],
  ['soon', true, false],
  ['never', false, false],
])('%s is enough: with preconditions %j, without %j', (durability, withThem, without) => {
  const unbound = { ...PLAN, precondition: {} };
  const part = { target: 'a', line: 'Restart a', precondition: { pid: '1' } };
  const isEnough = (plan: typeof PLAN) => isDurableEnough(durability, anOffer({ plan }));

  expect(isEnough(PLAN)).toBe(withThem);
  expect(isEnough(unbound)).toBe(without);
  expect(isEnough({ ...unbound, parts: [part, part] })).toBe(withThem);
  expect(isEnough({ ...unbound, parts: [part, { ...part, precondition: {} }] })).toBe(without);
});
