import { afterEach, expect, test } from 'vitest';
import type { Config } from '../../src/config/read-config.ts';
import { openAuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, KATE, openToAll, setStage, type Stage } from './harness.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import { type FakeSystem, makeFixableCheck, makeFakeSystem } from '../world/fake-system.ts';

const ORGANIZATION = { id: 'E0123ORG', name: 'Demo organization' };

let stage: Stage;
let system: FakeSystem;
let redis: RedisConnection;
afterEach(async () => {
  redis.disconnect();
  await stage.close();
});

interface Options {
  readonly risk?: 'safe' | 'disruptive';
  readonly remediations?: Partial<Config['remediations']>;
  readonly isOrgWide?: boolean;
  readonly delivery?: 'http' | 'socket';
}

async function start({
  risk = 'disruptive',
  remediations,
  isOrgWide = false,
  delivery = 'http',
}: Options = {}): Promise<void> {
  system = makeFakeSystem(['pump']);
  stage = await setStage({
    delivery,
    catalogue: makeCatalogue({ things: makeFixableCheck(system, risk) }),
    config: {
      roles: { requester: [ADA, GRACE], approver: [ADA, GRACE], auditor: [] },
      remediations: { ...openToAll.remediations, ...remediations },
    },
    ...(isOrgWide && { enterprise: ORGANIZATION }),
  });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await stage.startWorker();
  await stage.startBot();
}

const thread = (): readonly Message[] => {
  const [root] = stage.workspace.messages(INCIDENT);
  return root ? stage.workspace.thread(INCIDENT, root.ts) : [];
};
const has = ({ blocks }: Message, button: string) =>
  JSON.stringify(blocks ?? []).includes(`"wrench:${button}"`);
const offers = () => stage.workspace.waitFor(() => thread().find((one) => has(one, 'request')));
const card = (word: string) =>
  stage.workspace.waitFor(() => thread().find(({ text }) => text.includes(word)));
const privateReply = (userId: string, words: RegExp) =>
  stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(userId, INCIDENT).find(({ text }) => words.test(text)),
  );
const ask = () =>
  stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'things' });

type Pressing = Pick<Parameters<Stage['workspace']['click']>[0], 'changed' | 'actionTs'>;

const press = (userId: string, message: Message, button: string, how: Pressing = {}) =>
  stage.workspace.click({
    userId,
    channelId: INCIDENT,
    messageTs: message.ts,
    actionId: `wrench:${button}`,
    ...how,
  });

async function audited(kind: string) {
  const page = await openAuditLog(redis, PREFIX).page();
  return page.map(({ raw }) => parseEntry(raw)?.entry).filter((entry) => entry?.kind === kind);
}

const secondsAgo = (seconds: number) => (Date.now() / 1_000 - seconds).toFixed(6);

test.each([
  [
    'that is 12 minutes old',
    { actionTs: secondsAgo(720) },
    /reached Wrench 12 minutes late, so nothing was done. Click again/,
  ],
  ['that is dated in the future', { actionTs: secondsAgo(-720) }, /dated 12 minutes in the future/],
  ['without a time', { actionTs: '' }, /has no valid time/],
  ['with an invalid time', { actionTs: 'yesterday' }, /has no valid time/],
  [
    'of another workspace',
    { changed: { team: { id: 'T0999OTHER', domain: 'other' } } },
    /is installed in another workspace/,
  ],
  ['without a workspace', { changed: { team: null } }, /is installed in another workspace/],
  [
    'by a member of another workspace in a shared channel',
    { changed: { user: { id: ADA, name: 'ada', team_id: 'T0999OTHER' } } },
    /people from other workspaces/i,
  ],
] as const)('a click %s is refused with a private reason and audited', async (_, how, words) => {
  await start();
  await ask();
  const list = await offers();

  await press(ADA, list, 'request', how);

  await privateReply(ADA, words);
  await expect.poll(() => audited('refused')).toHaveLength(1);
  expect(await audited('asked')).toEqual([]);
  await press(ADA, await offers(), 'request');
  await card('PLAN ·');
});

test('an old click that Slack delivers several times is refused once', async () => {
  await start();
  await ask();
  const list = await offers();
  stage.workspace.faults.deliverTimes(3);

  await press(ADA, list, 'request', { actionTs: secondsAgo(720) });

  await privateReply(ADA, /12 minutes late/);
  stage.workspace.faults.deliverTimes(1);
  await press(ADA, list, 'request');
  await card('PLAN ·');
  expect(await audited('refused')).toHaveLength(1);
});

test('in an organization-wide installation members of any of its workspaces may request and approve, and others may not', async () => {
  await start({ isOrgWide: true });
  stage.workspace.setUser(ADA, { teamId: 'T0123EAST', enterpriseId: ORGANIZATION.id });
  stage.workspace.setUser(GRACE, { teamId: 'T0999OTHER', enterpriseId: 'E0999OTHER' });
  await ask();
  await press(ADA, await offers(), 'request');
  const plan = await card('PLAN ·');

  await press(GRACE, plan, 'approve');
  await privateReply(GRACE, /people from other workspaces/i);
  stage.workspace.setUser(GRACE, { teamId: 'T0123WEST' });
  await press(GRACE, plan, 'approve', { changed: { enterprise: { id: 'E0999OTHER', name: 'Other' } } });
  await privateReply(GRACE, /is installed in another workspace/);
  expect(system.applied).toEqual([]);
  stage.workspace.setUser(GRACE, { enterpriseId: ORGANIZATION.id });
  await press(GRACE, plan, 'approve');

  await card('FIXED');
  expect(system.applied).toHaveLength(1);
});

const viewOf = (userId: string) => stage.workspace.waitFor(() => stage.workspace.views(userId)[0]);

async function submit(userId: string, reason: string, changed?: Readonly<Record<string, unknown>>) {
  const { id } = await viewOf(userId);
  return stage.workspace.submit({
    userId,
    viewId: id,
    values: { reason: { text: reason } },
    ...(changed && { changed }),
  });
}

test.each(['http', 'socket'] as const)(
  'over %s, with required reasons, requesting and approving open a form, and the card and the audit show the reasons',
  async (delivery) => {
    await start({ remediations: { requireReason: true }, delivery });
    await ask();

    await press(ADA, await offers(), 'request');
    const { view } = await viewOf(ADA);
    expect(JSON.stringify(view)).toContain('Mend pump');
    expect(await audited('asked')).toEqual([]);
    await submit(ADA, '  INC-42: <!channel> the pump *leaks* https://evil.example  ');

    const plan = await card('PLAN ·');
    expect(plan.notifies).not.toContain('@channel');
    expect(plan.links).toEqual([]);
    expect(JSON.stringify(plan.blocks)).toContain('INC-42: <!channel> the pump *leaks*');
    expect(plan.text).toContain('Reason: INC-42');
    expect(stage.workspace.views(ADA)).toEqual([]);

    await press(GRACE, plan, 'approve');
    await submit(GRACE, 'checked with the network team');

    const fixed = await card('FIXED');
    expect(JSON.stringify(fixed.blocks)).toContain('checked with the network team');
    expect(system.applied).toHaveLength(1);
    expect(await audited('asked')).toEqual([
      expect.objectContaining({
        who: [ADA],
        because: 'INC-42: <!channel> the pump *leaks* https://evil.example',
      }),
    ]);
    expect(await audited('approved')).toEqual([
      expect.objectContaining({ who: [GRACE], because: 'checked with the network team' }),
    ]);
  },
);

test('a safe fix records the reason of its requester, and a secret in a reason is redacted', async () => {
  await start({ risk: 'safe', remediations: { requireReason: true } });
  await ask();
  await press(ADA, await offers(), 'request');

  await submit(ADA, 'the token is xoxb-111111111111-222222222222-abcdefghijklmnopqrstuvwx');

  await card('FIXED');
  const [approved] = await audited('approved');
  expect(approved?.because).toMatch(/^the token is /);
  expect(JSON.stringify([approved, thread(), stage.log])).not.toContain('abcdefghijklmnopqrstuvwx');
});

const UNSEEN = String.fromCodePoint(0x20_0b).repeat(12);
test.each([
  '',
  'too short',
  '         a         ',
  'x'.repeat(501),
  UNSEEN,
  `ok${UNSEEN}`,
  String.fromCodePoint(0x28_00).repeat(12),
  '............',
])('a reason such as %j is returned to the form, which stays open', async (reason) => {
  await start({ remediations: { requireReason: true } });
  await ask();
  await press(ADA, await offers(), 'request');

  const { body } = await submit(ADA, reason);

  expect(body).toEqual({
    response_action: 'errors',
    errors: { reason: expect.stringMatching(/^Write at (least 10|most 500) characters\.$/) },
  });
  expect(await audited('asked')).toEqual([]);
  await submit(ADA, 'a reason that is long enough');
  await card('PLAN ·');
});

test('a submitted form gets every check of a click: role, message, plan, workspace, repetition', async () => {
  await start({ remediations: { requireReason: true } });
  await ask();
  await press(ADA, await offers(), 'request');
  stage.workspace.faults.deliverTimes(3);
  await submit(ADA, 'a reason that is long enough');
  stage.workspace.faults.deliverTimes(1);
  const plan = await card('PLAN ·');
  const reason = 'a reason that is long enough';
  const changedView = async (userId: string, change: Readonly<Record<string, unknown>>) => {
    const { view, id } = await viewOf(userId);
    const opened = JSON.parse(String(view['private_metadata'])) as Record<string, unknown>;
    const values = { reason: { text: { type: 'plain_text_input', value: reason } } };
    const metadata = JSON.stringify({ ...opened, ...change });
    return { view: { ...view, id, private_metadata: metadata, state: { values } } };
  };

  await press(KATE, plan, 'approve');
  await submit(KATE, reason);
  await privateReply(KATE, /You need the approver role/);
  await press(ADA, plan, 'approve');
  await privateReply(ADA, /someone else must/);
  expect(stage.workspace.views(ADA)).toEqual([]);
  for (const [change, words] of [
    [{ messageTs: '1.000001' }, /belongs to another message/],
    [{ channelId: 'C0123PLATFORM' }, undefined],
    [{ value: 'nonsense' }, /This isn't a button of Wrench/],
    [{ button: 'look' }, /This isn't a button of Wrench/],
  ] as const) {
    await press(GRACE, plan, 'approve');
    await submit(GRACE, reason, await changedView(GRACE, change));
    if (words) await privateReply(GRACE, words);
  }
  await press(GRACE, plan, 'approve');
  await submit(GRACE, reason, { team: { id: 'T0999OTHER' } });
  await privateReply(GRACE, /is installed in another workspace/);
  await expect.poll(() => audited('refused')).toHaveLength(7);
  expect(await audited('asked')).toHaveLength(1);
  expect(await audited('approved')).toEqual([]);
  expect(system.applied).toEqual([]);
});

test('a form that Slack does not open is reported, and nothing happens', async () => {
  await start({ remediations: { requireReason: true } });
  await ask();
  const list = await offers();
  stage.workspace.faults.serverError('views.open', { times: 1 });

  await press(ADA, list, 'request');

  await privateReply(ADA, /click again/);
  expect(await audited('asked')).toEqual([]);
  await press(ADA, list, 'request');
  await submit(ADA, 'a reason that is long enough');
  await card('PLAN ·');
});
