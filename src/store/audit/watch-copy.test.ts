import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useRedis } from '../../../test/world/use-redis.ts';
import { replaceAudit } from '../../../test/world/tamper-audit.ts';
import { type AuditLog, openAuditLog } from './audit-log.ts';
import {
  type CopyNotice,
  type AuditCopyState,
  type AuditCopyStates,
  type CopyStatus,
  openAuditCopyStates,
} from './copy-states.ts';
import { watchCopy } from './watch-copy.ts';

const redis = useRedis();
let connection: Redis;
beforeEach(() => {
  connection = redis.connect();
});

let folder: string;
let prefix: string;
let chain: AuditLog;
let states: AuditCopyStates;
let statuses: CopyStatus[];
let posted: CopyNotice[];
let bots: { close: () => Promise<void> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-watch-'));
  prefix = `{${crypto.randomUUID()}}`;
  chain = openAuditLog(connection, prefix);
  states = openAuditCopyStates(connection, prefix);
  statuses = [];
  posted = [];
});
afterEach(async () => {
  await Promise.all(bots.map((bot) => bot.close()));
  bots = [];
  await rm(folder, { recursive: true, force: true });
});

const take = async (notice: CopyNotice) => void posted.push(notice);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A bot that copies to its own file. */
function start(bot = 'host-1', post: ((notice: CopyNotice) => Promise<void>) | 'nobody' = take) {
  const to = join(folder, `${bot}.jsonl`);
  const watching = watchCopy({
    copy: { audit: chain, to, headFile: `${to}.head`, log: silent, timing: { everyMs: 20, retryMs: 20 } },
    states,
    bot,
    measure: (status) => void statuses.push(status),
    noteEveryMs: 50,
    ...(post !== 'nobody' && { post }),
  });
  bots.push(watching);
  return watching;
}

async function append(...whats: readonly string[]) {
  for (const what of whats)
    await chain.append({ kind: 'refused', at: '2026-11-20T14:03:07.000Z', who: ['U0ADA'], what });
}
/** Copies three entries and replaces them by two others, which stops every copy. */
async function stop() {
  await append('one', 'two', 'three');
  await expect.poll(async () => (await states.list()).some(({ seq }) => seq === 3)).toBe(true);
  await replaceAudit(connection, chain, 2);
}
const stoppedIn = async () => (await states.list()).filter(({ stopped }) => stopped).map(({ bot }) => bot);
/** How often a bot has saved the state of its copy. */
const nextNote = async () => {
  const at = () => states.list().then((all) => all.map((state) => state.at).join());
  const before = await at();
  await expect.poll(at).not.toBe(before);
};

test('the state of a copy is saved in Redis for the doctor, and in the metrics', async () => {
  await append('one');
  start();

  await expect.poll(() => states.list()).toMatchObject([{ bot: 'host-1', seq: 1, behind: 0 }]);
  expect(statuses.at(-1)).toEqual({ seq: 1, behind: 0 });
});

test('a stopped copy is saved in Redis with its reason, and posted once', async () => {
  start();
  await stop();

  await expect.poll(() => posted).toHaveLength(1);
  const reason = 'the audit ends at entry 2, but entry 3 was seen';
  expect(posted[0]).toMatchObject({ bot: 'host-1', because: expect.stringContaining(reason) });
  await expect
    .poll(() => states.list())
    .toMatchObject([{ bot: 'host-1', stopped: { because: posted[0]?.because } }]);
  expect(statuses.at(-1)).toMatchObject({ stopped: { because: expect.stringContaining(reason) } });
  await nextNote();
  await nextNote();
  expect(posted).toHaveLength(1);
});

test('after a restart a notice is not posted again, and its time stays the same', async () => {
  const bot = start();
  await stop();
  await expect.poll(() => posted).toHaveLength(1);
  await bot.close();
  const [before] = await states.list();

  start();
  await nextNote();
  await nextNote();

  expect((await states.list())[0]?.stopped?.since).toBe(before?.stopped?.since);
  expect(posted).toHaveLength(1);
});

test('a notice that could not be posted is posted later, even by a bot whose copy works', async () => {
  let refusals = 0;
  const bot = start('host-1', async () => {
    refusals += 1;
    throw new Error('Slack is down');
  });
  await stop();
  await expect.poll(() => refusals).toBeGreaterThan(2);
  await bot.close();
  await rename(join(folder, 'host-1.jsonl'), join(folder, 'old.jsonl'));
  await rm(join(folder, 'host-1.jsonl.head'));

  start();

  await expect.poll(() => posted).toHaveLength(1);
  await expect.poll(stoppedIn).toEqual([]);
});

test('bots that stop for the same reason post one notice', async () => {
  const shared = { copy: { audit: chain, headFile: join(folder, 'head'), log: silent } };
  for (const bot of ['host-1', 'host-2'])
    bots.push(
      watchCopy({
        copy: { ...shared.copy, timing: { everyMs: 20, retryMs: 20 } },
        states,
        bot,
        measure: () => undefined,
        noteEveryMs: 50,
        post: take,
      }),
    );
  await stop();

  await expect.poll(async () => (await stoppedIn()).toSorted()).toEqual(['host-1', 'host-2']);
  await expect.poll(() => posted).toHaveLength(1);
  await nextNote();
  expect(posted).toHaveLength(1);
});

test('without a channel, nothing is posted and no notice is left', async () => {
  start('host-1', 'nobody');
  await stop();
  await expect.poll(stoppedIn).toEqual(['host-1']);
  await nextNote();

  expect(await connection.hlen(`${prefix}:audit:notices`)).toBe(0);
});

test('a copy that continues after a repair is no longer stopped', async () => {
  start();
  await stop();
  await expect.poll(stoppedIn).toEqual(['host-1']);

  await rename(join(folder, 'host-1.jsonl'), join(folder, 'old.jsonl'));
  await rm(join(folder, 'host-1.jsonl.head'));

  await expect.poll(stoppedIn).toEqual([]);
});

const HOUR_MS = 3_600_000;
const state = (bot: string, hoursAgo: number, isStopped: boolean): AuditCopyState => {
  const at = new Date(Date.now() - hoursAgo * HOUR_MS).toISOString();
  return {
    bot,
    to: 'stdout',
    seq: 3,
    behind: 0,
    at,
    ...(isStopped && { stopped: { because: 'mismatch', since: at } }),
  };
};

test.each<[string, readonly AuditCopyState[], readonly string[]]>([
  ['keeps a stopped copy whose bot has ended', [state('pod-a', 2, true)], ['pod-a']],
  [
    'a working bot replaces earlier ones with other names',
    [state('pod-a', 2, true), state('pod-b', 0, false)],
    [],
  ],
  [
    'a working bot does not replace one that has stopped at the same time',
    [state('pod-a', 0, true), state('pod-b', 0, false)],
    ['pod-a'],
  ],
  [
    'a bot that copies elsewhere replaces none',
    [state('pod-a', 2, true), { ...state('pod-b', 0, false), to: '/var/audit.jsonl' }],
    ['pod-a'],
  ],
  ['forgets a copy whose bot ended more than a day ago', [state('pod-a', 25, true)], []],
])('the list of copies: %s', async (_, all, stopped) => {
  for (const one of all) await states.save(one, false);

  expect(await stoppedIn()).toEqual(stopped);
});
