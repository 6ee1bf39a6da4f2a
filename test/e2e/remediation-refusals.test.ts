import { afterEach, expect, test } from 'vitest';
import type { Config } from '../../src/config/read-config.ts';
import { openAuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';
import { openFreeze } from '../../src/store/remediation/freeze.ts';
import {
  openRemediationStore,
  type RemediationStore,
} from '../../src/store/remediation/remediation-store.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, KATE, openToAll, PLATFORM_TEAM, setStage, type Stage } from './harness.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import { type FakeSystem, makeFixableCheck, makeFakeSystem } from '../world/fake-system.ts';

let stage: Stage;
let system: FakeSystem;
let redis: RedisConnection;
afterEach(async () => {
  redis.disconnect();
  await stage.close();
});

interface Options {
  readonly risk?: 'safe' | 'disruptive' | 'destructive';
  readonly things?: readonly string[];
  readonly remediations?: Partial<Config['remediations']>;
  readonly roles?: Partial<Config['roles']>;
  readonly worker?: boolean;
}

async function start({
  risk = 'disruptive',
  things = ['pump'],
  remediations,
  roles,
  worker = true,
}: Options = {}) {
  system = makeFakeSystem(things);
  const config = {
    remediations: { ...openToAll.remediations, ...remediations },
    roles: { ...openToAll.roles, ...roles },
  };
  stage = await setStage({
    delivery: 'http',
    catalogue: makeCatalogue({ things: makeFixableCheck(system, risk) }),
    config,
  });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  const role = worker ? await stage.startWorker() : undefined;
  await stage.startBot();
  return role;
}

/** Sentences begin with a capital. */
const saysSo = (text: string, words: string) => text.toLowerCase().includes(words.toLowerCase());
const thread = (at = 0): readonly Message[] => {
  const root = stage.workspace.messages(INCIDENT)[at];
  return root ? stage.workspace.thread(INCIDENT, root.ts) : [];
};
const buttonsOf = ({ blocks }: Message): readonly { action_id: string; value: string }[] => {
  const found: { action_id: string; value: string }[] = [];
  JSON.stringify(blocks ?? [], (_, value: unknown) => {
    if (value !== null && typeof value === 'object' && 'action_id' in value) found.push(value as never);
    return value;
  });
  return found;
};
const valueOf = (message: Message): string => buttonsOf(message)[0]?.value ?? '';
const eventually = <T>(find: () => T | undefined) => stage.workspace.waitFor(find);
const card = (word: string, at = 0) => eventually(() => thread(at).find(({ text }) => text.includes(word)));
const offers = (at = 0) =>
  eventually(() =>
    thread(at).find((one) => buttonsOf(one).some(({ action_id }) => action_id === 'wrench:request')),
  );
const privateReply = (userId: string, words: string) =>
  eventually(() => stage.workspace.ephemerals(userId, INCIDENT).find(({ text }) => saysSo(text, words)));
const memory = (): RemediationStore => openRemediationStore(redis, PREFIX);

async function ask(): Promise<void> {
  await stage.workspace.command({
    userId: ADA,
    channelId: INCIDENT,
    command: '/lab',
    text: `things ${Math.random()}`,
  });
}

/** Clicks a button of a message; `value` picks one, or is forged. */
async function press(userId: string, message: Message, button: string, value?: string, evenIfGone = false) {
  await stage.workspace.click({
    userId,
    channelId: INCIDENT,
    messageTs: message.ts,
    actionId: `wrench:${button}`,
    ...(value !== undefined && { value }),
    ...(evenIfGone && { evenIfGone }),
  });
}

async function plan(at = 0): Promise<Message> {
  await ask();
  await press(ADA, await offers(at), 'request');
  return card('PLAN ·', at);
}

/** Every audit entry, as `kind because`. */
async function audited(): Promise<readonly string[]> {
  const page = await openAuditLog(redis, PREFIX).page();
  return page
    .map(({ raw }) => parseEntry(raw)?.entry)
    .map((entry) => [entry?.kind, entry?.because].filter(Boolean).join(' '));
}

test('a forged value, or one of another card, does nothing and is audited', async () => {
  await start({ things: ['pump', 'fan'] });
  await ask();
  const list = await offers();
  const [pump = '', fan = ''] = buttonsOf(list).map(({ value }) => value);
  await press(ADA, list, 'request', pump);
  const first = await card('PLAN ·');
  await press(ADA, list, 'request', fan);
  await eventually(() => thread().filter(({ text }) => text.includes('PLAN ·')).length === 2 || undefined);
  const second = thread().find((one) => one.text.includes('PLAN ·') && one.ts !== first.ts);
  const [approveSecond] = second ? buttonsOf(second) : [];

  await press(GRACE, first, 'approve', approveSecond?.value, true);
  await privateReply(GRACE, 'belongs to another message');
  await press(GRACE, first, 'approve', `m${'0'.repeat(16)} ${'0'.repeat(64)}`, true);
  await privateReply(GRACE, 'never offered');
  await press(GRACE, first, 'approve', 'nonsense', true);
  await privateReply(GRACE, "this isn't a button of Wrench");

  expect(system.applied).toEqual([]);
  const refused = (await audited()).filter((line) => line.startsWith('refused'));
  expect(refused).toHaveLength(3);
});

test('repeated refused clicks are summed up in the audit, and get no response after a while', async () => {
  await start();
  await ask();
  const list = await offers();

  for (let number = 1; number <= 33; number++) await press(KATE, list, 'request', 'nonsense', true);

  const [counts, ends] = [`${PREFIX}:refusals`, `${PREFIX}:refusals:ends`];
  await expect.poll(() => redis.hget(counts, KATE)).toBe('33');
  const said = () => stage.workspace.ephemerals(KATE, INCIDENT).map(({ text }) => text);
  await expect.poll(() => said().length).toBe(30);
  expect(said().filter((text) => text.includes("Wrench won't reply to refused clicks"))).toHaveLength(1);
  expect(await audited()).toEqual(Array.from({ length: 5 }, () => "refused this isn't a button of Wrench"));

  // The bot sums up an ended window the next time it finds it.
  await redis.zadd(ends, 'XX', 1, KATE);
  await expect.poll(audited).toHaveLength(6);
  const [, sum] = await redis.xrevrange(`${PREFIX}:audit`, '+', '-', 'COUNT', 1).then(([last]) => last ?? []);
  expect(JSON.parse(sum?.[1] ?? '{}')).toMatchObject({ entry: { who: [KATE], count: 28 } });
  expect(said()).toHaveLength(30);
});

test('a card of an old plan cannot approve anything', async () => {
  await start();
  const shown = await plan();
  const value = valueOf(shown);
  const other = `${value.split(' ')[0]} ${'a'.repeat(64)}`;

  await press(GRACE, shown, 'approve', other, true);

  await privateReply(GRACE, 'this card shows a different plan');
  expect(system.applied).toEqual([]);
});

test('an approval does not count if its author leaves the group before the fix is applied', async () => {
  const worker = await start();
  const shown = await plan();
  const value = valueOf(shown);
  await worker?.close();
  await press(GRACE, shown, 'approve');
  await card('APPROVED');
  stage.workspace.setGroup(PLATFORM_TEAM, []);
  // The bot looks up groups again at every click.
  await new Promise((resolve) => setTimeout(resolve, 5_100));
  await press(KATE, shown, 'reject', value, true);
  await expect.poll(audited).toContainEqual(expect.stringMatching('refused reject: needs the'));

  await stage.startWorker();

  const refused = await card('REFUSED');
  expect(refused.text).toContain('role');
  expect(system.applied).toEqual([]);
});

test.each([
  ['a guest', { isRestricted: true }, 'guests'],
  ['a single-channel guest', { isUltraRestricted: true }, 'guests'],
  ['a deactivated account', { isDeleted: true }, 'deactivated'],
  ['a member of another workspace', { teamId: 'T0999OTHER' }, 'other workspaces'],
] as const)('%s may not approve, whatever groups include them', async (_, change, words) => {
  await start();
  const shown = await plan();
  stage.workspace.setUser(GRACE, change);

  await press(GRACE, shown, 'approve');

  await expect.poll(audited).toContainEqual(expect.stringMatching(`refused approve: .*${words}`));
  expect(system.applied).toEqual([]);
});

test('a plan that no one approves expires automatically, and its card says so', async () => {
  await start({ remediations: { approveWithinMinutes: 1 / 60 } });
  await ask();
  await press(ADA, await offers(), 'request');

  // On a slow machine the card may first be shown after it has expired.
  const expired = await card('EXPIRED');

  expect(thread().filter(({ text }) => /PLAN ·|EXPIRED/.test(text))).toHaveLength(1);
  expect(buttonsOf(expired)).toEqual([]);
  const [planned] = await memory().listByRun(await runId());
  await press(GRACE, expired, 'approve', `${planned?.id} ${planned?.planHash}`, true);
  await privateReply(GRACE, 'it has expired');
  expect(system.applied).toEqual([]);
});

test('an approval that no worker picks up in time expires', async () => {
  const worker = await start({ remediations: { applyWithinSeconds: 1 } });
  const shown = await plan();
  await worker?.close();
  await press(GRACE, shown, 'approve');
  await card('APPROVED');
  await new Promise((resolve) => setTimeout(resolve, 1_200));

  await stage.startWorker();

  await card('EXPIRED');
  expect(system.applied).toEqual([]);
});

test('clicks while a slow fix is being applied change nothing', async () => {
  await start();
  const gate = Promise.withResolvers<void>();
  system.beforeApply = () => gate.promise;
  const shown = await plan();
  const value = valueOf(shown);
  await press(GRACE, shown, 'approve');
  const applying = await card('APPLYING');

  await press(GRACE, applying, 'approve', value, true);
  await privateReply(GRACE, "it's being applied");
  await press(ADA, applying, 'reject', value, true);
  await privateReply(ADA, "it's being applied");
  gate.resolve();

  await card('FIXED');
  expect(system.applied).toHaveLength(1);
});

test('a fix that is not configured has no button, and a click that forges one is refused', async () => {
  await start({ risk: 'destructive' });
  await ask();
  const shown = await eventually(() =>
    thread().find(({ blocks }) => JSON.stringify(blocks ?? '').includes('remediations.destructive')),
  );
  expect(buttonsOf(shown).map(({ action_id }) => action_id)).not.toContain('wrench:request');
  const [offered] = await memory().listByRun(await runId());

  await press(ADA, shown, 'request', offered?.id, true);

  await expect.poll(audited).toEqual([expect.stringContaining("refused request: it's destructive")]);
});

test('two required approvals must come from two people other than the requester', async () => {
  await start({
    risk: 'destructive',
    remediations: { destructive: ['lab/things:mend'] },
    roles: { approver: [ADA, GRACE, KATE] },
  });
  const shown = await plan();
  await press(GRACE, shown, 'approve');
  await card('1 of 2');
  await press(GRACE, shown, 'approve');
  await privateReply(GRACE, 'you already approved it');
  await expect.poll(audited).toContainEqual(expect.stringContaining('this person already approved it'));
  expect(system.applied).toEqual([]);

  await press(KATE, shown, 'approve');

  await card('FIXED');
  expect(system.applied).toHaveLength(1);
});

test('if two people approve at the same moment, one of them three times, the fix is applied once', async () => {
  await start({ roles: { approver: [ADA, GRACE, KATE] } });
  const shown = await plan();

  await Promise.all(
    [GRACE, KATE, GRACE, GRACE].map((userId) => press(userId, shown, 'approve', undefined, true)),
  );

  await card('FIXED');
  expect(system.applied).toHaveLength(1);
  expect((await audited()).filter((line) => line === 'applying')).toHaveLength(1);
});

test('an offer that three people click at once is planned once', async () => {
  await start({ roles: { requester: [ADA, GRACE, KATE] } });
  await ask();
  const list = await offers();

  await Promise.all([ADA, GRACE, KATE].map((userId) => press(userId, list, 'request', undefined, true)));

  await card('PLAN ·');
  expect((await audited()).filter((line) => line.startsWith('asked'))).toHaveLength(1);
  expect((await audited()).filter((line) => line.startsWith('refused'))).toHaveLength(2);
});

test('the same click delivered four times counts once', async () => {
  await start();
  await ask();
  stage.workspace.faults.deliverTimes(4);
  await press(ADA, await offers(), 'request');
  const shown = await card('PLAN ·');

  await press(GRACE, shown, 'approve');

  await card('FIXED');
  expect(system.applied).toHaveLength(1);
});

test('a rejected plan stays rejected, and the audit names who voted', async () => {
  await start();
  const shown = await plan();
  const value = valueOf(shown);
  await press(GRACE, shown, 'reject');
  const rejected = await card('REJECTED');

  await press(GRACE, rejected, 'approve', value, true);

  await privateReply(GRACE, 'it was rejected');
  expect(system.applied).toEqual([]);
  const page = await openAuditLog(redis, PREFIX).page();
  const entry = page.map(({ raw }) => parseEntry(raw)?.entry).find((one) => one?.kind === 'rejected');
  expect(entry?.who).toEqual([GRACE]);
});

test('while fixes are frozen nothing is planned, approved or applied', async () => {
  const worker = await start();
  const shown = await plan();
  const freeze = openFreeze(redis, PREFIX);
  await worker?.close();
  await press(GRACE, shown, 'approve');
  await card('APPROVED');
  await freeze.freeze({ by: ADA, at: new Date().toISOString(), because: 'migration' });

  await stage.startWorker();

  const refused = await card('REFUSED');
  expect(refused.text).toContain('frozen');
  expect(system.applied).toEqual([]);
});

test('a finding that disappeared is not fixed', async () => {
  await start();
  const shown = await plan();
  system.broken.clear();

  await press(GRACE, shown, 'approve');

  const skipped = await card('SKIPPED');
  expect(skipped.text).toContain('All 3 things are healthy');
  expect(system.applied).toEqual([]);
});

test('a plan that has changed since its approval is not applied', async () => {
  await start();
  const shown = await plan();
  system.version = '2';

  await press(GRACE, shown, 'approve');

  const skipped = await card('SKIPPED');
  expect(skipped.text).toContain('(version: 1 -&gt; 2)');
  expect(system.applied).toEqual([]);
});

test('an unreachable source does not count as fixed: nothing is applied, and an applied fix is not verified', async () => {
  await start();
  const shown = await plan();
  system.unreachable = 'the system does not respond';
  await press(GRACE, shown, 'approve');
  await card('SKIPPED');
  expect(system.applied).toEqual([]);
  delete system.unreachable;

  const again = await plan(1);
  system.beforeApply = async () => {
    system.unreachable = 'the system does not respond';
  };
  await press(GRACE, again, 'approve');

  const open = await card('UNVERIFIED', 1);
  expect(system.applied).toHaveLength(1);
  delete system.unreachable;
  await press(ADA, open, 'look');
  await card('FIXED', 1);
  expect(system.applied).toHaveLength(1);
});

test('a target has one remediation at a time', async () => {
  await start();
  await plan();
  await ask();
  await press(ADA, await offers(1), 'request');

  const refused = await card('REFUSED', 1);

  expect(refused.text).toContain('nother fix for the same target');
});

test('the fixes of one report are limited to the configured number', async () => {
  await start({ risk: 'safe', things: ['pump', 'fan'], remediations: { perRun: 1 } });
  await ask();
  const list = await offers();
  const [pump = '', fan = ''] = buttonsOf(list).map(({ value }) => value);
  await press(ADA, list, 'request', pump);
  await card('FIXED');

  await press(ADA, list, 'request', fan, true);

  const refused = await card('REFUSED');
  expect(refused.text).toContain('allows 1 fix per report');
  expect(system.applied).toHaveLength(1);
});

test('a safe fix needs one click by someone who may run the check, and is still checked again', async () => {
  await start({ risk: 'safe' });
  await ask();

  await press(ADA, await offers(), 'request');

  await card('FIXED');
  expect(system.applied).toHaveLength(1);
  expect((await audited()).map((line) => line.split(' ')[0])).toEqual([
    'asked',
    'planned',
    'approved',
    'applying',
    'applied',
    'outcome',
  ]);
});

test('a worker stopped in the middle of a fix leaves "interrupted", and the fix is not retried', async () => {
  const worker = await start();
  system.beforeApply = (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  const shown = await plan();
  await press(GRACE, shown, 'approve');
  await card('APPLYING');

  await worker?.close();
  delete system.beforeApply;
  await stage.startWorker();

  const interrupted = await card('INTERRUPTED');
  expect(system.applied).toEqual([]);
  system.broken.clear();
  await press(ADA, interrupted, 'look');
  await card('FIXED');
  expect(system.applied).toEqual([]);
});

async function runId(): Promise<string> {
  const keys = await redis.keys(`${PREFIX}:remediations-of:*`);
  return keys[0]?.split(':').at(-1) ?? '';
}
