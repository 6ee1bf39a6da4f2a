import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { AuditEntry } from '../memory/audit.ts';
import { type Chain, openChain } from '../memory/chain.ts';
import { openFreeze } from '../memory/freeze.ts';
import { connectPatiently } from '../queue/connection.ts';
import { type LocalRedis, startLocalRedis } from '../queue/local-redis.ts';
import { PREFIX } from '../queue/queues.ts';
import { audit } from './audit.ts';
import { switchFreeze } from './freeze.ts';

const MAIN = resolve(import.meta.dirname, '../main.ts');

let folder: string;
let local: LocalRedis;
let connection: Redis;
let chain: Chain;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-shell-'));
  await writeFile(join(folder, 'wrench.yaml'), 'environments: { prod: { sources: [] } }\n');
  local = await startLocalRedis(join(folder, '.wrench'), () => undefined);
  connection = connectPatiently(local, () => undefined) as Redis;
});
afterAll(async () => {
  connection.disconnect();
  await local.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  vi.stubEnv('WRENCH_CONFIG', join(folder, 'wrench.yaml'));
  vi.stubEnv('WRENCH_DATA', join(folder, '.wrench'));
  vi.stubEnv('REDIS_URL', '');
  await connection.flushall();
  chain = openChain(connection, PREFIX);
});

/** A process of its own, started in that folder. */
async function wrenchThere(...words: readonly string[]) {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MAIN, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
    extendEnv: false,
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

/** The same in this process, which starts sooner. */
async function wrench(verb: 'audit' | 'freeze' | 'thaw', ...words: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const terminal = {
    print: async (text: string) => void (stdout += text),
    out: (text: string) => void (stdout += text),
    error: (text: string) => void (stderr += text),
  };
  const exitCode = await (verb === 'audit' ? audit(words, terminal) : switchFreeze(verb, words, terminal));
  return { exitCode, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
}

async function append(...whats: readonly string[]) {
  for (const what of whats)
    await chain.append({
      kind: 'asked',
      at: new Date().toISOString(),
      who: [what === 'two' ? 'U0GRACE' : 'U0ADA'],
      what,
    });
}

async function entries(): Promise<readonly AuditEntry[]> {
  return (await chain.page()).map(({ raw }) => JSON.parse(raw) as AuditEntry);
}

test('the Redis of a Wrench that runs in this folder is frozen, and each time it is told who did', async () => {
  const first = await wrenchThere('freeze', '--because', "the network's move");
  const second = await wrench('freeze', 'again');

  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toBe('Frozen. Nothing is applied in any environment; checks still run.');
  expect(second.exitCode).toBe(0);
  expect(second.stdout).toMatch(
    /^Frozen already by terminal since .* UTC: the network's move \(by \S+ at a terminal\)\./,
  );
  await expect(openFreeze(connection, PREFIX).read()).resolves.toMatchObject({ by: 'terminal' });
});

test('thawing is told and audited; where nothing is frozen it says so', async () => {
  await wrench('freeze');

  expect((await wrench('thaw')).stdout).toBe('Thawed. Approved plans are applied again.');
  expect(await wrench('thaw')).toMatchObject({ exitCode: 0, stdout: 'Nothing is frozen.' });
  expect((await entries()).map(({ entry }) => [entry.kind, entry.who.join(), entry.because])).toEqual([
    ['frozen', 'terminal', expect.stringMatching(/^by \S+ at a terminal$/)],
    ['thawed', 'terminal', expect.stringMatching(/^by \S+ at a terminal$/)],
  ]);
});

test('a token in the reason does not get into the audit', async () => {
  await wrench('freeze', '--because', 'leaked xoxb-1234567890-abcdef');

  expect(JSON.stringify(await entries())).not.toContain('xoxb-');
});

test('the audit is a table of the last seven days, and may be of one person', async () => {
  await append('one', 'two', 'three');

  const all = await wrench('audit');
  const one = await wrench('audit', '--since', '1h', '--user', 'U0GRACE');

  expect(all.exitCode).toBe(0);
  expect(all.stdout).toMatch(/one[\s\S]*two[\s\S]*three[\s\S]*3 entries/);
  expect(one.stdout).toContain('1 entry');
});

test('what was exported is whole entries and nothing else, and verifies as a file', async () => {
  await append('one', 'two', 'three');
  const file = join(folder, 'audit.jsonl');

  const exported = await wrenchThere('audit', 'export');
  await writeFile(file, `${exported.stdout}\n`);
  const verified = await wrench('audit', 'verify', '--file', file);

  expect(exported.stdout.split('\n').map((line) => JSON.parse(line) as unknown)).toEqual(await entries());
  expect(verified).toMatchObject({ exitCode: 0, stderr: '' });
  expect(verified.stdout).toContain('is whole: 3 entries, 1 to 3.');
});

test('a file that starts in the middle says so', async () => {
  await append('one', 'two', 'three');
  const file = join(folder, 'part.jsonl');
  await writeFile(
    file,
    (await chain.page())
      .slice(1)
      .map(({ raw }) => `${raw}\r\n`)
      .join(''),
  );

  const { stdout, exitCode } = await wrench('audit', 'verify', '--file', file);

  expect(exitCode).toBe(0);
  expect(stdout).toContain('is whole: 2 entries, 2 to 3. What came before entry 2 is not in it.');
});

test('a changed file is broken: exit code 1, and the first broken entry is named', async () => {
  await append('one', 'two', 'three');
  const file = join(folder, 'changed.jsonl');
  await writeFile(file, (await wrench('audit', 'export')).stdout.replace('"what":"two"', '"what":"too"'));

  expect(await wrench('audit', 'verify', '--file', file)).toMatchObject({
    exitCode: 1,
    stdout: `${file} is broken: entry 2: its hash does not match what it says.`,
  });
  expect(await readFile(file, 'utf8')).toContain('too');
});

test('Redis itself is verified against its head', async () => {
  expect(await wrench('audit', 'verify')).toMatchObject({
    exitCode: 0,
    stdout: 'The audit holds no entry yet.',
  });
  await append('one', 'two', 'three');
  expect((await wrench('audit', 'verify')).stdout).toContain('The audit is whole: 3 entries, 1 to 3.');
  await connection.xtrim(chain.streamKey, 'MAXLEN', 1);

  expect(await wrench('audit', 'verify')).toMatchObject({
    exitCode: 1,
    stdout: 'The audit is broken: entry 3 is the first: 2 entries are missing.',
  });
});

test('a file that is not there, is a folder or is empty was not verified: exit code 2', async () => {
  const empty = join(folder, 'empty.jsonl');
  await writeFile(empty, '');

  const missing = await wrench('audit', 'verify', '--file', join(folder, 'none'));
  expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
  expect(missing.stderr).toContain('could not be read (ENOENT)');
  expect((await wrench('audit', 'verify', '--file', folder)).exitCode).toBe(2);
  expect(await wrench('audit', 'verify', '--file', empty)).toMatchObject({ exitCode: 2, stdout: '' });
});

test('where nothing runs, and where Redis is away, it is said: exit code 2', async () => {
  vi.stubEnv('WRENCH_DATA', join(folder, 'elsewhere'));
  const elsewhere = await wrench('audit', 'verify');
  vi.stubEnv('REDIS_URL', 'redis://127.0.0.1:1');
  const away = await wrench('freeze');

  expect(elsewhere).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: 'wrench: nothing is running here and no REDIS_URL is set',
  });
  expect(away).toMatchObject({ exitCode: 2, stdout: '' });
  expect(away.stderr).toContain('Redis does not answer: connect ECONNREFUSED');
});

test.each<[['audit' | 'freeze', ...string[]], string]>([
  [['audit', '--sinse', '7d'], 'There is no `--sinse` here. Did you mean `--since`?'],
  [['audit', 'exprot'], 'There is no `exprot` here. Did you mean `export`?'],
  [['audit', '--since', 'monday'], '`--since` takes a length of time'],
  [['audit', '--since'], '`--since` needs a value.'],
  [['audit', 'export', '--user', 'ada'], 'nobody is known by a name'],
  [['audit', 'verify', '--since', '7d'], 'There is no `--since` here.'],
  [['freeze', '--becuase', 'x'], 'Did you mean `--because`?'],
])('wrench %j is not understood: exit code 64', async (words, problem) => {
  const { exitCode, stdout, stderr } = await wrench(...words);

  expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
  expect(stderr).toContain(problem);
  expect(stderr).toContain('Usage: wrench');
});

test('an export into something that stops reading ends quietly', async () => {
  await append(...Array.from({ length: 40 }, (_, number) => `${number} ${'x'.repeat(10_000)}`));

  const { stdout, stderr } = await execa(
    'sh',
    ['-c', `"${process.execPath}" "${MAIN}" audit export | head -c 10`],
    {
      cwd: folder,
      reject: false,
    },
  );

  expect({ stdout, stderr }).toEqual({ stdout: '{"seq":1,"', stderr: '' });
});
