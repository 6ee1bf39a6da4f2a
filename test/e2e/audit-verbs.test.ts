import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { cutEnd, replaceAudit, setHead } from '../world/tamper-audit.ts';
import type { AuditEntry } from '../../src/store/audit/entry.ts';
import { type AuditLog, openAuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';
import { copyAudit } from '../../src/store/audit/copy.ts';
import { openFreeze } from '../../src/store/remediation/freeze.ts';
import { connectBlocking } from '../../src/queue/connection.ts';
import { type LocalRedis, startLocalRedis } from '../../src/queue/local-redis.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { audit } from '../../src/cli/audit.ts';
import { freeze, unfreeze } from '../../src/cli/freeze.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

let folder: string;
let local: LocalRedis;
let connection: Redis;
let chain: AuditLog;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-shell-'));
  await writeFile(join(folder, 'wrench.yaml'), 'environments: { prod: { sources: [] } }\n');
  local = await startLocalRedis(join(folder, '.wrench'), () => undefined);
  connection = connectBlocking(local, () => undefined) as Redis;
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
  chain = openAuditLog(connection, PREFIX);
});

/** Runs a separate process in that folder. */
async function wrenchThere(...words: readonly string[]) {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MAIN, ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
    extendEnv: false,
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

/** Runs the same in this process, which starts faster. */
async function wrench(verb: 'audit' | 'freeze' | 'unfreeze', ...words: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const terminal = {
    print: async (text: string) => void (stdout += text),
    out: (text: string) => void (stdout += text),
    error: (text: string) => void (stderr += text),
  };
  const exitCode = await { audit, freeze, unfreeze }[verb](words, terminal);
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

test('wrench freeze freezes the Wrench that runs in this folder, and names who did it', async () => {
  const first = await wrenchThere('freeze', '--because', "the network's move");
  const second = await wrench('freeze', 'again');

  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  expect(first.stdout).toBe(
    'Frozen. No fixes run in any environment; checks still work. To resume: wrench unfreeze',
  );
  expect(second.exitCode).toBe(0);
  expect(second.stdout).toMatch(
    /^Already frozen by terminal since .* UTC: the network's move \(by \S+ at a terminal\)\./,
  );
  await expect(openFreeze(connection, PREFIX).read()).resolves.toMatchObject({ by: 'terminal' });
});

test('unfreezing is reported and audited, and reports if nothing is frozen', async () => {
  await wrench('freeze');

  expect((await wrench('unfreeze')).stdout).toBe(
    'Unfrozen. Fixes can run again. Request stopped plans again.',
  );
  expect(await wrench('unfreeze')).toMatchObject({ exitCode: 0, stdout: 'Nothing is frozen.' });
  expect((await entries()).map(({ entry }) => [entry.kind, entry.who.join(), entry.because])).toEqual([
    ['frozen', 'terminal', expect.stringMatching(/^by \S+ at a terminal$/)],
    ['thawed', 'terminal', expect.stringMatching(/^by \S+ at a terminal$/)],
  ]);
});

test.each(['unfreeze', 'thaw'])('wrench %s unfreezes', async (verb) => {
  await wrench('freeze');

  expect(await wrenchThere(verb)).toMatchObject({
    exitCode: 0,
    stdout: 'Unfrozen. Fixes can run again. Request stopped plans again.',
  });
  expect((await entries()).map(({ entry }) => entry.kind)).toEqual(['frozen', 'thawed']);
});

test('a token in the reason is not stored in the audit', async () => {
  await wrench('freeze', '--because', 'leaked xoxb-1234567890-abcdef');

  expect(JSON.stringify(await entries())).not.toContain('xoxb-');
});

test('the audit is a table of the last seven days, optionally of one person', async () => {
  await append('one', 'two', 'three');

  const all = await wrench('audit');
  const one = await wrench('audit', '--since', '1h', '--user', 'U0GRACE');

  expect(all.exitCode).toBe(0);
  expect(all.stdout).toMatch(/one[\s\S]*two[\s\S]*three[\s\S]*3 entries/);
  expect(one.stdout).toContain('1 entry');
});

test('an export contains whole entries and nothing else, and verifies as a file', async () => {
  await append('one', 'two', 'three');
  const file = join(folder, 'audit.jsonl');

  const exported = await wrenchThere('audit', 'export');
  await writeFile(file, `${exported.stdout}\n`);
  const verified = await wrench('audit', 'verify', '--file', file);

  expect(exported.stdout.split('\n').map((line) => JSON.parse(line) as unknown)).toEqual(await entries());
  expect(verified.exitCode).toBe(0);
  expect(verified.stdout).toContain('is intact: 3 entries, 1 to 3.');
  expect(verified.stderr).toBe(
    `wrench: couldn't verify the end of ${file}: ${file}.head, which the bot writes next to its copy, doesn't exist`,
  );
});

test('a file that starts in the middle is reported as partial', async () => {
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
  expect(stdout).toContain("is intact: 2 entries, 2 to 3. Entries before 2 aren't in it.");
});

test('a changed file fails with exit code 1 and names the first broken entry', async () => {
  await append('one', 'two', 'three');
  const file = join(folder, 'changed.jsonl');
  await writeFile(file, (await wrench('audit', 'export')).stdout.replace('"what":"two"', '"what":"too"'));

  expect(await wrench('audit', 'verify', '--file', file)).toMatchObject({
    exitCode: 1,
    stdout: `${file} failed verification: entry 2: its hash doesn't match its content.`,
  });
  expect(await readFile(file, 'utf8')).toContain('too');
});

test('the audit in Redis is verified against its head', async () => {
  expect(await wrench('audit', 'verify')).toMatchObject({
    exitCode: 0,
    stdout: 'The audit has no entries yet.',
  });
  await append('one', 'two', 'three');
  expect((await wrench('audit', 'verify')).stdout).toContain('The audit is intact: 3 entries, 1 to 3.');
  await connection.xtrim(chain.streamKey, 'MAXLEN', 1);

  expect(await wrench('audit', 'verify')).toMatchObject({
    exitCode: 1,
    stdout: 'The audit failed verification: entry 3 is the first: 2 entries are missing.',
  });
});

test('a missing file, a folder and an empty file cannot be verified and exit with 2', async () => {
  const empty = join(folder, 'empty.jsonl');
  await writeFile(empty, '');

  const missing = await wrench('audit', 'verify', '--file', join(folder, 'none'));
  expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
  expect(missing.stderr).toMatch(/Couldn't read .* \(ENOENT\)/);
  expect((await wrench('audit', 'verify', '--file', folder)).exitCode).toBe(2);
  expect(await wrench('audit', 'verify', '--file', empty)).toMatchObject({ exitCode: 2, stdout: '' });
});

test('exits with 2 and an error if nothing runs here or Redis is unreachable', async () => {
  vi.stubEnv('WRENCH_DATA', join(folder, 'elsewhere'));
  const elsewhere = await wrench('audit', 'verify');
  vi.stubEnv('REDIS_URL', 'redis://127.0.0.1:1');
  const away = await wrench('freeze');

  expect(elsewhere).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: "wrench: No Redis: REDIS_URL isn't set, and Wrench isn't running in this folder",
  });
  expect(away).toMatchObject({ exitCode: 2, stdout: '' });
  expect(away.stderr).toContain("Couldn't reach Redis: connect ECONNREFUSED");
});

test.each<[['audit' | 'freeze', ...string[]], string]>([
  [['audit', '--sinse', '7d'], 'Unknown flag `--sinse`. Did you mean `--since`?'],
  [['audit', 'exprot'], 'Unknown command `exprot`. Did you mean `export`?'],
  [['audit', '--since', 'monday'], 'Invalid time `monday` for `--since`.'],
  [['audit', '--since'], 'Missing value for `--since`.'],
  [['audit', 'export', '--user', 'ada'], 'Invalid user `ada` for `--user`.'],
  [['audit', 'verify', '--since', '7d'], 'Unknown flag `--since`.'],
  [['freeze', '--becuase', 'x'], 'Did you mean `--because`?'],
])('exits with 64 on invalid arguments: wrench %j', async (words, problem) => {
  const { exitCode, stdout, stderr } = await wrench(...words);

  expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
  expect(stderr).toContain(problem);
  expect(stderr).toContain(`Run \`wrench ${words[0]} --help\``);
});

test.each([
  ['bot', 'extra', 'Unexpected argument `extra`.'],
  ['all', '--jsno', 'Unknown flag `--jsno`.'],
])('a process does not start with an invalid argument: wrench %s %s', async (role, word, problem) => {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MAIN, role, word], {
    cwd: folder,
    reject: false,
  });

  expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
  expect(stderr).toContain(problem);
});

test('an export into a closed pipe ends without an error', async () => {
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

const NOT_PROVEN =
  "wrench: couldn't verify the end of the audit: there is no copy and no head file here. " +
  'Run this on the host of the bot, as its user and with its WRENCH_CONFIG and WRENCH_DATA; or set `audit.copyTo` and verify the copy with `--file`.';

test('without a copy or a head file the chain is verified, with a warning that its end cannot be verified', async () => {
  expect(await wrench('audit', 'verify')).toEqual({
    exitCode: 0,
    stdout: 'The audit has no entries yet.',
    stderr: NOT_PROVEN,
  });
  await append('one', 'two', 'three');

  expect(await wrench('audit', 'verify')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('The audit is intact: 3 entries, 1 to 3.'),
    stderr: NOT_PROVEN,
  });
});

interface HeadStore {
  readonly head: string;
  /** Absent if the audit is not copied to a file. */
  readonly copy?: string;
}

/** Copies the audit as the bot does, until the copy is complete. */
async function watch({ head, copy }: HeadStore): Promise<void> {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  await copyAudit({
    audit: chain,
    headFile: head,
    log: silent,
    ...(copy !== undefined && { to: copy }),
  }).close();
}

async function configure(copyTo: string): Promise<void> {
  const config = join(folder, 'copied.yaml');
  await writeFile(config, `environments: { prod: { sources: [] } }\naudit: { copyTo: ${copyTo} }\n`);
  vi.stubEnv('WRENCH_CONFIG', config);
}

/** Both places that store the head of the audit, each in its own folder. */
const HEAD_STORES: readonly (readonly [string, () => Promise<HeadStore>])[] = [
  [
    'with a copy in a file',
    async () => {
      const disk = await mkdtemp(join(folder, 'copy-'));
      const copy = join(disk, 'audit.jsonl');
      await configure(copy);
      return { copy, head: `${copy}.head` };
    },
  ],
  [
    'with the last head seen alone',
    async () => {
      const data = join(folder, '.wrench');
      return { head: join(data, 'audit-head') };
    },
  ],
];

describe.each(HEAD_STORES)('verification %s', (_, prepare) => {
  let store: HeadStore;
  beforeEach(async () => {
    await rm(join(folder, '.wrench', 'audit-head'), { force: true });
    store = await prepare();
    await append('one', 'two', 'three', 'four', 'five');
    await watch(store);
  });

  test('proves the end, even if Redis has newer entries', async () => {
    const before = await wrench('audit', 'verify');
    await append('six', 'seven');
    const after = await wrench('audit', 'verify');

    expect(before).toMatchObject({ exitCode: 0, stderr: '' });
    expect(before.stdout).toMatch(
      /The audit is intact: 5 entries.*[\s\S]*Its end matches .*entry 5, seen on/,
    );
    expect(before.stdout.includes(`the copy ${store.copy} (entries 1 to 5)`)).toBe(store.copy !== undefined);
    expect(after).toMatchObject({ exitCode: 0, stderr: '' });
    expect(after.stdout).toContain("Entries after 5 are newer and haven't been compared yet.");
  });

  const wasSeen = /entry 5 was seen on \d{4}-\d\d-\d\d \d\d:\d\d UTC/.source;
  test.each<[string, () => Promise<unknown>, string]>([
    [
      'the newest entries were removed and the head set back',
      () => cutEnd(connection, chain, 3),
      `The audit failed verification: the audit ends at entry 3, but ${wasSeen}: 2 entries are missing, from entry 4 on`,
    ],
    [
      'one entry was removed and the head set back',
      () => cutEnd(connection, chain, 4),
      `the audit ends at entry 4, but ${wasSeen}: entry 5 is missing`,
    ],
    [
      'the head alone was set back',
      async () => setHead(connection, chain, (await entries())[2] ?? { seq: 0, hash: '' }),
      'the stream ends at 5 but the head says 3: 2 entries were inserted',
    ],
    [
      'everything was deleted',
      () => connection.del(chain.headKey, chain.streamKey),
      `the audit is empty, but ${wasSeen}: 5 entries are missing, from entry 1 on`,
    ],
    [
      'it was replaced by a shorter chain',
      () => replaceAudit(connection, chain, 2),
      `the audit ends at entry 2, but ${wasSeen}|entry 1 in Redis differs from the one in the copy`,
    ],
    [
      'it was replaced by a longer chain with another history',
      () => replaceAudit(connection, chain, 8),
      'entry 5 differs from the one that was seen on .*: the audit was replaced|entry 1 in Redis differs from the one in the copy',
    ],
    [
      'Redis was restored from a backup and has gone on since',
      async () => {
        await cutEnd(connection, chain, 3);
        chain = openAuditLog(connection, PREFIX);
        await append('vier', 'fünf', 'sechs');
      },
      'entry 5 differs from the one that was seen on .*: the audit was replaced|entry 4 in Redis differs from the one in the copy',
    ],
    ['the head file is empty', () => writeFile(store.head, ''), 'is invalid: another program wrote to it'],
    ['the head file is something else', () => writeFile(store.head, '{"seq":5}'), 'is invalid'],
    [
      'the head file is of another chain',
      async () =>
        writeFile(store.head, (await readFile(store.head, 'utf8')).replace(/[0-9a-f]{64}/, 'a'.repeat(64))),
      'entry 5 differs from the one that was seen on .*: the audit was replaced',
    ],
    [
      'the head file is from the future',
      async () =>
        writeFile(store.head, (await readFile(store.head, 'utf8')).replace('"seq":5', '"seq":4329')),
      'the audit ends at entry 5, but entry 4,329 was seen on .*: 4,324 entries are missing, from entry 6 on',
    ],
  ])('fails if %s, and changes nothing', async (_fault, tamper, because) => {
    await tamper();
    const before = await contentsOf(store);

    const { exitCode, stdout } = await wrench('audit', 'verify');

    expect(stdout).toMatch(new RegExp(because));
    expect(exitCode).toBe(1);
    expect(await contentsOf(store)).toEqual(before);
  });

  test('on another host cannot prove the end, which is not an error', async () => {
    await rm(store.head);
    if (store.copy !== undefined) await rm(store.copy);

    expect(await wrench('audit', 'verify')).toMatchObject({ exitCode: 0, stderr: NOT_PROVEN });
  });

  test('fails if the head file cannot be read', async () => {
    await rm(store.head);
    await mkdir(store.head);

    const { exitCode, stderr } = await wrench('audit', 'verify');
    await rm(store.head, { recursive: true });

    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: `wrench: Couldn't read ${store.head} (EISDIR)`,
    });
  });
});

async function contentsOf({ head, copy }: HeadStore) {
  const read = (path: string) => readFile(path, 'utf8');
  return { head: await read(head), ...(copy !== undefined && { copy: await read(copy) }) };
}

describe('a copy', () => {
  let copy: string;
  beforeEach(async () => {
    copy = join(await mkdtemp(join(folder, 'copy-')), 'audit.jsonl');
    await configure(copy);
    await append('one', 'two', 'three', 'four', 'five');
    await watch({ copy, head: `${copy}.head` });
  });
  const lines = async () => (await readFile(copy, 'utf8')).split('\n').filter(Boolean);

  test.each<[string, () => Promise<unknown>, RegExp, RegExp]>([
    [
      'was truncated',
      async () => truncate(copy, `${(await lines()).slice(0, 3).join('\n')}\n`.length),
      /audit\.jsonl ends at entry 3, but entry 5 was seen on .* UTC: 2 entries are missing, from entry 4 on/,
      /the file ends at entry 3, but entry 5 was seen on .* UTC: 2 entries are missing, from entry 4 on/,
    ],
    [
      'was truncated within a line',
      async () => truncate(copy, (await lines()).slice(0, 3).join('\n').length - 20),
      /audit\.jsonl ends at entry 2, but entry 5 was seen/,
      /the file ends at entry 2, but entry 5 was seen/,
    ],
    [
      'is empty',
      () => truncate(copy, 0),
      /audit\.jsonl is empty, but entry 5 was seen/,
      /the file is empty, but entry 5 was seen/,
    ],
    [
      'was edited in the middle',
      async () =>
        writeFile(copy, (await readFile(copy, 'utf8')).replace('"what":"three"', '"what":"nothing"')),
      /in the copy .*audit\.jsonl, entry 3: its hash doesn't match its content/,
      /entry 3: its hash doesn't match its content/,
    ],
    [
      'lacks an entry in the middle',
      async () => writeFile(copy, `${(await lines()).toSpliced(2, 1).join('\n')}\n`),
      /in the copy .*audit\.jsonl, entry 4 follows 2: an entry is missing/,
      /entry 4 follows 2: an entry is missing/,
    ],
    [
      'is something else',
      () => writeFile(copy, 'hello\n'),
      /in the copy .*audit\.jsonl, entry 1 isn't an audit entry/,
      /entry 1 isn't an audit entry/,
    ],
  ])('that %s fails verification, both with Redis and alone', async (_, tamper, besideRedis, byItself) => {
    await tamper();

    const redis = await wrench('audit', 'verify');
    const file = await wrench('audit', 'verify', '--file', copy);

    expect(redis.stdout).toMatch(besideRedis);
    expect(file.stdout).toMatch(byItself);
    expect([redis.exitCode, file.exitCode]).toEqual([1, 1]);
  });

  test('that is missing, while its head file exists, fails verification', async () => {
    await rm(copy);

    const { exitCode, stdout } = await wrench('audit', 'verify');

    expect(stdout).toMatch(
      /the copy .*audit\.jsonl is missing, but entry 5, seen on .* UTC, was copied to it/,
    );
    expect(exitCode).toBe(1);
  });

  test('with an incomplete last line, as after a crash, is intact, and the line is reported', async () => {
    await writeFile(copy, (await readFile(copy, 'utf8')) + (await lines()).join().slice(0, 57));

    const redis = await wrench('audit', 'verify');
    const file = await wrench('audit', 'verify', '--file', copy);

    const torn = `wrench: the last line of ${copy} is incomplete, as after a crash; it was not verified`;
    expect(redis).toMatchObject({ exitCode: 0, stderr: torn });
    expect(file).toMatchObject({ exitCode: 0, stderr: torn });
    expect(file.stdout).toMatch(
      /is intact: 5 entries, 1 to 5[\s\S]*Its end matches the last head seen \(entry 5/,
    );
  });

  test('that is longer than Redis shows that entries are missing, even without the head', async () => {
    await rm(`${copy}.head`);
    await cutEnd(connection, chain, 2);

    const { exitCode, stdout } = await wrench('audit', 'verify');

    expect(stdout).toBe(
      `The audit failed verification: the audit ends at entry 2, but ${copy} ends at entry 5: 3 entries are missing, from entry 3 on.`,
    );
    expect(exitCode).toBe(1);
  });

  test('that begins in the middle is compared from there on', async () => {
    await writeFile(copy, `${(await lines()).slice(2).join('\n')}\n`);

    expect((await wrench('audit', 'verify')).stdout).toContain('(entries 3 to 5)');
    expect(parseEntry((await lines())[0] ?? '')?.seq).toBe(3);
  });

  test('that begins after the last head seen does not prove the end alone', async () => {
    await append('six');
    await watch({ copy, head: `${copy}.head` });
    const head = `${copy}.head`;
    await writeFile(head, (await readFile(head, 'utf8')).replace('"seq":6', '"seq":2'));
    await writeFile(copy, `${(await lines()).slice(4).join('\n')}\n`);

    const { exitCode, stderr } = await wrench('audit', 'verify', '--file', copy);

    expect(stderr).toContain(
      `couldn't verify the end of ${copy}: it starts after the last head seen, entry 2`,
    );
    expect(exitCode).toBe(0);
  });

  test('that was moved together with its head is verified at its new location', async () => {
    const old = `${copy}.old`;
    await rename(copy, old);
    await rename(`${copy}.head`, `${old}.head`);

    expect(await wrench('audit', 'verify', '--file', old)).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await readdir(join(copy, '..'))).toSorted()).toEqual(['audit.jsonl.old', 'audit.jsonl.old.head']);
  });
});
