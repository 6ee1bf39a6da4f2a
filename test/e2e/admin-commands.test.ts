import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseEntry } from '../../src/store/audit/audit-log.ts';
import { Redis } from 'ioredis';
import { PREFIX } from '../../src/queue/queues.ts';
import { ADA, GRACE, INCIDENT, PLATFORM, setStage, type Stage } from './harness.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';

let stage: Stage;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-admin-'));
});
afterEach(async () => {
  await stage.close();
  await rm(folder, { recursive: true, force: true });
});

const wrench = (text: string, userId: string) =>
  stage.workspace.command({ userId, channelId: INCIDENT, command: '/wrench', text });

const inChannel = (word: string) =>
  stage.workspace.messages(INCIDENT).filter(({ text }) => text.includes(word));

test('freeze and unfreeze are posted in the channel, and the audit is shown to its reader and copied to a file', async () => {
  const copyTo = join(folder, 'audit.jsonl');
  stage = await setStage({
    delivery: 'http',
    catalogue: makeCatalogue({ broken: makeCheck() }),
    config: { roles: { requester: [ADA], approver: [GRACE], auditor: [] }, audit: { copyTo } },
  });
  await stage.startBot();
  const { workspace } = stage;

  await wrench('freeze because of the migration', ADA);
  const frozen = await workspace.waitFor(() => inChannel(' FROZEN by')[0]);
  expect(frozen.text).toMatch(new RegExp(`FROZEN by <@${ADA}>.*because of the migration`, 'i'));

  await wrench('thaw', ADA);
  expect(workspace.ephemerals(ADA, INCIDENT).at(-1)?.text).toContain('REFUSED');
  await wrench('thaw', GRACE);
  const unfrozen = await workspace.waitFor(() => inChannel('UNFROZEN')[0]);
  expect(unfrozen.text).toContain(`UNFROZEN by <@${GRACE}>`);

  await wrench('audit', GRACE);
  expect(workspace.ephemerals(GRACE, INCIDENT).at(-1)?.text).toMatch(
    /3 entries[\s\S]*froze[\s\S]*refused[\s\S]*unfroze/,
  );
  await wrench(`audit --user <@${ADA}|ada>`, GRACE);
  expect(workspace.ephemerals(GRACE, INCIDENT).at(-1)?.text).toContain('2 entries');
  expect(inChannel('entries')).toEqual([]);

  const copied = async () =>
    (await readFile(copyTo, 'utf8').catch(() => '')).split('\n').map((line) => parseEntry(line)?.entry.kind);
  await expect.poll(copied).toEqual(['frozen', 'refused', 'thawed', undefined]);
});

test('a repeated delivery of an unfreeze does not undo a later freeze, and vice versa', async () => {
  stage = await setStage({
    delivery: 'http',
    catalogue: makeCatalogue({ broken: makeCheck() }),
    config: { roles: { requester: [ADA], approver: [GRACE], auditor: [] } },
  });
  await stage.startBot();
  const type = async (text: string, triggerId: string) => {
    await stage.workspace.command({
      userId: GRACE,
      channelId: INCIDENT,
      command: '/wrench',
      text,
      triggerId,
    });
    return stage.workspace.ephemerals(GRACE, INCIDENT).at(-1)?.text;
  };
  await type('freeze', '1.1.a');
  await type('thaw', '2.2.b');
  expect(await type('freeze', '1.1.a')).toContain('twice');
  await type('freeze', '3.3.c');

  expect(await type('thaw', '2.2.b')).toContain('twice');

  expect(inChannel(' FROZEN by')).toHaveLength(2);
  expect(inChannel('UNFROZEN')).toHaveLength(1);
});

test('an audit copy that no longer matches is reported once, in the configured channel', async () => {
  const copyTo = join(folder, 'audit.jsonl');
  stage = await setStage({
    delivery: 'http',
    catalogue: makeCatalogue({ broken: makeCheck() }),
    config: {
      roles: { requester: [ADA], approver: [GRACE], auditor: [] },
      audit: { copyTo, channel: PLATFORM },
    },
  });
  const bot = await stage.startBot();
  await wrench('freeze', ADA);
  await wrench('thaw', GRACE);
  await expect.poll(() => readFile(`${copyTo}.head`, 'utf8').catch(() => '')).toContain('"seq":2');
  await bot.close();
  const redis = new Redis(stage.redis.url.replace('unix://', ''));
  await redis.del(`${PREFIX}:audit`, `${PREFIX}:audit:head`);
  redis.disconnect();

  const again = await stage.startBot();
  const notices = () => stage.workspace.messages(PLATFORM).map(({ text }) => text);
  await expect.poll(notices).toHaveLength(1);
  await again.close();
  await (await stage.startBot()).close();

  expect(notices()).toEqual([
    expect.stringMatching(
      /Audit copy stopped[\s\S]*The bot on .* no longer copies the audit to [\s\S]*the audit is empty, but entry 2 was seen on .* UTC: 2 entries are missing, from entry 1 on/,
    ),
  ]);
});
