import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { WebClient } from '@slack/web-api';
import type { Redis } from 'ioredis';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { AuditEntry } from '../../src/store/audit/entry.ts';
import { openAuditLog } from '../../src/store/audit/audit-log.ts';
import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import { openRemediationStore } from '../../src/store/remediation/remediation-store.ts';
import { connectBlocking } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { audit } from '../../src/cli/audit.ts';
import { unfreeze } from '../../src/cli/freeze.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { readSavedRedis, restoreRedis, type SavedRedis, streamIn } from '../world/saved-redis.ts';
import {
  ADA,
  GRACE,
  INCIDENT,
  KATE,
  openToAll,
  PLATFORM,
  PLATFORM_TEAM,
  setStage,
  type Stage,
  TOKENS,
} from './harness.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import { THINGS, upgradeChecks, type UpgradeLab } from './upgrade-lab.ts';

/**
 * This version continues with the data that version 0.2 left in Redis. The first line of the file describes
 * that data.
 */
const SAVED = resolve(import.meta.dirname, '../world/redis-0.2.jsonl');
/** Things that were repaired when the file was saved. */
const REPAIRED = ['gear', 'filter', 'hose'];
type Thing = (typeof THINGS)[number];

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });
const WAIT = { timeout: MAX_WORLD_WAIT_MS, timeoutMs: MAX_WORLD_WAIT_MS };

let saved: SavedRedis;
let stage: Stage;
let redis: Redis;
let lab: UpgradeLab;
/** Ids of the remediations by their target. */
let ids: ReadonlyMap<string, string>;
/** Where the messages of 0.2 are, by their `ts` in the file. */
let tsNow: ReadonlyMap<string, string>;
/** A copy of the audit (`audit.copyTo`) with the entries of 0.2. */
let copy: string;

beforeAll(async () => {
  saved = await readSavedRedis(SAVED);
  ids = new Map(
    saved.keys.flatMap(({ key, stored }) => {
      if (!/:remediation:m/.test(key) || stored.type !== 'hash') return [];
      const { id, params } = JSON.parse(stored.value['record'] ?? '') as RemediationRecord;
      return [[(params as { thing: string }).thing, id] as const];
    }),
  );
});
beforeEach(() => {
  lab = {
    broken: new Set(THINGS.filter((thing) => !REPAIRED.includes(thing))),
    applied: [],
    planSuffix: {},
  };
});
afterEach(async () => {
  redis.disconnect();
  await stage.close();
  await rm(dirname(copy), { recursive: true });
});

/** Redis and Slack as 0.2 left them `elapsedMs` ago. */
async function restore({ elapsedMs = 0, approveWithinMinutes = 15 } = {}): Promise<void> {
  copy = join(await mkdtemp(join(tmpdir(), 'wrench-upgrade-')), 'audit.jsonl');
  await writeFile(
    copy,
    savedAudit()
      .map((line) => `${line}\n`)
      .join(''),
  );
  stage = await setStage({
    delivery: 'socket',
    catalogue: makeCatalogue(upgradeChecks(lab)),
    config: {
      roles: { requester: [ADA, PLATFORM_TEAM], approver: [ADA, KATE, PLATFORM_TEAM], auditor: [] },
      remediations: {
        ...openToAll.remediations,
        destructive: ['lab/things:drain'],
        approveWithinMinutes,
        membershipSeconds: 86_400,
      },
      audit: { copyTo: copy },
    },
  });
  redis = connectBlocking(stage.redis, () => undefined) as Redis;
  tsNow = await postSaved();
  const edit = (text: string) => text.replaceAll(/\b\d{10}\.\d{6}\b/g, (ts) => tsNow.get(ts) ?? ts);
  await restoreRedis(redis, saved, { elapsedMs, edit });
  vi.stubEnv('REDIS_URL', stage.redis.url);
  const config = join(dirname(copy), 'wrench.yaml');
  await writeFile(
    config,
    JSON.stringify({ environments: { prod: { sources: [] } }, audit: { copyTo: copy } }),
  );
  vi.stubEnv('WRENCH_CONFIG', config);
  vi.stubEnv('WRENCH_DATA', stage.redis.folder);
}

async function postSaved(): Promise<ReadonlyMap<string, string>> {
  const slack = new WebClient(TOKENS.bot, { slackApiUrl: stage.workspace.apiUrl });
  const posted = new Map<string, string>();
  for (const { channel, ts, threadTs, text, blocks = [] } of saved.messages) {
    const thread = threadTs === undefined ? undefined : posted.get(threadTs);
    const message = await slack.chat.postMessage({
      channel,
      text,
      ...(blocks.length > 0 && { blocks }),
      ...(thread !== undefined && { thread_ts: thread }),
    });
    posted.set(ts, String(message.ts));
  }
  return posted;
}

/** `wrench audit …`, `wrench unfreeze`. */
async function wrench(verb: 'audit' | 'unfreeze', ...words: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const terminal = {
    print: async (text: string) => void (stdout += text),
    out: (text: string) => void (stdout += text),
    error: (text: string) => void (stderr += text),
  };
  const exitCode = await { audit, unfreeze }[verb](words, terminal);
  return { exitCode, stdout, stderr };
}

const idOf = (thing: Thing): string => ids.get(thing) ?? '';

async function read(thing: Thing): Promise<RemediationRecord> {
  const remembered = await openRemediationStore(redis, PREFIX).read(idOf(thing));
  if (!remembered) throw new Error(`the fix of ${thing} is not stored`);
  return remembered.record;
}

async function becomes(thing: Thing, state: string): Promise<void> {
  await expect.poll(async () => (await read(thing)).state, WAIT).toBe(state);
}

const thread = (): readonly Message[] => {
  const [root] = stage.workspace.messages(INCIDENT);
  return root ? stage.workspace.thread(INCIDENT, root.ts) : [];
};

/** The only card of a fix, once it shows `word`. */
async function card(thing: Thing, word: string): Promise<Message> {
  const isAbout = ({ text }: Message) => new RegExp(`(Mend|Drain|Soak) ${thing}\\b`).test(text);
  const isCard = (message: Message) =>
    isAbout(message) &&
    message.threadTs !== undefined &&
    !message.text.startsWith('Fixes') &&
    // What notifies people is one line.
    message.text.includes('\n');
  const shown = await stage.workspace.waitFor(
    () => thread().find((message) => isCard(message) && message.text.includes(word)),
    WAIT,
  );
  expect(thread().filter(isCard)).toHaveLength(1);
  return shown;
}

/** The location of a fix's card from 0.2. */
function savedCard(thing: Thing): string | undefined {
  const old = saved.messages.find(({ text }) =>
    new RegExp(`· (Mend|Drain|Soak) ${thing} in prod`).test(text),
  );
  return old && tsNow.get(old.ts);
}

async function press(userId: string, action: 'request' | 'approve' | 'reject' | 'look', thing: Thing) {
  const { planHash } = await read(thing);
  const id = idOf(thing);
  const value = action === 'request' || action === 'look' ? id : `${id} ${planHash}`;
  const message = await stage.workspace.waitFor(
    () =>
      thread().find(({ blocks }) => {
        const text = JSON.stringify(blocks ?? []);
        return text.includes(`"wrench:${action}"`) && text.includes(value);
      }),
    WAIT,
  );
  const click = { userId, channelId: INCIDENT, messageTs: message.ts, actionId: `wrench:${action}`, value };
  await stage.workspace.click(click);
}

/** The kinds of the audit entries about a fix that this version added. */
async function auditedNow(thing: Thing): Promise<readonly string[]> {
  const { stdout } = await wrench('audit', 'export');
  const entries = stdout.trimEnd().split('\n').slice(savedAudit().length);
  return entries
    .map((line) => (JSON.parse(line) as AuditEntry).entry)
    .filter(({ remediation }) => remediation === idOf(thing))
    .map(({ kind, outcome }) => outcome ?? kind);
}

const savedAudit = () => streamIn(saved, `${PREFIX}:audit`);

const problemsInLog = () => stage.log.filter((line) => /"level":(50|60)/.test(line));

test('the audit of 0.2 verifies and is read completely, and this version appends to it', async () => {
  await restore();

  const before = await wrench('audit', 'verify');
  const exported = await wrench('audit', 'export');
  const shown = await wrench('audit');
  expect(before).toMatchObject({ exitCode: 0 });
  expect(before.stdout).toContain(`Its end matches the copy ${copy}`);
  expect(await wrench('audit', 'verify', '--file', copy)).toMatchObject({ exitCode: 0 });
  expect(before.stdout).toContain(`The audit is intact: ${savedAudit().length} entries`);
  expect(exported.stdout).toBe(`${savedAudit().join('\n')}\n`);
  const kinds = new Set(savedAudit().map((line) => (JSON.parse(line) as AuditEntry).entry.kind));
  expect(kinds.size).toBe(12);
  expect(shown.stderr).toBe('');
  expect(shown.stdout).toContain(`${savedAudit().length} entries`);

  await wrench('unfreeze');
  await openAuditLog(redis, PREFIX).append({
    kind: 'refused',
    at: new Date().toISOString(),
    who: [KATE],
    what: '/lab things in prod',
  });
  const after = await wrench('audit', 'verify');
  expect(after).toMatchObject({ exitCode: 0 });
  expect(after.stdout).toContain(`The audit is intact: ${savedAudit().length + 2} entries`);
});

test('fixes and checks that 0.2 started end once, on the cards that 0.2 posted', async () => {
  await restore();
  await wrench('unfreeze');
  await stage.startWorker();
  await stage.startBot();

  // Being applied or verified: their worker was lost.
  await becomes('motor', 'interrupted');
  await becomes('crank', 'interrupted');
  await becomes('belt', 'unverified');
  // Approved: applied, unless the text of the plan has changed since.
  await becomes('valve', 'fixed');
  await becomes('fan', 'skipped');
  // A plan was requested, or waits for its first or second approval.
  await becomes('press', 'planned');
  await press(GRACE, 'approve', 'press');
  await press(GRACE, 'approve', 'pump');
  await press(KATE, 'approve', 'tank');
  // Offered.
  await press(ADA, 'request', 'lamp');
  await becomes('lamp', 'planned');
  await press(GRACE, 'reject', 'lamp');
  for (const thing of ['press', 'pump', 'tank'] as const) await becomes(thing, 'fixed');
  await becomes('lamp', 'rejected');

  const ends = {
    motor: 'INTERRUPTED',
    crank: 'INTERRUPTED',
    belt: 'UNVERIFIED',
    valve: 'FIXED',
    fan: 'SKIPPED',
    press: 'FIXED',
    pump: 'FIXED',
    tank: 'FIXED',
  } as const;
  for (const [thing, word] of Object.entries(ends) as [Thing, string][])
    expect((await card(thing, word)).ts).toBe(savedCard(thing));
  await card('lamp', 'REJECTED');
  expect(lab.applied.toSorted()).toEqual(['press', 'pump', 'tank', 'valve']);

  lab.broken.delete('belt');
  await press(ADA, 'look', 'belt');
  await card('belt', 'FIXED');
  expect(
    await Promise.all((['motor', 'belt', 'valve', 'fan', 'pump', 'tank'] as const).map(auditedNow)),
  ).toEqual([
    ['interrupted'],
    ['unverified', 'fixed'],
    ['applying', 'applied', 'fixed'],
    ['skipped'],
    ['approved', 'applying', 'applied', 'fixed'],
    ['approved', 'applying', 'applied', 'fixed'],
  ]);

  // Checks that ran or waited, and the report that waited to be posted.
  const answered = (channelId: string, text: string, count: number) =>
    stage.workspace.waitFor(
      () =>
        stage.workspace.messages(channelId).filter((message) => message.text.includes(text)).length === count,
      WAIT,
    );
  await answered(INCIDENT, 'Slow, but fine', 1);
  await answered(PLATFORM, 'Slow, but fine', 3);
  await answered(PLATFORM, 'things are broken', 1);
  for (const queue of ['checks', 'remediations', 'outbox'])
    for (const state of ['wait', 'active']) {
      const jobs = () => redis.llen(`${PREFIX}:${queue}:${state}`);
      await expect.poll(jobs, WAIT).toBe(0);
    }
  await expect.poll(() => redis.zcard(`${PREFIX}:remediations:due`), WAIT).toBe(0);
  expect(await redis.zcard(`${PREFIX}:remediations:failed`)).toBe(3);
  expect(await redis.zcard(`${PREFIX}:checks:failed`)).toBe(0);
  expect(await redis.zcard(`${PREFIX}:outbox:failed`)).toBe(0);
  expect(problemsInLog()).toEqual([]);
  // The copy continues where that of 0.2 ended.
  const { stdout: exported } = await wrench('audit', 'export');
  await expect.poll(() => readFile(copy, 'utf8'), WAIT).toBe(exported);
  expect(await wrench('audit', 'verify')).toMatchObject({ exitCode: 0 });
});

test('fixes of 0.2 that are older than an approval lasts end without being applied', async () => {
  await restore({ elapsedMs: 20 * 60_000, approveWithinMinutes: 1 / 60 });
  await wrench('unfreeze');
  await stage.startWorker();
  await stage.startBot();

  for (const thing of ['press', 'pump', 'tank', 'valve', 'fan'] as const) {
    await becomes(thing, 'expired');
    expect((await card(thing, 'EXPIRED')).ts).toBe(savedCard(thing));
  }
  await becomes('motor', 'interrupted');
  await becomes('crank', 'interrupted');
  await becomes('belt', 'unverified');
  expect(lab.applied).toEqual([]);
  expect(problemsInLog()).toEqual([]);
  expect(await wrench('audit', 'verify')).toMatchObject({ exitCode: 0 });
});

test('a command that 0.2 answered with a running check gets the same response when it is delivered again', async () => {
  await restore();
  await stage.startBot();

  await stage.workspace.command({
    userId: KATE,
    channelId: INCIDENT,
    command: '/lab',
    text: 'slow 1',
    triggerId: '1111111111.2222222222.kate',
  });

  const [answer] = await stage.workspace.waitFor(() => {
    const answers = stage.workspace.ephemerals(KATE, INCIDENT);
    return answers.length > 0 && answers;
  }, WAIT);
  expect(answer?.text).toContain(`<@${ADA}>`);
  expect(await redis.llen(`${PREFIX}:checks:active`)).toBe(3);
  expect(await redis.llen(`${PREFIX}:checks:wait`)).toBe(1);
});
