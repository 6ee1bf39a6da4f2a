import { afterEach, expect, test } from 'vitest';
import type { Config } from '../../src/config/read-config.ts';
import { openAuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, KATE, PLATFORM, PLATFORM_TEAM, setStage, type Stage } from './harness.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';

let stage: Stage;
let redis: RedisConnection;
let runs: string[];
afterEach(async () => {
  redis.disconnect();
  await stage.close();
});

let gate: Promise<void> | undefined;

async function start(config: Partial<Config> = {}, before: () => void = () => undefined): Promise<void> {
  runs = [];
  gate = undefined;
  const check = makeCheck(async () => {
    runs.push('things');
    await gate;
  });
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue({ things: check }), config });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  before();
  await stage.startWorker();
  await stage.startBot();
}

const prod = (askFrom: Config['environments'][string]['askFrom']): Partial<Config> => ({
  environments: { prod: { sources: [], ...(askFrom && { askFrom }) } },
});

const ask = (
  userId = ADA,
  channelId = INCIDENT,
  text = 'things',
  command = '/lab',
  changed?: Readonly<Record<string, unknown>>,
) => stage.workspace.command({ userId, channelId, command, text, ...(changed && { changed }) });

/** The visible text of a message, without the characters that keep names from becoming links. */
const shown = ({ text }: Message) => text.replaceAll('\u200B', '');
const repliesTo = (userId: string, channelId = INCIDENT) =>
  stage.workspace.ephemerals(userId, channelId).map(shown);
const privateReply = (userId: string, words: string | RegExp, channelId = INCIDENT) =>
  stage.workspace.waitFor(() => repliesTo(userId, channelId).find((text) => text.match(words)));
const answered = (channelId = INCIDENT, count = 1) =>
  stage.workspace.waitFor(
    () => stage.workspace.messages(channelId).filter(({ text }) => text.includes('1 of 41')).length >= count,
  );

async function refusals() {
  const page = await openAuditLog(redis, PREFIX).page();
  return page
    .map(({ raw }) => parseEntry(raw)?.entry)
    .filter((entry) => entry?.kind === 'refused')
    .map((entry) => ({ who: entry?.who, what: entry?.what, because: entry?.because }));
}

test.each([
  ['of another workspace', { team_id: 'T0999OTHER' }],
  ['without a workspace', { team_id: undefined }],
  [
    'of an organization that is not ours',
    { team_id: '', enterprise_id: 'E0999', is_enterprise_install: 'true' },
  ],
])('a command %s is refused privately and audited, and nothing runs', async (_, changed) => {
  await start();

  await ask(ADA, INCIDENT, 'things', '/lab', changed);

  expect(repliesTo(ADA)).toEqual([expect.stringContaining('is installed in another workspace')]);
  await expect
    .poll(refusals)
    .toEqual([{ who: [ADA], what: '/lab', because: expect.stringContaining('another workspace') }]);
  await ask();
  await answered();
  expect(runs).toHaveLength(1);
});

test('a command without a sender or an id is acknowledged and does nothing', async () => {
  await start();

  const nobody = await ask(ADA, INCIDENT, 'things', '/lab', { user_id: undefined });
  const unnamed = await ask(ADA, INCIDENT, 'things', '/lab', { trigger_id: undefined });

  expect([nobody.status, unnamed.status]).toEqual([200, 200]);
  expect(repliesTo(ADA)).toEqual([
    expect.stringContaining("didn't say who"),
    expect.stringContaining('without an id'),
  ]);
  expect(runs).toEqual([]);
});

test('a command is accepted only in the channels of a rule', async () => {
  await start(prod({ channels: [PLATFORM] }));

  await ask(ADA, INCIDENT);
  await ask(ADA, INCIDENT, 'lab things', '/wrench');
  await ask(ADA, INCIDENT, 'things --env prod');
  await ask(ADA, PLATFORM);

  await answered(PLATFORM);
  expect(runs).toHaveLength(1);
  expect(stage.workspace.messages(INCIDENT)).toEqual([]);
  const refused = repliesTo(ADA);
  expect(refused).toHaveLength(3);
  for (const text of refused)
    expect(text).toMatch(
      /\/lab things in prod.*environments\.prod\.askFrom\.channels.*Try in <#C0123PLATFORM>/s,
    );
  await expect.poll(refusals).toHaveLength(3);
  expect((await refusals())[0]).toEqual({
    who: [ADA],
    what: '/lab things in prod',
    because: "environments.prod.askFrom.channels doesn't include this channel",
  });
});

test('help and usage are available to everyone', async () => {
  await start(prod({ channels: [PLATFORM] }));

  await ask(ADA, INCIDENT, 'help');
  await ask(ADA, INCIDENT, 'thigns');

  expect(repliesTo(ADA).join('\n')).not.toContain('askFrom');
});

test('a command is accepted from the members of the groups of a rule', async () => {
  await start(prod({ groups: [PLATFORM_TEAM] }));

  await ask(GRACE);
  await ask(ADA);

  await privateReply(ADA, 'user groups in environments.prod.askFrom.groups');
  await answered();
  expect(runs).toHaveLength(1);
  await expect
    .poll(refusals)
    .toEqual([
      { who: [ADA], what: '/lab things in prod', because: expect.stringContaining('askFrom.groups') },
    ]);
});

test('the rule of the environment and the rule of the command must both allow a command', async () => {
  await start({
    ...prod({ groups: [PLATFORM_TEAM] }),
    commands: { lab: { askFrom: { channels: [PLATFORM] } } },
  });

  await ask(GRACE, INCIDENT);
  await ask(ADA, PLATFORM);
  await ask(GRACE, PLATFORM);

  await privateReply(GRACE, 'commands.lab.askFrom.channels');
  await privateReply(ADA, 'environments.prod.askFrom.groups', PLATFORM);
  await answered(PLATFORM);
  expect(runs).toHaveLength(1);
});

test('someone who may not run a check cannot join a running one', async () => {
  await start(prod({ groups: [PLATFORM_TEAM] }));
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  await ask(GRACE);
  await stage.workspace.waitFor(() => runs.length === 1);

  await ask(ADA);

  await privateReply(ADA, 'askFrom.groups');
  expect(repliesTo(ADA).join('\n')).not.toContain('running already');
  resolve();
  await answered();
});

test.each([
  ['that Slack does not know', ['S0NOWHERE'], () => undefined],
  [
    'that Slack cannot be asked about',
    [PLATFORM_TEAM],
    () => stage.workspace.faults.serverError('usergroups.users.list'),
  ],
])('a group %s allows no one', async (_, groups, before) => {
  await start(prod({ groups }), before);

  await ask(GRACE);

  await privateReply(GRACE, "ouldn't check environments.prod.askFrom.groups");
  await expect.poll(refusals).toHaveLength(1);
  expect(runs).toEqual([]);
});

test('a slow Slack does not delay the acknowledgement: the command is queued once the members are known', async () => {
  await start(prod({ groups: [PLATFORM_TEAM] }), () =>
    stage.workspace.faults.slow('usergroups.users.list', { ms: 3_000 }),
  );
  const { workspace } = stage;
  workspace.faults.deliverTimes(3);

  await ask(GRACE);

  const asked = workspace.requests.filter(({ method }) => method === 'usergroups.users.list');
  expect(asked).toEqual([]);
  expect(repliesTo(GRACE)).toEqual([expect.stringContaining('Checking your permissions')]);
  await answered();
  workspace.faults.deliverTimes(1);
  await ask(GRACE, INCIDENT, 'things 2');
  await answered(INCIDENT, 2);
  expect(runs).toHaveLength(2);
  expect(repliesTo(GRACE)).toHaveLength(1);
});

test('without Redis, access is decided from memory, and an allowed command reports that it cannot run', async () => {
  await start(prod({ groups: [PLATFORM_TEAM] }));
  await ask(GRACE);
  await answered();
  await stage.redis.kill();

  await ask(GRACE);
  await ask(ADA);

  await privateReply(GRACE, 'NOT STARTED');
  await privateReply(ADA, 'user groups in environments.prod.askFrom.groups');
  await stage.redis.start();
  await expect
    .poll(async () => {
      const { body } = await ask(GRACE, INCIDENT, 'things 2');
      return body;
    })
    .toBeUndefined();
  await answered(INCIDENT, 2);
});

test('someone who sends too many commands is asked to wait, and others are not', async () => {
  await start({
    limits: { checkSeconds: 30, checksAtOnce: 10, takeOverSeconds: 2, stopSeconds: 1, perPersonPerMinute: 2 },
  });

  const { payload } = await ask(ADA, INCIDENT, 'help');
  await ask(ADA, INCIDENT, 'help');
  await ask(ADA, INCIDENT, 'help');
  await ask(ADA, INCIDENT, 'help');
  await ask(GRACE, INCIDENT, 'help');

  expect(
    repliesTo(ADA).map((text) => text.includes('ore than 2 commands and clicks within a minute')),
  ).toEqual([false, false, true, true]);
  expect(repliesTo(GRACE).join('\n')).not.toContain('within a minute');
  const [again] = await stage.workspace.redeliver(payload, 1);
  expect(JSON.stringify(again?.body)).not.toContain('within a minute');
  await expect.poll(refusals).toHaveLength(1);
});

test('a rule does not affect other commands and environments', async () => {
  await start({
    environments: {
      prod: { sources: [] },
      stage: { sources: [], askFrom: { channels: [PLATFORM] } },
    },
    commands: { other: { askFrom: { channels: [PLATFORM] } } },
  });

  await ask(KATE);
  await answered();
  await ask(KATE, INCIDENT, 'things --env stage');

  await privateReply(KATE, 'environments.stage.askFrom.channels');
  expect(runs).toHaveLength(1);
});
