import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { useRedis } from '../../test/world/use-redis.ts';
import { loadLua } from './load-lua.ts';

const server = useRedis();
let folder: string;
let redis: Redis;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-lua-'));
  redis = server.connect();
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, ...lines: readonly string[]): Promise<URL> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${lines.join('\n')}\n`);
  return pathToFileURL(path);
}

const LOCALS = [
  'local aKey = KEYS[1]',
  'local bKey = KEYS[2]',
  'local text = ARGV[1]',
  'local n = tonumber(ARGV[2])',
];

test('keys and arguments are passed by name, in any order', async () => {
  const file = await write('a.lua', ...LOCALS, 'return {aKey, bKey, text, n + 1}');
  const run = loadLua(file, {
    keys: ['aKey', 'bKey'],
    args: ['text', 'n'],
    returns: z.tuple([z.string(), z.string(), z.string(), z.number()]),
  });

  expect(await run(redis, { n: 1, bKey: 'b', text: '', aKey: 'a' })).toEqual(['a', 'b', '', 2]);
});

test('the last key may be a list, empty or of any length', async () => {
  const file = await write(
    'a.lua',
    'local aKey = KEYS[1]',
    'local more = {} for at = 2, #KEYS do more[#more + 1] = KEYS[at] end',
    'return more',
  );
  const run = loadLua(file, { keys: ['aKey', '...more'], args: [], returns: z.array(z.string()) });
  const many = Array.from({ length: 20_000 }, (_, at) => `k${at}`);

  expect(await run(redis, { aKey: 'a', more: ['b', 'c'] })).toEqual(['b', 'c']);
  expect(await run(redis, { aKey: 'a', more: [] })).toEqual([]);
  expect(await run(redis, { aKey: 'a', more: many })).toEqual(many);
});

test('a script that Redis does not have is sent once', async () => {
  const file = await write('a.lua', 'local key = KEYS[1]', "return redis.call('incr', key)");
  const run = loadLua(file, { keys: ['key'], args: [], returns: z.number() });
  const calls = async () => {
    const stats = await redis.info('commandstats');
    return ['eval', 'evalsha'].map((name) =>
      Number(new RegExp(`_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0),
    );
  };

  await redis.config('RESETSTAT');
  expect(await run(redis, { key: 'a' })).toBe(1);
  expect(await run(redis, { key: 'a' })).toBe(2);
  expect(await calls()).toEqual([1, 2]);

  await redis.script('FLUSH');
  expect(await run(redis, { key: 'a' })).toBe(3);
  expect(await calls()).toEqual([2, 3]);
});

test('a script that fails is not sent again', async () => {
  const file = await write(
    'a.lua',
    'local key = KEYS[1]',
    "redis.call('incr', key)",
    "return redis.call('nonsense')",
  );
  const run = loadLua(file, { keys: ['key'], args: [], returns: z.number() });

  for (let times = 0; times < 2; times++)
    await expect(run(redis, { key: 'a' })).rejects.toThrow('Unknown Redis command');
  expect(await redis.get('a')).toBe('2');
});

test('a reply that does not match the schema is an error', async () => {
  const file = await write('a.lua', 'local key = KEYS[1]', "return 'one'");
  const run = loadLua(file, { keys: ['key'], args: [], returns: z.number() });

  await expect(run(redis, { key: 'a' })).rejects.toThrow('expected number');
});

test('files are included relative to the file that includes them', async () => {
  await write('shared/two.lua', 'local function two() return 2 end');
  await write(
    'lua/includes/four.lua',
    '-- @include "../../shared/two.lua"',
    'local function four() return two() * 2 end',
  );
  const file = await write(
    'lua/a.lua',
    'local key = KEYS[1]',
    '-- @include "includes/four.lua"',
    'return four()',
  );
  const run = loadLua(file, { keys: ['key'], args: [], returns: z.number() });

  expect(await run(redis, { key: 'a' })).toBe(4);
});

test.each([
  ['an argument is missing', ['aKey', 'bKey'], ['text']],
  ['an argument is added', ['aKey', 'bKey'], ['text', 'n', 'm']],
  ['two arguments are swapped', ['aKey', 'bKey'], ['n', 'text']],
  ['two keys are swapped', ['bKey', 'aKey'], ['text', 'n']],
  ['a key is a list', ['aKey', '...bKey'], ['text', 'n']],
  ['a key is an argument', ['aKey'], ['bKey', 'text', 'n']],
])('loading fails if the signature differs from the file: %s', async (_, keys, args) => {
  const file = await write('a.lua', ...LOCALS, 'return 1');

  expect(() => loadLua(file, { keys, args, returns: z.number() })).toThrow(
    'a.lua reads aKey = KEYS[1], bKey = KEYS[2], text = ARGV[1], n = ARGV[2]; its caller passes ',
  );
});
