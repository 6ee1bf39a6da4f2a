import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectBlocking, type RedisConnection } from './connection.ts';
import { type LocalRedis, NoRedis, startLocalRedis } from './local-redis.ts';

let folder: string;
let redis: LocalRedis | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-local-redis-'));
});
afterEach(async () => {
  await redis?.close();
  await rm(folder, { recursive: true, force: true });
});

const start = async (onError: (error: Error) => void = () => undefined) => {
  redis = await startLocalRedis(folder, onError);
  return redis;
};

async function ask<T>(local: LocalRedis, question: (client: RedisConnection) => Promise<T>): Promise<T> {
  const client = connectBlocking(local, () => undefined);
  try {
    return await question(client);
  } finally {
    client.disconnect();
  }
}

test('is durable to the last command, evicts nothing, and opens no port', async () => {
  const settings = await ask(await start(), async (client) =>
    Promise.all(
      ['appendonly', 'appendfsync', 'maxmemory-policy', 'port'].map((name) => client.config('GET', name)),
    ),
  );

  expect(settings.flat()).toEqual([
    'appendonly',
    'yes',
    'appendfsync',
    'always',
    'maxmemory-policy',
    'noeviction',
    'port',
    '0',
  ]);
});

test('data survives a restart', async () => {
  await ask(await start(), (client) => client.set('kept', 'yes'));
  await redis?.close();

  expect(await ask(await start(), (client) => client.get('kept'))).toBe('yes');
});

test('restarts a Redis that exits, and reports it', async () => {
  const errors: string[] = [];
  const local = await start((error) => errors.push(error.message));
  const pid = await ask(local, async (client) =>
    Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]),
  );

  process.kill(pid, 'SIGKILL');

  await expect.poll(() => errors.join()).toContain('restarting it');
  await expect.poll(() => ask(local, (client) => client.ping()).catch(() => 'down')).toBe('PONG');
});

test('a folder has one owner at a time, and the folder of a killed owner is taken over', async () => {
  const owner = `import { startLocalRedis } from ${JSON.stringify(join(import.meta.dirname, 'local-redis.ts'))};
    await startLocalRedis(${JSON.stringify(folder)}, () => undefined); console.log('up'); setInterval(() => undefined, 1000);`;
  const other = execa({ reject: false })`${process.execPath} --input-type=module-typescript --eval ${owner}`;
  await new Promise((up) => other.stdout.once('data', up));

  await expect(start()).rejects.toThrow(/in use by process \d+/);
  other.kill('SIGKILL');
  await other;

  expect(await ask(await start(), (client) => client.ping())).toBe('PONG');
});

test('closing removes the socket and the owner file', async () => {
  const { url, close } = await start();
  await close();

  expect(await readdir(join(folder, 'redis'))).not.toContain('owner.json');
  await expect(readdir(join(url.slice('unix://'.length), '..'))).rejects.toThrow('ENOENT');
});

test('without an installed Redis the error says what to install', async () => {
  const script = `import { startLocalRedis } from ${JSON.stringify(join(import.meta.dirname, 'local-redis.ts'))};
    await startLocalRedis(${JSON.stringify(folder)}, () => undefined).catch((error) => console.log(error.name, error.message));`;
  const { stdout } = await execa({
    extendEnv: false,
    env: { PATH: '/nonexistent', TMPDIR: folder },
  })`${process.execPath} --input-type=module-typescript --eval ${script}`;

  expect(stdout).toContain(NoRedis.name);
  expect(stdout).toContain('apt-get install redis-tools');
  expect(await readdir(folder)).toEqual(['redis']);
});
