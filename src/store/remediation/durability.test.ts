import type { Redis } from 'ioredis';
import { beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { confirmDurability } from './durability.ts';

const redis = useRedis();
let connection: Redis;
let canWait: boolean;
beforeEach(async () => {
  connection = redis.connect();
  canWait = (await connection.command('INFO', 'WAITAOF'))[0] !== null;
  await connection.config('SET', 'appendfsync', 'always');
  await connection.set('{wrench}:deed', 'begun');
});

test('with appendfsync always what was written is on the disk', async () => {
  await expect(confirmDurability(connection)).resolves.toBe('on-disk');
});

test('with appendfsync everysec it is there only where Redis can be asked to wait for it', async () => {
  await connection.config('SET', 'appendfsync', 'everysec');

  await expect(confirmDurability(connection)).resolves.toBe(canWait ? 'on-disk' : 'soon');
});

test('where CONFIG is refused, as in managed services, no promise is made that cannot be seen', async () => {
  await connection.call('ACL', 'SETUSER', 'default', '-config');

  await expect(confirmDurability(connection)).resolves.toBe(canWait ? 'on-disk' : 'soon');
  await connection.call('ACL', 'SETUSER', 'default', '+@all');
});

test('where neither INFO nor CONFIG is allowed, nothing is promised', async () => {
  await connection.call('ACL', 'SETUSER', 'default', '-config', '-info');

  await expect(confirmDurability(connection)).resolves.toBe('never');
  await connection.call('ACL', 'SETUSER', 'default', '+@all');
});

// The last one: a Redis that was told to keep a file again does not end before it has written it.
test('without a file nothing is kept', async () => {
  await connection.config('SET', 'appendonly', 'no');

  await expect(confirmDurability(connection)).resolves.toBe('never');
});
