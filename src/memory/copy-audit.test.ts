import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startRedis, type TestRedis } from '../../test/world/redis.ts';
import { connectPatiently } from '../queue/connection.ts';
import type { Audited } from './audit.ts';
import { type Chain, openChain } from './chain.ts';
import { copyAudit } from './copy-audit.ts';
import { verifyAudit } from './verify-audit.ts';

let redis: TestRedis;
let connection: Redis;
beforeAll(async () => {
  redis = await startRedis();
  connection = connectPatiently({ url: redis.url }, () => undefined) as Redis;
});
afterAll(async () => {
  connection.disconnect();
  await redis.close();
});

let folder: string;
let file: string;
let chain: Chain;
let log: string[];
let copies: { close: () => Promise<void> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-copy-'));
  file = join(folder, 'audit.jsonl');
  chain = openChain(connection, `{${crypto.randomUUID()}}`);
  log = [];
});
afterEach(async () => {
  await Promise.all(copies.map((copy) => copy.close()));
  copies = [];
  await rm(folder, { recursive: true, force: true });
});

function copy(to = file, print?: (lines: string) => Promise<void>) {
  const note = (level: string) => (fields: object, message: string) =>
    log.push(`${level} ${message}: ${(fields as { err?: Error }).err?.message ?? ''}`);
  const copying = copyAudit({
    chain,
    to,
    log: { warn: note('warn'), error: note('error') },
    ...(print && { print }),
  });
  copies.push(copying);
  return copying;
}

const said = (what: string): Audited => ({
  kind: 'refused',
  at: '2026-11-20T14:03:07.000Z',
  who: ['U0ADA'],
  what,
});
async function append(...whats: readonly string[]) {
  for (const what of whats) await chain.append(said(what));
}
const text = () => readFile(file, 'utf8').catch(() => '');
const whats = (lines: string) =>
  lines
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { entry: Audited }).entry.what);
async function* linesOf(lines: string) {
  yield* lines.split('\n').filter(Boolean);
}

test('entries are copied in their order as they come, and the copy verifies', async () => {
  await append('one', 'two');
  copy();
  await expect.poll(async () => whats(await text())).toEqual(['one', 'two']);

  await append('three');

  await expect.poll(async () => whats(await text())).toEqual(['one', 'two', 'three']);
  await expect(verifyAudit(linesOf(await text()))).resolves.toMatchObject({ kind: 'whole', from: 1, to: 3 });
});

test('what is known is finished when the copy is closed', async () => {
  const copying = copy();
  await append('one', 'two', 'three');
  await copying.close();

  expect(whats(await text())).toEqual(['one', 'two', 'three']);
});

test('after a restart it goes on behind the last whole line; half a line of a crash is cut off', async () => {
  await append('one', 'two');
  await copy().close();
  await appendFile(file, (await text()).slice(0, 57));
  await append('three');

  await copy().close();

  expect(whats(await text())).toEqual(['one', 'two', 'three']);
  expect(log).toEqual([]);
});

test('half a first line is cut off', async () => {
  await append('one');
  await writeFile(file, '{"seq":1,"pre');

  await copy().close();

  expect(whats(await text())).toEqual(['one']);
});

test('a line longer than what is read at first is found all the same', async () => {
  await append('one', 'x'.repeat(200_000));
  await copy().close();
  await append('three');

  await copy().close();

  expect(whats(await text()).map((what) => what.length)).toEqual([3, 200_000, 5]);
});

test.each<[string, () => Promise<void>, RegExp]>([
  [
    'the file is of another chain',
    async () => {
      await append('one', 'two');
      await copy().close();
      chain = openChain(connection, `{${crypto.randomUUID()}}`);
      await append('uno', 'dos', 'tres');
    },
    /entry 2 in .* is another one than in Redis/,
  ],
  [
    'the file is newer than Redis',
    async () => {
      await append('one', 'two');
      await copy().close();
      await connection.del(chain.headKey, chain.streamKey);
      chain = openChain(connection, chain.streamKey.replace(':audit', ''));
      await append('uno');
    },
    /goes on to entry 2, and the audit in Redis only to 1/,
  ],
  [
    'Redis lost everything',
    async () => {
      await append('one', 'two');
      await copy().close();
      await connection.del(chain.headKey, chain.streamKey);
    },
    /goes on to entry 2, which is not in Redis/,
  ],
  [
    'the file is something else',
    () => writeFile(file, 'hello\n'),
    /ends with something that is not an audit entry/,
  ],
])('it is said loudly, and nothing is mixed, where %s', async (_, prepare, because) => {
  await prepare();
  const before = await text();

  await copy().close();

  expect(await text()).toBe(before);
  expect(log).toEqual([expect.stringMatching(because)]);
  expect(log[0]).toMatch(/^error the audit is not copied any more/);
});

test('a changed entry in Redis is not copied behind the good ones', async () => {
  await append('one');
  await copy().close();
  await connection.xadd(chain.streamKey, '*', 'entry', JSON.stringify({ seq: 3 }));

  await copy().close();

  expect(whats(await text())).toEqual(['one']);
  expect(log[0]).toContain('what follows entry 1 of the audit in Redis is not an audit entry');
});

test('two bots that were given one file do not write into each other', async () => {
  copy();
  await append('one');
  await expect.poll(async () => whats(await text())).toEqual(['one']);
  await appendFile(file, 'another\n');
  await append('two');

  await expect.poll(() => log.join()).toContain('somebody else writes to');
  expect(await text()).toMatch(/another\n$/);
});

test('a file that cannot be written is told of, and taken up once it can be', async () => {
  await append('one');
  const late = join(folder, 'later', 'audit.jsonl');
  const copying = copy(late);
  await expect.poll(() => log.join()).toContain('it is tried again: ENOENT');
  await copying.close();
  expect(log[0]).toMatch(/^warn/);
});

test('stdout gets each entry as a line, and after a restart those that are new', async () => {
  const printed: string[] = [];
  const print = async (lines: string) => void printed.push(lines);
  await append('one', 'two');
  await copy('stdout', print).close();
  await append('three');
  await copy('stdout', print).close();

  expect(whats(printed.join(''))).toEqual(['one', 'two', 'three']);
});
