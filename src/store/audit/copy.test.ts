import { appendFile, mkdir, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { cutEnd, replaceAudit, setHead } from '../../../test/world/tamper-audit.ts';
import { type AuditEvent, chainEntry as follow, GENESIS } from './entry.ts';
import { type AuditLog, openAuditLog, parseEntry } from './audit-log.ts';
import { copyAudit, type CopyOptions } from './copy.ts';
import type { CopyStatus } from './copy-states.ts';
import { fileTarget } from './copy-target.ts';
import { verifyAudit } from './verify.ts';

const redis = useRedis();
let connection: Redis;
beforeEach(() => {
  connection = redis.connect();
});

let folder: string;
let file: string;
let chain: AuditLog;
let log: string[];
let headFile: string;
let status: CopyStatus | undefined;
let copies: { close: () => Promise<void> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-copy-'));
  file = join(folder, 'audit.jsonl');
  chain = openAuditLog(connection, `{${crypto.randomUUID()}}`);
  headFile = `${file}.head`;
  log = [];
  status = undefined;
});
afterEach(async () => {
  await Promise.all(copies.map((copy) => copy.close()));
  copies = [];
  await rm(folder, { recursive: true, force: true });
});

/** Copies to the file of this test, unless `more` says otherwise; retries immediately. */
function copy(more: Partial<Pick<CopyOptions, 'to' | 'print' | 'timing' | 'headFile'>> = { to: file }) {
  const note = (level: string) => (fields: object, message: string) => {
    const { err, because } = fields as { err?: Error; because?: string };
    log.push(`${level} ${message}: ${err?.message ?? because ?? ''}`);
  };
  const copying = copyAudit({
    audit: chain,
    headFile,
    log: { info: note('info'), warn: note('warn'), error: note('error') },
    report: async (reported) => void (status = reported),
    ...more,
    timing: { everyMs: 20, retryMs: 20, ...more.timing },
  });
  copies.push(copying);
  return copying;
}

const anEvent = (what: string): AuditEvent => ({
  kind: 'refused',
  at: '2026-11-20T14:03:07.000Z',
  who: ['U0ADA'],
  what,
});
const head = async () => JSON.parse(await readFile(headFile, 'utf8')) as { seq: number; hash: string };
/** Waits until it has stopped. @returns why. */
const stopped = async () => {
  await expect.poll(() => status?.stopped?.because).toBeDefined();
  return status?.stopped?.because;
};
async function append(...whats: readonly string[]) {
  for (const what of whats) await chain.append(anEvent(what));
}
const text = () => readFile(file, 'utf8').catch(() => '');
const whats = (lines: string) =>
  lines
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { entry: AuditEvent }).entry.what);
async function* linesOf(lines: string) {
  yield* lines.split('\n').filter(Boolean);
}

test('entries are copied in order as they are appended, and the copy verifies', async () => {
  await append('one', 'two');
  copy();
  await expect.poll(async () => whats(await text())).toEqual(['one', 'two']);

  await append('three');

  await expect.poll(async () => whats(await text())).toEqual(['one', 'two', 'three']);
  await expect(verifyAudit(linesOf(await text()))).resolves.toMatchObject({ kind: 'intact', from: 1, to: 3 });
});

test('closing a copy first writes the entries that are known', async () => {
  const copying = copy();
  await append('one', 'two', 'three');
  await copying.close();

  expect(whats(await text())).toEqual(['one', 'two', 'three']);
});

test('after a restart the copy continues after the last complete line, and an incomplete one is removed', async () => {
  await append('one', 'two');
  await copy().close();
  await appendFile(file, (await text()).slice(0, 57));
  await append('three');

  await copy().close();

  expect(whats(await text())).toEqual(['one', 'two', 'three']);
  expect(log).toEqual([]);
});

test('an incomplete first line is removed', async () => {
  await append('one');
  await writeFile(file, '{"seq":1,"pre');

  await copy().close();

  expect(whats(await text())).toEqual(['one']);
});

test('finds a last line that is longer than the first read', async () => {
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
      chain = openAuditLog(connection, `{${crypto.randomUUID()}}`);
      await append('uno', 'dos', 'tres');
    },
    /entry 2 differs from the one that was seen on/,
  ],
  [
    'the file is newer than Redis',
    async () => {
      await append('one', 'two');
      await copy().close();
      await connection.del(chain.headKey, chain.streamKey);
      chain = openAuditLog(connection, chain.streamKey.replace(':audit', ''));
      await append('uno');
    },
    /the audit ends at entry 1, but entry 2 was seen on .* UTC: entry 2 is missing/,
  ],
  [
    'Redis lost everything',
    async () => {
      await append('one', 'two');
      await copy().close();
      await connection.del(chain.headKey, chain.streamKey);
    },
    /the audit is empty, but entry 2 was seen on .* UTC: 2 entries are missing, from entry 1 on/,
  ],
  [
    'the file is something else',
    () => writeFile(file, 'hello\n'),
    /ends with a line that isn't an audit entry/,
  ],
])('copying stops with an error and leaves the file unchanged if %s', async (_, prepare, because) => {
  await prepare();
  const before = await text();

  await copy().close();

  expect(await text()).toBe(before);
  expect(log).toEqual([expect.stringMatching(because)]);
  expect(log[0]).toMatch(/^error Stopped copying the audit/);
});

test('a changed entry in Redis is not copied', async () => {
  await append('one');
  await copy().close();
  await connection.xadd(chain.streamKey, '*', 'entry', JSON.stringify({ seq: 3 }));

  await copy().close();

  expect(whats(await text())).toEqual(['one']);
  expect(log[0]).toContain("what follows entry 1 in Redis isn't an audit entry");
});

test('two bots with the same file do not mix their lines', async () => {
  copy();
  await append('one');
  await expect.poll(async () => whats(await text())).toEqual(['one']);
  await appendFile(file, 'another\n');
  await append('two');

  await expect.poll(() => log.join()).toContain('another process writes to');
  expect(await text()).toMatch(/another\n$/);
  await expect.poll(() => status?.stopped?.because).toContain(file);
});

test('a file that cannot be written is reported, and completed once it can be', async () => {
  await append('one');
  const late = join(folder, 'later', 'audit.jsonl');
  const copying = copy({ to: late });
  await expect.poll(() => log.join()).toContain("can't be written: ENOENT");
  await copying.close();
  expect(log[0]).toMatch(/^warn/);
});

test('stdout gets each entry as a line, and only new ones after a restart', async () => {
  const printed: string[] = [];
  const print = async (lines: string) => void printed.push(lines);
  await append('one', 'two');
  await copy({ to: 'stdout', print }).close();
  await append('three');
  await copy({ to: 'stdout', print }).close();

  expect(whats(printed.join(''))).toEqual(['one', 'two', 'three']);
});

const FAULTS: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
  [
    'the newest entries were removed and the head set back',
    () => cutEnd(connection, chain, 3),
    /the audit ends at entry 3, but entry 5 was seen on .* UTC: 2 entries are missing, from entry 4 on/,
  ],
  [
    'everything was deleted',
    async () => void (await connection.del(chain.headKey, chain.streamKey)),
    /the audit is empty, but entry 5 was seen on .* UTC: 5 entries are missing, from entry 1 on/,
  ],
  [
    'it was replaced by a shorter chain',
    () => replaceAudit(connection, chain, 2),
    /the audit ends at entry 2, but entry 5 was seen on .* UTC: 3 entries are missing/,
  ],
  [
    'it was replaced by a longer chain with another history',
    () => replaceAudit(connection, chain, 9),
    /entry 5 differs from the one that was seen on .*: the audit was replaced/,
  ],
  [
    'it was replaced by a chain of the same length',
    () => replaceAudit(connection, chain, 5),
    /entry 5 differs from the one that was seen on .*: the audit was replaced/,
  ],
];
/** Only a running copy stops for these; verifying the audit in Redis finds them too. */
const SEEN_IN_REDIS: typeof FAULTS = [
  [
    'the head alone was set back',
    async () =>
      setHead(connection, chain, parseEntry((await chain.page())[2]?.raw ?? '') ?? { seq: 0, hash: '' }),
    /the stream ends at 5 but the head says 3/,
  ],
  [
    'the newest entry alone was removed',
    async () => void (await connection.xdel(chain.streamKey, (await chain.page()).at(-1)?.id ?? '')),
    /the audit ends at entry 4, but entry 5 was seen/,
  ],
];

describe.each<[string, () => Partial<CopyOptions>]>([
  ['a copy in a file', () => ({ to: file })],
  ['a copy on stdout', () => ({ to: 'stdout', print: async () => undefined })],
  ['no copy', () => ({})],
])('with %s', (_, options) => {
  test.each([...FAULTS, ...SEEN_IN_REDIS])('a running copy stops if %s', async (_fault, tamper, because) => {
    await append('one', 'two', 'three', 'four', 'five');
    copy(options());
    await expect.poll(() => status?.seq).toBe(5);

    await tamper();

    expect(await stopped()).toMatch(because);
    expect((await head()).seq).toBe(5);
    expect(log.filter((line) => line.startsWith('error'))).toHaveLength(1);
  });

  test.each(FAULTS)('a copy stops after a restart if %s', async (_fault, tamper, because) => {
    await append('one', 'two', 'three', 'four', 'five');
    await copy(options()).close();
    const before = await text();
    await tamper();
    status = undefined;

    copy(options());

    expect(await stopped()).toMatch(because);
    expect(await text()).toBe(before);
    expect((await head()).seq).toBe(5);
  });

  test('the last head seen is saved, and follows the audit', async () => {
    await append('one', 'two');
    copy(options());
    await expect.poll(head).toMatchObject({ seq: 2 });
    const [, two] = (await chain.page()).map(({ raw }) => parseEntry(raw));
    expect((await head()).hash).toBe(two?.hash);

    await append('three');

    await expect.poll(head).toMatchObject({ seq: 3 });
    await expect.poll(() => status).toEqual({ seq: 3, behind: 0 });
  });

  test('a head file that was removed is written again', async () => {
    await append('one', 'two');
    copy(options());
    await expect.poll(head).toMatchObject({ seq: 2 });
    await rm(headFile);

    await expect.poll(() => head().catch(() => undefined)).toMatchObject({ seq: 2 });
    expect(status?.stopped).toBeUndefined();
  });

  test.each<[string, () => Promise<string>, RegExp]>([
    ['is no head', async () => 'shutdown', /is invalid: another program wrote to it/],
    ['is empty', async () => '', /is invalid/],
    ['has unknown fields', async () => JSON.stringify({ ...(await head()), by: 'me' }), /is invalid/],
    [
      'is of another chain',
      async () => JSON.stringify({ ...(await head()), hash: 'a'.repeat(64) }),
      /entry 2 differs from the one that was seen on/,
    ],
    [
      'is from the future, as if Redis was restored from a backup',
      async () => JSON.stringify({ ...(await head()), seq: 4329 }),
      /the audit ends at entry 2, but entry 4,329 was seen on .*: 4,327 entries are missing, from entry 3 on/,
    ],
  ])(
    'a copy stops, while it runs and after a restart, if the head file %s',
    async (_fault, content, because) => {
      await append('one', 'two');
      const copying = copy(options());
      await expect.poll(head).toMatchObject({ seq: 2 });
      const wrong = await content();
      // Atomically: a file that is read while it is written may look empty.
      await writeFile(`${headFile}.new`, wrong);
      await rename(`${headFile}.new`, headFile);

      expect(await stopped()).toMatch(because);
      await copying.close();
      status = undefined;
      copy(options());

      expect(await stopped()).toMatch(because);
      expect(await readFile(headFile, 'utf8')).toBe(wrong);
    },
  );

  test('a copy continues once a person has moved the old files away, and logs this', async () => {
    await append('one', 'two', 'three');
    copy(options());
    await expect.poll(head).toMatchObject({ seq: 3 });
    await replaceAudit(connection, chain, 2);
    await stopped();

    await rm(headFile);
    if (options().to === file) await rename(file, `${file}.old`);
    if (options().to === 'stdout') await connection.del(chain.streamKey.replace(/:audit$/, ':audit:copied'));

    await expect.poll(() => status).toEqual({ seq: 2, behind: 0 });
    await expect.poll(head).toMatchObject({ seq: 2 });
    expect(log.at(-1)).toMatch(/^info/);
  });
});

test('two bots of one host share the head file, and it is never set back', async () => {
  copy({});
  copy({});
  const seqs: number[] = [];
  for (let number = 1; number <= 40; number++) {
    await append(`entry ${number}`);
    seqs.push(
      await head().then(
        ({ seq }) => seq,
        () => 0,
      ),
    );
  }

  await expect.poll(head).toMatchObject({ seq: 40 });
  expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
  expect(log).toEqual([]);
});

test('a copy that was shortened is reported, and completed from Redis', async () => {
  await append('one', 'two', 'three');
  copy();
  await expect.poll(() => status?.seq).toBe(3);
  const all = await text();
  await truncate(file, all.indexOf('\n') + 1);

  await expect.poll(() => log.join()).toContain('was shortened by another process');
  await expect.poll(text).toBe(all);
  expect(log.join()).toContain('completing it from Redis');
  await expect.poll(() => status?.stopped).toBeUndefined();
});

test('a copy that was shortened while no bot ran is completed from Redis', async () => {
  await append('one', 'two', 'three');
  await copy().close();
  const all = await text();
  await truncate(file, all.indexOf('\n') + 5);

  await copy().close();

  expect(await text()).toBe(all);
  expect(log).toEqual([expect.stringContaining('completing it from Redis')]);
});

test('if the copy was moved away, a complete new one begins', async () => {
  await append('one', 'two');
  copy();
  await expect.poll(async () => whats(await text())).toEqual(['one', 'two']);
  await rename(file, `${file}.1`);
  await append('three');

  await expect.poll(async () => whats(await text())).toEqual(['one', 'two', 'three']);
  // Entries that are appended while it is moved may be in both.
  expect(whats(await readFile(`${file}.1`, 'utf8')).slice(0, 2)).toEqual(['one', 'two']);
});

test('entries that another bot wrote before it stopped are not written again', async () => {
  await append('one');
  copy();
  await expect.poll(() => status?.seq).toBe(1);
  const [one] = (await chain.page()).map(({ raw }) => parseEntry(raw));
  await appendFile(file, `${JSON.stringify(follow(one ?? GENESIS, anEvent('two')))}\n`);
  await expect.poll(() => log.join()).toContain('another process writes to');

  await append('two', 'three');

  await expect.poll(async () => whats(await text())).toEqual(['one', 'two', 'three']);
  await expect.poll(() => status).toEqual({ seq: 3, behind: 0 });
});

test('copying continues if the same entries were stored again under other ids, as after a restore', async () => {
  await append('one', 'two');
  copy();
  await expect.poll(() => status?.seq).toBe(2);
  const restored = connection.multi().del(chain.streamKey);
  for (const { raw } of await chain.page()) restored.xadd(chain.streamKey, '*', 'entry', raw);
  await restored.exec();

  await append('three');

  await expect.poll(async () => whats(await text())).toEqual(['one', 'two', 'three']);
  await expect.poll(() => status).toEqual({ seq: 3, behind: 0 });
});

test('a file is not written to while another process still changes it', async () => {
  await append('one');
  await copy().close();
  const openFile = fileTarget(chain, file);
  const opened = await openFile(undefined);
  const write = async (what: string) => {
    const last = parseEntry((await text()).trimEnd().split('\n').at(-1) ?? '') ?? GENESIS;
    await appendFile(file, `${JSON.stringify(follow(last, anEvent(what)))}\n`);
  };
  await append('two', 'three');
  await write('two');
  await expect(opened.isCurrent()).rejects.toThrow('another process writes to');
  await opened.close();

  await write('three');

  const size = Buffer.byteLength(await text());
  await expect(openFile(undefined)).rejects.toThrow('another process writes to');
  expect(Buffer.byteLength(await text())).toBe(size);
  const reopened = await openFile(undefined);
  expect(reopened.start.head.seq).toBe(3);
  await reopened.close();
});

test('an entry whose hash does not match its content is not copied', async () => {
  await append('one');
  copy();
  await expect.poll(() => status?.seq).toBe(1);
  const [{ hash = '' } = {}] = (await chain.page()).map(({ raw }) => parseEntry(raw) ?? {}) as {
    hash?: string;
  }[];
  const forged = { seq: 2, prev: hash, entry: anEvent('two'), hash: 'b'.repeat(64) };
  await connection.xadd(chain.streamKey, '*', 'entry', JSON.stringify(forged));
  await setHead(connection, chain, forged);

  expect(await stopped()).toContain("entry 2 of the audit in Redis: its hash doesn't match its content");
  expect(whats(await text())).toEqual(['one']);
});

test('copying counts as stopped if writes fail for too long, and continues once they succeed', async () => {
  await append('one');
  const late = join(folder, 'later');
  copy({ to: join(late, 'audit.jsonl'), headFile: join(late, 'head'), timing: { unwritableMs: 0 } });
  expect(await stopped()).toMatch(/later\/audit\.jsonl can't be written: ENOENT/);
  expect(status?.behind).toBe(1);

  await mkdir(late);

  await expect.poll(() => status).toEqual({ seq: 1, behind: 0 });
  expect(log.filter((line) => line.startsWith('error'))).toHaveLength(1);
});

test('a head file that cannot be written is reported, and does not stop copying', async () => {
  await writeFile(join(folder, 'file'), '');
  headFile = join(folder, 'file', 'head');
  await append('one', 'two');
  copy({ to: file });

  await expect.poll(async () => whats(await text())).toEqual(['one', 'two']);
  await expect.poll(() => status?.headProblem).toMatch(/file\/head can't be written: /);
  await append('three');
  await expect.poll(() => status).toMatchObject({ seq: 3, behind: 0 });
  expect(log.filter((line) => line.includes("Couldn't save the last head seen"))).toHaveLength(1);

  // This process remembers what it has seen without the file.
  await cutEnd(connection, chain, 1);
  expect(await stopped()).toMatch(/the audit ends at entry 1, but entry 3 was seen/);
});
