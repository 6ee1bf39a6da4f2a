import { afterEach, expect, test } from 'vitest';
import type { Config } from '../../src/config.ts';
import { openChain, parseEntry } from '../../src/memory/chain.ts';
import { connectPatiently, type RedisConnection } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, makeCatalogue, openToAll, setStage, type Stage } from './harness.ts';
import { type Lab, makeMendable, openLab } from './lab-remediation.ts';

const ORGANIZATION = { id: 'E0123ORG', name: 'Demo organization' };

let stage: Stage;
let lab: Lab;
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
  lab = openLab(['pump']);
  stage = await setStage({
    delivery,
    catalogue: makeCatalogue({ things: makeMendable(lab, risk) }),
    config: {
      roles: { requester: [ADA, GRACE], approver: [ADA, GRACE], auditor: [] },
      remediations: { ...openToAll.remediations, ...remediations },
    },
    ...(isOrgWide && { enterprise: ORGANIZATION }),
  });
  redis = connectPatiently({ url: stage.redis.url }, () => undefined);
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
const told = (userId: string, words: RegExp) =>
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
  const page = await openChain(redis, PREFIX).page();
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
  ['without a time', { actionTs: '' }, /does not say when it was made/],
  ['with a time that is none', { actionTs: 'yesterday' }, /does not say when it was made/],
  [
    'of another workspace',
    { changed: { team: { id: 'T0999OTHER', domain: 'other' } } },
    /belongs to another workspace/,
  ],
  ['without a workspace', { changed: { team: null } }, /belongs to another workspace/],
  [
    'by somebody of another workspace in a shared channel',
    { changed: { user: { id: ADA, name: 'ada', team_id: 'T0999OTHER' } } },
    /people of another workspace/i,
  ],
] as const)('a click %s does nothing, is audited, and the person gets the reason', async (_, how, words) => {
  await start();
  await ask();
  const list = await offers();

  await press(ADA, list, 'request', how);

  await told(ADA, words);
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

  await told(ADA, /12 minutes late/);
  stage.workspace.faults.deliverTimes(1);
  await press(ADA, list, 'request');
  await card('PLAN ·');
  expect(await audited('refused')).toHaveLength(1);
});

test('in an organization-wide installation people of any of its workspaces ask and approve, and others do not', async () => {
  await start({ isOrgWide: true });
  stage.workspace.setUser(ADA, { teamId: 'T0123EAST', enterpriseId: ORGANIZATION.id });
  stage.workspace.setUser(GRACE, { teamId: 'T0999OTHER', enterpriseId: 'E0999OTHER' });
  await ask();
  await press(ADA, await offers(), 'request');
  const plan = await card('PLAN ·');

  await press(GRACE, plan, 'approve');
  await told(GRACE, /people of another workspace/i);
  stage.workspace.setUser(GRACE, { teamId: 'T0123WEST' });
  await press(GRACE, plan, 'approve', { changed: { enterprise: { id: 'E0999OTHER', name: 'Other' } } });
  await told(GRACE, /belongs to another workspace/);
  expect(lab.deeds).toEqual([]);
  stage.workspace.setUser(GRACE, { enterpriseId: ORGANIZATION.id });
  await press(GRACE, plan, 'approve');

  await card('FIXED');
  expect(lab.deeds).toHaveLength(1);
});
