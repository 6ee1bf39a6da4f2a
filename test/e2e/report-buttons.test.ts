import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Config } from '../../src/config/read-config.ts';
import { defineCheck } from '../../src/check/define-check.ts';
import type { Report } from '../../src/check/finding.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { openSavedReports } from '../../src/store/thread/saved-reports.ts';
import { duration } from '../../src/text/duration.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, KATE, PLATFORM, setStage, type Stage } from './harness.ts';

/** The buttons of a report: run it again, show its evidence, change its arguments in a form. */

let stage: Stage;
let redis: RedisConnection;
afterEach(async () => {
  redis.disconnect();
  await stage.close();
});

const BROKEN = {
  reason: 'thing-broken',
  severity: 'critical',
  target: 'lab:thing-1',
  summary: 'thing-1 is broken',
} as const;

/** The arguments of each run. */
let runs: object[];

async function start(delivery: 'http' | 'socket' = 'http', config: Partial<Config> = {}): Promise<void> {
  runs = [];
  const things = defineCheck({
    title: 'Things that are broken',
    why: 'A test needs it.',
    uses: [],
    args: z.object({
      within: duration.prefault('30d').meta({ description: 'how far ahead to look' }),
      match: z.string().min(1).optional().meta({ description: 'only things with this text' }),
      kind: z.enum(['disk', 'node']).optional().meta({ description: 'only things of this kind' }),
      all: z.stringbool().prefault('false').meta({ description: 'healthy things too', switch: true }),
    }),
    bareArgument: 'within',
    collect: async ({ saw }, args) => {
      runs.push(args);
      saw('lab', 41);
      return 1;
    },
    diagnose: (_, { match }) =>
      match === 'nothing'
        ? { examined: 41, verdict: 'All 41 things are healthy', findings: [] }
        : { examined: 41, verdict: '1 of 41 things is broken', findings: [BROKEN] },
  });
  stage = await setStage({ delivery, catalogue: makeCatalogue({ things }), config });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await stage.startWorker();
  await stage.startBot();
}

/** The visible text of a message, without the characters that keep names from becoming links. */
const shown = ({ text }: Message) => text.replaceAll('\u200B', '');
const answers = (channelId = INCIDENT) =>
  stage.workspace.messages(channelId).filter(({ text }) => text.includes('1 of 41'));
const answered = (count = 1, channelId = INCIDENT) =>
  stage.workspace.waitFor(() => answers(channelId)[count - 1]);
const privateReply = (userId: string, words: RegExp, channelId = INCIDENT) =>
  stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(userId, channelId).find((one) => words.test(shown(one))),
  );
const ask = (text = 'things', channelId = INCIDENT) =>
  stage.workspace.command({ userId: ADA, channelId, command: '/lab', text });

type Clicking = Partial<Parameters<Stage['workspace']['click']>[0]>;
const click = (actionId: string, { ts }: Pick<Message, 'ts'>, value: string, how: Clicking = {}) =>
  stage.workspace.click({
    userId: GRACE,
    channelId: INCIDENT,
    messageTs: ts,
    actionId,
    value,
    evenIfGone: true,
    ...how,
  });
const viewOf = (userId: string) => stage.workspace.waitFor(() => stage.workspace.views(userId)[0]);
const submit = async (userId: string, values: Readonly<Record<string, Readonly<Record<string, string>>>>) =>
  stage.workspace.submit({ userId, viewId: (await viewOf(userId)).id, values });
const errors = () => stage.log.filter((line) => line.includes('"level":50'));

test.each(['http', 'socket'] as const)('over %s a report is run again in its channel', async (delivery) => {
  await start(delivery);
  await ask('things 7d');

  await click('wrench:again', await answered(), '/lab things --within 7d --env prod');

  const again = await answered(2);
  expect(again.threadTs).toBeUndefined();
  expect(JSON.stringify(again.blocks)).toContain(`<@${GRACE}>`);
  expect(runs).toEqual([
    { within: 7 * 86_400_000, all: false },
    { within: 7 * 86_400_000, all: false },
  ]);
  expect(stage.workspace.ephemerals(GRACE, INCIDENT)).toEqual([]);
});

test('a report in a thread is run again in that thread', async () => {
  await start();
  const { ts } = stage.workspace.say(ADA, INCIDENT, 'The login fails.');
  await stage.workspace.write({
    userId: ADA,
    channelId: INCIDENT,
    text: '<@U0123WRENCH> lab things',
    threadTs: ts,
  });
  const inThread = (count: number) =>
    stage.workspace.waitFor(
      () => stage.workspace.thread(INCIDENT, ts).filter(({ text }) => text.includes('1 of 41'))[count - 1],
    );

  await click('wrench:again', await inThread(1), '/lab things --env prod');
  await inThread(2);
  await click('wrench:ask-1', await inThread(2), '/lab things --env prod');

  await inThread(3);
  expect(answers()).toEqual([]);
});

const table = Array.from({ length: 12 }, (_, at) => [`row-${at}`, 'x'.repeat(40), `value ${at}`]);
const REPORT: Report = {
  check: 'lab/things',
  environment: 'prod',
  args: {},
  status: 'found',
  verdict: '2 of 41 things are broken',
  examined: 41,
  findings: [
    { reason: 'thing-slow', severity: 'warning', target: 'lab:slow', summary: 'lab:slow is slow' },
    {
      reason: 'thing-broken',
      severity: 'critical',
      target: 'lab:thing-1',
      summary: 'thing-1 is <!channel> broken',
      evidence: [
        { kind: 'field', label: 'Disk', value: '98 % full' },
        { kind: 'table', columns: ['Name', 'Path', 'Size'], rows: table },
        { kind: 'log', lines: ['no space left on device'] },
      ],
    },
  ],
  measures: [],
  gaps: [{ what: 'lab-2', because: 'connection refused', kind: 'unreachable' }],
  coverage: [],
  at: '2026-11-20T14:03:00.000Z',
  durationMs: 12,
};

/** Saves a report for the run whose first message this is. @returns the id of the run. */
async function save(root: Message, report: Report = REPORT): Promise<string> {
  const [, runId = ''] = /^(r[0-9a-f]{16})\//.exec(String(root.metadata?.event_payload['key'])) ?? [];
  const asked = { by: ADA, teamId: 'T0123DEMO', channelId: root.channel, as: '/lab things', at: REPORT.at };
  await openSavedReports(redis, PREFIX).save(runId, { report, tracked: [], asked });
  return runId;
}

test.each(['http', 'socket'] as const)(
  'over %s anyone in the channel can open the evidence of a report, most severe first and without tables',
  async (delivery) => {
    await start(delivery);
    await ask();
    const root = await answered();
    const runId = await save(root);

    await click('wrench:evidence', root, runId, { userId: KATE });

    const view = JSON.stringify((await viewOf(KATE)).view);
    for (const words of ['98 % full', 'row-0', 'row-11', 'no space left on device', 'connection refused'])
      expect(view).toContain(words);
    expect(view.indexOf('thing-1 is')).toBeLessThan(view.indexOf('is slow'));
    expect(view).not.toContain('"type":"table"');
    expect(stage.workspace.ephemerals(KATE, INCIDENT)).toEqual([]);
  },
);

test('the evidence of a report that is no longer saved gets a private answer', async () => {
  await start();
  await ask();
  const root = await answered();
  const runId = await save(root);
  // As much later.
  await redis.del(...(await redis.keys(`${PREFIX}:report:*`)));

  await click('wrench:evidence', root, runId);

  await privateReply(GRACE, /no longer saved\. Run the check again/);
  expect(stage.workspace.views(GRACE)).toEqual([]);
});

test.each([
  ['of another channel', () => stage.workspace.say(ADA, PLATFORM, 'x')],
  [
    'in a thread',
    () => {
      const { ts } = stage.workspace.say(ADA, INCIDENT, 'x');
      return stage.workspace.say(GRACE, INCIDENT, 'y', ts);
    },
  ],
])('the evidence of a report in a channel is not opened from a button %s', async (_, elsewhere) => {
  await start();
  await ask();
  const runId = await save(await answered());
  const { ts, channel } = elsewhere();

  await click('wrench:evidence', { ts }, runId, { channelId: channel });

  await privateReply(GRACE, /belongs to a report in another place/, channel);
  expect(stage.workspace.views(GRACE)).toEqual([]);
});

test.each([
  ['in a channel', INCIDENT, undefined],
  ['in a thread', INCIDENT, 'threadTs'],
  ['in direct messages', 'direct', undefined],
  ['in a thread of direct messages', 'direct', 'threadTs'],
])('days later, the evidence of a report without findings is still shown %s', async (_, place, thread) => {
  await start();
  const channelId = place === 'direct' ? stage.workspace.direct(ADA).id : place;
  const parent = thread && stage.workspace.say(ADA, channelId, 'Is it healthy?').ts;
  const text = '<@U0123WRENCH> lab things --match nothing --env prod';
  await (thread === undefined && place !== 'direct'
    ? ask('things --match nothing')
    : stage.workspace.write({ userId: ADA, channelId, text, ...(parent && { threadTs: parent }) }));
  const root = await stage.workspace.waitFor(() =>
    (parent ? stage.workspace.thread(channelId, parent) : stage.workspace.messages(channelId)).find((one) =>
      one.text.includes('All 41 things are healthy'),
    ),
  );
  // The record of its thread is deleted a minute after the answer.
  await expect.poll(() => redis.keys(`${PREFIX}:report:*`)).toHaveLength(1);
  await redis.del(...(await redis.keys(`${PREFIX}:thread:*`)));

  await stage.workspace.click({
    userId: ADA,
    channelId,
    messageTs: root.ts,
    actionId: 'wrench:evidence',
  });

  expect(JSON.stringify((await viewOf(ADA)).view)).toContain('All 41 things are healthy');
});

test.each(['wrench:evidence', 'wrench:form', 'wrench:again'])(
  '%s with a malformed value gets a private answer',
  async (actionId) => {
    await start();
    await ask();
    const root = await answered();

    for (const value of [
      '',
      'x',
      'r0',
      '/wrench freeze',
      '/lab',
      `/lab ${'x'.repeat(2_000)}`,
      'm0123456789abcdef',
    ])
      await click(actionId, root, value);

    await stage.workspace.waitFor(() => stage.workspace.ephemerals(GRACE, INCIDENT).length === 7);
    expect(stage.workspace.ephemerals(GRACE, INCIDENT).map(shown).join('\n')).toMatch(
      /^(.*This isn't a button of Wrench.*\n?){7}$/,
    );
    expect([runs.length, errors(), stage.workspace.views(GRACE)]).toEqual([1, [], []]);
  },
);

test.each(['http', 'socket'] as const)(
  'over %s a form changes the arguments of a report and runs it in its channel',
  async (delivery) => {
    await start(delivery, { environments: { prod: { sources: [] }, stage: { sources: [] } } });
    await ask('things 7d --match "two words"');
    await click('wrench:form', await answered(), '/lab things --within 7d --match "two words" --env stage');
    const { view } = await viewOf(GRACE);
    expect(view).toMatchObject({ title: { text: '/lab things' }, submit: { text: 'Run' } });

    const wrong = await submit(GRACE, { 'argument-within': { value: 'soon' } });
    expect(wrong.body).toEqual({
      response_action: 'errors',
      errors: { 'argument-within': expect.stringMatching(/^Invalid duration\. /) },
    });
    await submit(GRACE, {
      'argument-within': { value: '14d' },
      'argument-kind': { value: 'disk' },
      'argument-all': { value: 'true' },
      environment: { value: 'prod' },
    });

    const report = await answered(2);
    expect(runs[1]).toEqual({ within: 14 * 86_400_000, match: 'two words', kind: 'disk', all: true });
    expect(JSON.stringify(report.blocks)).toContain(`<@${GRACE}>`);
    expect(stage.workspace.views(GRACE)).toEqual([]);
  },
);

test('a form that is submitted unchanged runs the same command', async () => {
  await start('http', { environments: { prod: { sources: [] }, stage: { sources: [] } } });
  await ask();
  await click('wrench:form', await answered(), '/lab things --match x --env stage');

  await submit(GRACE, {});

  const report = await answered(2);
  expect(runs[1]).toEqual({ within: 30 * 86_400_000, match: 'x', all: false });
  expect(JSON.stringify(report.blocks)).toContain('/lab things --match x --env stage');
});

test('the help of a check opens a form with its defaults, in the environment of the channel', async () => {
  await start('http', {
    environments: { prod: { sources: [] }, stage: { sources: [] } },
    channels: { [INCIDENT]: 'stage' },
  });
  await ask('things help');
  const help = await stage.workspace.waitFor(() => stage.workspace.ephemerals(ADA, INCIDENT)[0]);

  await stage.workspace.click({
    userId: ADA,
    channelId: INCIDENT,
    messageTs: help.ts,
    actionId: 'wrench:form',
  });
  await submit(ADA, { 'argument-match': { value: 'x' } });

  const report = await answered();
  expect(runs).toEqual([{ within: 30 * 86_400_000, match: 'x', all: false }]);
  expect(JSON.stringify(report.blocks)).toContain('/lab things --match x --env stage');
});

test('the rules about who may run what apply to the submission of a form', async () => {
  const askFrom = { channels: [PLATFORM] };
  await start('http', { environments: { prod: { sources: [] }, stage: { sources: [], askFrom } } });
  await ask();
  await click('wrench:form', await answered(), '/lab things --env prod');

  await submit(GRACE, { environment: { value: 'stage' } });

  await privateReply(GRACE, /environments\.stage\.askFrom\.channels.*Try in/s);
  expect(runs).toHaveLength(1);
});

test('a form that no longer fits its check, or whose check is gone, says so', async () => {
  await start();
  const submitted = (changed: object) =>
    stage.workspace.redeliver(
      {
        type: 'view_submission',
        user: { id: GRACE, team_id: 'T0123DEMO' },
        team: { id: 'T0123DEMO', domain: 'demo' },
        trigger_id: `1.2.${JSON.stringify(changed).length}`,
        view: {
          id: 'V1',
          callback_id: 'wrench:argument-form',
          private_metadata: metadata({}),
          state: { values },
          ...changed,
        },
      },
      1,
    );

  const acks = [
    ...(await submitted({ state: { values: {} } })),
    ...(await submitted({ private_metadata: metadata({ check: 'lab/gone' }) })),
  ];

  expect(acks.map((ack) => ack?.body)).toEqual([undefined, undefined]);
  await stage.workspace.waitFor(() => stage.workspace.ephemerals(GRACE, INCIDENT).length === 2);
  for (const message of stage.workspace.ephemerals(GRACE, INCIDENT))
    expect(shown(message)).toMatch(/This form is out of date; open it again/);
  expect(runs).toEqual([]);
});

test('a form that is submitted several times at once runs once', async () => {
  await start();
  await ask();
  await click('wrench:form', await answered(), '/lab things --env prod');
  stage.workspace.faults.deliverTimes(3);

  await submit(GRACE, { 'argument-match': { value: 'x' } });

  stage.workspace.faults.deliverTimes(1);
  await answered(2);
  await ask('things 9d');
  await answered(3);
  expect(runs).toHaveLength(3);
});

const metadata = (changed: object) =>
  JSON.stringify({ button: 'form', check: 'lab/things', channelId: INCIDENT, ...changed });
const values = { environment: { value: { type: 'static_select', selected_option: { value: 'prod' } } } };

test.each([
  ['without metadata', { private_metadata: '' }],
  ['with metadata of another form', { private_metadata: metadata({ button: 'silence' }) }],
  ['for a check that does not exist', { private_metadata: metadata({ check: 'lab/gone' }) }],
  ['for a check named like a prototype', { private_metadata: metadata({ check: '__proto__' }) }],
  ['for no channel', { private_metadata: metadata({ channelId: '../x' }) }],
  ['with more metadata than ours', { private_metadata: metadata({ extra: 1 }) }],
  ['without a state', { state: null }],
  ['with values that are text', { state: { values: 'x' } }],
])('a submission %s runs nothing', async (_, changed) => {
  await start();

  const { status, body } = await stage.workspace
    .redeliver(
      {
        type: 'view_submission',
        user: { id: GRACE, team_id: 'T0123DEMO' },
        team: { id: 'T0123DEMO', domain: 'demo' },
        trigger_id: '1.2.abc',
        view: {
          id: 'V1',
          callback_id: 'wrench:argument-form',
          private_metadata: metadata({}),
          state: { values },
          ...changed,
        },
      },
      1,
    )
    .then(([ack]) => ack ?? { status: 0, body: '' });

  expect({ status, body }).toEqual({ status: 200, body: undefined });
  await ask();
  await answered();
  expect(runs).toHaveLength(1);
  expect(errors()).toEqual([]);
});

test.each([
  ['no environment', { ...values, environment: {} }, { environment: 'Choose an environment.' }],
  [
    'an unknown environment',
    { environment: { value: { selected_option: { value: 'prd' } } } },
    { environment: 'Choose an environment.' },
  ],
  [
    'a number instead of a text',
    { ...values, 'argument-within': { value: { value: 7 } }, environment: null },
    undefined,
  ],
])('a submission with %s stays open or runs nothing', async (_, changed, expected) => {
  await start();

  const [ack] = await stage.workspace.redeliver(
    {
      type: 'view_submission',
      user: { id: GRACE, team_id: 'T0123DEMO' },
      team: { id: 'T0123DEMO', domain: 'demo' },
      trigger_id: '1.2.abc',
      view: {
        id: 'V1',
        callback_id: 'wrench:argument-form',
        private_metadata: metadata({}),
        state: { values: changed },
      },
    },
    1,
  );

  expect(ack?.body).toEqual(expected && { response_action: 'errors', errors: expected });
  expect([runs, errors()]).toEqual([[], []]);
});
