import { afterEach, beforeEach, expect, test } from 'vitest';
import { anOffer, OBSERVATION, PLAN, POLICY } from '../../../test/world/remediation.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { readEffects } from '../../../test/workspace/read-effects.ts';
import { startWorkspace, type Workspace } from '../../../test/workspace/start-workspace.ts';
import type { Policy } from '../../store/remediation/policy.ts';
import type { RemediationRecord } from '../../store/remediation/record.ts';
import { openRemediationStore } from '../../store/remediation/remediation-store.ts';
import { openDigests } from '../../store/digests/open-digests.ts';
import { openChannelOrder } from '../../store/thread/channel-order.ts';
import { openSavedReports } from '../../store/thread/saved-reports.ts';
import { openThreads } from '../../store/thread/threads.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import { RetryLater } from '../../queue/workers.ts';
import { makeLog } from '../../telemetry/log.ts';
import { makeMetrics } from '../../telemetry/metrics.ts';
import { cardPart } from './notify.ts';
import { handleOutboxJob } from './outbox.ts';
import { allowSlackUrls } from './response-url.ts';
import { makeSlackClient } from './slack-call.ts';

const CHANNEL = 'C0INCIDENT';
const [ADA, GRACE, KATE, IDA] = ['U0ADA', 'U0GRACE', 'U0KATE', 'U0IDA'] as const;
const [TEAM, LEADS] = ['S0TEAM', 'S0LEADS'] as const;

const server = useRedis();
let workspace: Workspace;
let posting: Parameters<typeof handleOutboxJob>[0];
let log: string[];
let members: Readonly<Record<string, readonly string[]>>;
/** The remediation in Redis. */
let fix: RemediationRecord;
let revision: number;

const runId = 'r0123456789abcdef';
const requested = { by: ADA, at: '2026-11-20T14:03:05.000Z' };
const offer = anOffer({ runId });
const inOneHour = () => new Date(Date.now() + 3_600_000).toISOString();
const aPlan = (changed: Partial<RemediationRecord> = {}): RemediationRecord => ({
  ...offer,
  state: 'planned',
  requested,
  plan: PLAN,
  planHash: 'a'.repeat(64),
  before: OBSERVATION,
  approvalsNeeded: 1,
  until: inOneHour(),
  ...changed,
});
const approved = (changed: Partial<RemediationRecord> = {}) =>
  aPlan({ state: 'approved', approvals: [{ by: GRACE, at: requested.at }], ...changed });

async function start(changed: Partial<Policy> = {}): Promise<void> {
  const policy: Policy = {
    ...POLICY,
    roles: { requester: [ADA], approver: [TEAM, ADA, KATE], auditor: [] },
    ...changed,
  };
  const redis = server.connect();
  const logger = makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } });
  posting = {
    client: makeSlackClient('xoxb-test', workspace.apiUrl, logger),
    remediations: {
      ...openRemediationStore(redis, '{test}'),
      read: async () => ({ record: fix, revision }),
      listByRun: async () => [fix],
      transition: async () => {
        fix = { ...fix, shownAt: fix.shownAt ?? new Date().toISOString() };
        return { kind: 'changed', record: fix, revision: ++revision };
      },
      markCardShown: async () => undefined,
    },
    policy,
    savedReports: openSavedReports(redis, '{test}'),
    threads: openThreads(redis, '{test}'),
    channelOrder: openChannelOrder(redis, '{test}'),
    dropsDuplicates: async () => false,
    isAnswerQueued: async () => false,
    membersOf: async (group) => members[group],
    clock: async () => Date.now(),
    digests: openDigests(redis, '{test}'),
    isSlackUrl: allowSlackUrls(workspace.apiUrl),
    metrics: makeMetrics(),
    log: logger,
  };
  fix = offer;
  await run({ kind: 'report', ...about(), report: REPORT });
}

beforeEach(async () => {
  log = [];
  revision = 0;
  members = { [TEAM]: [GRACE, ADA] };
  workspace = await startWorkspace({
    app: {
      delivery: 'socket',
      signingSecret: 'x',
      botToken: 'xoxb-test',
      appToken: 'xapp-test',
    },
    users: [ADA, GRACE, KATE, IDA].map((id) => ({ id, name: id.toLowerCase(), realName: id })),
    channels: [{ id: CHANNEL, name: 'incident', botIsMember: true }],
    userGroups: [],
  });
});
afterEach(() => workspace.close());

const REPORT = {
  check: offer.check,
  environment: 'prod',
  args: {},
  status: 'found' as const,
  verdict: '1 of 3 dopplers is not registered',
  examined: 3,
  findings: [{ ...offer.finding, severity: 'critical' as const, summary: 'doppler_z2/0 is not registered' }],
  gaps: [],
  coverage: [],
  at: offer.asked.at,
  durationMs: 12,
};
const about = () => ({
  runId,
  check: offer.check,
  environment: 'prod',
  asked: { ...offer.asked, teamDomain: 'acme' },
});
/** Runs a job until it is done, as the queue does. */
async function run(data: OutboxJob, attempt = 1): Promise<void> {
  const signal = new AbortController().signal;
  for (;;)
    try {
      return await handleOutboxJob(posting, { id: 'x', data, attempt, queuedAtMs: Date.now(), signal });
    } catch (error) {
      if (!(error instanceof RetryLater)) throw error;
    }
}
/** The remediation changes, and its card is shown. */
async function become(next: RemediationRecord, attempt = 1): Promise<void> {
  fix = next;
  revision += 1;
  await run({ kind: 'card', ...about(), id: offer.id, revision }, attempt);
}
/** The card job of the next change, without retries. */
const showOnce = () => {
  const data = { kind: 'card', ...about(), id: offer.id, revision: ++revision } as const;
  const signal = new AbortController().signal;
  return handleOutboxJob(posting, { id: 'x', data, attempt: 1, queuedAtMs: Date.now(), signal });
};
const remind = () => run({ kind: 'reminder', ...about(), id: offer.id });

/** What was posted after the report, with those whom each post notified. Edits notify no one. */
function posts() {
  return workspace.requests
    .filter(({ method, response }) => method === 'chat.postMessage' && response['ok'] === true)
    .map(({ args }) => {
      const message = { text: String(args['text']), blocks: [] };
      const key = (JSON.parse(String(args['metadata'])) as { event_payload: { key: string } }).event_payload
        .key;
      return {
        part: key.replace(`${runId}/`, '').replace(offer.id, 'ID'),
        to: String(args['channel']),
        text: message.text,
        notifies: readEffects(message).notifies,
      };
    });
}
const postsOf = (part: RegExp) => posts().filter((post) => part.test(post.part));
const cardText = () => {
  const [root] = workspace.messages(CHANNEL);
  return workspace.thread(CHANNEL, root?.ts ?? '').find(({ text }) => text.startsWith(':clipboard: PLAN ·'));
};

test('the post of a plan mentions the approvers, and not its requester as one of them; later edits post nothing', async () => {
  await start();

  await become({ ...offer, state: 'planning', requested });
  expect(postsOf(/card/)).toEqual([]);
  expect(
    JSON.stringify(workspace.messages(CHANNEL).flatMap(({ ts }) => workspace.thread(CHANNEL, ts))),
  ).toContain('working out the plan');
  await become(aPlan());
  await become(aPlan({ approvalsNeeded: 2, approvals: [{ by: GRACE, at: requested.at }] }));

  expect(postsOf(/card/)).toEqual([
    {
      part: 'card-ID',
      to: CHANNEL,
      text: '<!subteam^S0TEAM> <@U0KATE>: <@U0ADA> asks you to approve: Restart doppler_z2/0 in prod',
      notifies: [TEAM, KATE, ADA],
    },
  ]);
  expect(postsOf(/asked|reminder|approved/)).toEqual([]);
  expect(JSON.stringify(cardText()?.blocks)).toContain('from <!subteam^S0TEAM>, <@U0KATE>');
});

test('a title cannot mention anyone', async () => {
  await start();

  await become(aPlan({ title: 'Restart <!channel> <@U0IDA> <!subteam^S0LEADS> @here' }));
  await become(approved({ title: 'Restart <!channel> <@U0IDA>' }));
  await become(aPlan({ title: 'x', state: 'refused', because: '<!here> <@U0IDA> says no' }));

  const called = posts().flatMap(({ notifies }) => notifies);
  expect(called).not.toEqual([]);
  expect(called.filter((who) => ![TEAM, KATE, ADA, GRACE].some((one) => one === who))).toEqual([]);
});

test('approvers are asked again only if the reply of Slack was lost', async () => {
  await start();
  workspace.faults.loseAnswer('chat.postMessage');

  await expect(become(aPlan())).rejects.toBeInstanceOf(Error);
  await become(aPlan(), 2);
  await become(aPlan(), 3);

  expect(postsOf(/card/)).toHaveLength(2);
  expect(workspace.requests.filter(({ isLost }) => isLost)).toHaveLength(1);
});

test('with a workspace that drops repeated posts, approvers are asked once even if the reply was lost', async () => {
  await start();
  posting = { ...posting, dropsDuplicates: async () => true };
  workspace.faults.dropRepeats(true);
  workspace.faults.loseAnswer('chat.postMessage');

  await expect(become(aPlan())).rejects.toBeInstanceOf(Error);
  await become(aPlan(), 2);

  const [root] = workspace.messages(CHANNEL);
  const cards = workspace.thread(CHANNEL, root?.ts ?? '').filter(({ text }) => /asks you|PLAN ·/.test(text));
  expect(cards).toHaveLength(1);
});

test('the card of a plan that was deleted is posted again without asking again', async () => {
  await start();
  await become(aPlan());
  const { ts = '' } = (await posting.threads.read(runId)).locationOf(cardPart(offer.id)) ?? {};
  await posting.client.chat.delete({ channel: CHANNEL, ts });

  await become({ ...fix, approvalsNeeded: 2, approvals: [{ by: GRACE, at: requested.at }] });

  expect(postsOf(/card/).map(({ text, notifies }) => ({ text, notifies }))).toEqual([
    expect.objectContaining({ notifies: [TEAM, KATE, ADA] }),
    { text: 'Approval requested: Restart doppler_z2/0 in prod', notifies: [] },
  ]);
});

test('the requester hears once that the plan was approved, and once of the outcome', async () => {
  await start();
  await become(aPlan());

  await become(approved());
  await become(approved({ state: 'applying' }));
  await become(approved({ state: 'settling' }));
  await become(approved({ state: 'failed', because: 'task 4182 ended in error' }));
  await become(fix, 2);

  expect(postsOf(/approved|outcome/)).toEqual([
    {
      part: 'approved-ID',
      to: CHANNEL,
      text: ':ballot_box_with_check: <@U0ADA>: <@U0GRACE> approved Restart doppler_z2/0; checking again, then applying',
      notifies: [ADA, GRACE],
    },
    {
      part: 'outcome-ID-failed',
      to: CHANNEL,
      text: ':x: FAILED · Restart doppler_z2/0: task 4182 ended in error · <@U0ADA> <@U0GRACE>',
      notifies: [ADA, GRACE],
    },
  ]);
});

test('an approval is not posted if the outcome came first', async () => {
  await start();
  await become(aPlan());
  const { requestTurn } = posting.channelOrder;
  const done = approved({
    state: 'fixed',
    after: { ...OBSERVATION, finding: 'gone', verdict: 'All are registered' },
  });
  posting = {
    ...posting,
    channelOrder: {
      ...posting.channelOrder,
      requestTurn: async (lane, place, sinceMs) => {
        // It ends while the notice waits for its turn.
        if (place.includes('approved-')) fix = done;
        return requestTurn(lane, place, sinceMs);
      },
    },
  };

  await become(approved());
  await become(done);

  expect(postsOf(/approved|outcome/).map(({ part }) => part)).toEqual(['outcome-ID-fixed']);
});

test('an approval that waited for its turn until the outcome came keeps no place in the lane', async () => {
  await start();
  await become(aPlan());
  const { channelOrder } = posting;
  const { requestTurn } = channelOrder;
  const isLate: typeof requestTurn = async (lane, place, sinceMs) => {
    const waitMs = await requestTurn(lane, place, sinceMs);
    return place.includes('approved-') ? 60_000 : waitMs;
  };
  posting = { ...posting, channelOrder: { ...channelOrder, requestTurn: isLate } };
  fix = approved();
  await expect(showOnce()).rejects.toBeInstanceOf(RetryLater);
  posting = { ...posting, channelOrder };

  fix = approved({ state: 'failed', because: 'task 4182 ended in error' });
  await showOnce();

  expect(postsOf(/approved|outcome/).map(({ part }) => part)).toEqual(['outcome-ID-failed']);
});

test.each<[RemediationRecord['state'], Partial<RemediationRecord>, string]>([
  [
    'rejected',
    { rejected: { by: KATE, at: requested.at } },
    ':no_entry: REJECTED · Restart doppler_z2/0, by <@U0KATE>; nothing was changed · <@U0ADA>',
  ],
  [
    'rejected',
    { rejected: { by: ADA, at: requested.at } },
    ':no_entry: REJECTED · Restart doppler_z2/0, by <@U0ADA>; nothing was changed',
  ],
  [
    'expired',
    { because: 'no one approved it in time' },
    ':hourglass: EXPIRED · Restart doppler_z2/0: no one approved it in time; nothing was changed · <@U0ADA>',
  ],
  [
    'skipped',
    { because: 'the finding is gone' },
    ':fast_forward: SKIPPED · Restart doppler_z2/0: the finding is gone; nothing was changed · <@U0ADA>',
  ],
  [
    'refused',
    { because: 'fixes are frozen' },
    ':no_entry: REFUSED · Restart doppler_z2/0: fixes are frozen; nothing was changed · <@U0ADA>',
  ],
])('the requester hears once of a plan that was %s', async (state, more, text) => {
  await start();
  await become(aPlan());
  const { until: _, ...plan } = aPlan({ state, ...more });

  await become(plan);
  await become(plan, 2);

  expect(postsOf(/outcome/).map((post) => post.text)).toEqual([text]);
});

test('a request that ends without a plan has one post: its card, which notifies the requester', async () => {
  await start();
  await become({ ...offer, state: 'planning', requested });

  await become({ ...offer, state: 'refused', requested, because: 'fixes are frozen' });
  await become(fix, 2);

  expect(postsOf(/card|outcome/)).toEqual([
    {
      part: 'card-ID',
      to: CHANNEL,
      text: ':no_entry: REFUSED · Restart doppler_z2/0: fixes are frozen; nothing was changed · <@U0ADA>',
      notifies: [ADA],
    },
  ]);
});

test('a plan that will expire soon is mentioned once more, with the second group, and without those who have approved', async () => {
  await start({ remind: { alsoNotify: [LEADS] }, approvals: { disruptive: 2, destructive: 2 } });
  await become(aPlan());
  const until = new Date(Date.now() + 300_000).toISOString();
  await become(aPlan({ approvalsNeeded: 2, approvals: [{ by: KATE, at: requested.at }], until }));

  await remind();
  await remind();

  expect(postsOf(/reminder/)).toEqual([
    {
      part: 'reminder-ID',
      to: CHANNEL,
      text: ':hourglass_flowing_sand: Still waiting for 1 of 2 approvals: Restart doppler_z2/0 in prod; the plan expires in 5 min · <!subteam^S0TEAM> <!subteam^S0LEADS>',
      notifies: [TEAM, LEADS],
    },
  ]);
});

test.each<[string, () => RemediationRecord]>([
  ['approved', approved],
  ['rejected', () => aPlan({ state: 'rejected' })],
  ['past its deadline', () => aPlan({ until: new Date(Date.now() - 1).toISOString() })],
])('no one is reminded of a plan that is %s by then', async (_, now) => {
  await start();
  await become(aPlan());
  fix = now();

  await remind();

  expect(postsOf(/reminder/)).toEqual([]);
  // It keeps no place in the lane.
  const lane = { method: 'chat.postMessage', channelId: CHANNEL } as const;
  await expect.poll(() => posting.channelOrder.requestTurn(lane, 'next')).toBe(0);
});

test('with `direct`, each approver gets one direct message with a link, and no post mentions anyone', async () => {
  await start({ notify: 'direct' });
  await become(aPlan({ asked: about().asked }));
  await become(fix, 2);
  await become(approved({ asked: about().asked }));
  await become(approved({ asked: about().asked, state: 'refused', because: 'fixes are frozen' }));
  await become(fix, 2);

  expect(
    postsOf(/./)
      .filter(({ to }) => to === CHANNEL)
      .flatMap(({ notifies }) => notifies),
  ).toEqual([]);
  const { ts = '' } = (await posting.threads.read(runId)).locationOf(cardPart(offer.id)) ?? {};
  const [root] = workspace.messages(CHANNEL);
  const link = `<https://acme.slack.com/archives/${CHANNEL}/p${ts.replace('.', '')}?thread_ts=${root?.ts}&amp;cid=${CHANNEL}|Open the thread>`;
  expect(postsOf(/^direct/).map(({ to, text }) => [to, text])).toEqual([
    [KATE, `<@U0ADA> asks you to approve: Restart doppler_z2/0 in prod · ${link}`],
    [GRACE, `<@U0ADA> asks you to approve: Restart doppler_z2/0 in prod · ${link}`],
    [
      ADA,
      `:ballot_box_with_check: <@U0GRACE> approved Restart doppler_z2/0; checking again, then applying · ${link}`,
    ],
    [ADA, `:no_entry: REFUSED · Restart doppler_z2/0: fixes are frozen; nothing was changed · ${link}`],
    [GRACE, `:no_entry: REFUSED · Restart doppler_z2/0: fixes are frozen; nothing was changed · ${link}`],
  ]);
});

test('with `direct`, a group whose members are unknown is mentioned in the thread, and people who get no messages are left out', async () => {
  members = { [LEADS]: [IDA, 'U0GONE'] };
  await start({ notify: 'direct', roles: { requester: [ADA], approver: [TEAM, LEADS], auditor: [] } });

  await become(aPlan());

  expect(postsOf(/asked/).map(({ to, notifies }) => [to, notifies])).toEqual([
    [CHANNEL, [TEAM, ADA]],
    [IDA, [ADA]],
  ]);
  expect(log.filter((line) => line.includes('person-not-notified'))).toHaveLength(1);
});

test('with `direct`, at most 20 people get a message', async () => {
  members = { [TEAM]: Array.from({ length: 30 }, (_, at) => `U0MANY${at}`) };
  await start({ notify: 'direct' });

  await become(aPlan());

  expect(log.filter((line) => line.includes('person-not-notified'))).toHaveLength(19);
  expect(postsOf(/^direct/).map(({ to }) => to)).toEqual([KATE]);
});

test('with `direct`, the reminder is sent directly too', async () => {
  await start({ notify: 'direct', remind: { alsoNotify: [IDA] } });
  await become(aPlan());

  await remind();

  expect(postsOf(/reminder/).map(({ to, notifies }) => [to, notifies])).toEqual([
    [CHANNEL, []],
    [KATE, []],
    [IDA, []],
    [GRACE, []],
  ]);
});

test('with `none`, everything is posted without notifying anyone, and there is no reminder', async () => {
  await start({ notify: 'none' });
  await become(aPlan());
  await remind();
  await become(approved());
  await become(approved({ state: 'failed', because: 'task 4182 ended in error' }));

  expect(postsOf(/card|approved|outcome|reminder|direct/)).toEqual([
    expect.objectContaining({ text: 'Approval requested: Restart doppler_z2/0 in prod', notifies: [] }),
    expect.objectContaining({
      text: ':ballot_box_with_check: someone approved Restart doppler_z2/0; checking again, then applying',
      notifies: [],
    }),
    expect.objectContaining({
      text: ':x: FAILED · Restart doppler_z2/0: task 4182 ended in error',
      notifies: [],
    }),
  ]);
  const [root] = workspace.messages(CHANNEL);
  const texts = workspace.thread(CHANNEL, root?.ts ?? '').map(({ text }) => text);
  expect(texts).toContain(
    ':ballot_box_with_check: <@U0GRACE> approved Restart doppler_z2/0; checking again, then applying',
  );
});
