import { afterEach, expect, test } from 'vitest';
import type { Config } from '../../src/config/read-config.ts';
import { openAuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, KATE, PLATFORM, PLATFORM_TEAM, setStage, type Stage } from './harness.ts';

/** A button of a report that runs another check, exactly as the slash command would. */

let stage: Stage;
let bot: Awaited<ReturnType<Stage['startBot']>>;
let redis: RedisConnection;
afterEach(async () => {
  redis.disconnect();
  await stage.close();
});

/** What ran, with its argument. */
let runs: string[];
/** What `details` waits for. */
let gate: Promise<void> | undefined;

async function start(
  config: Partial<Config> = {},
  delivery: 'http' | 'socket' = 'http',
  next = [{ check: 'lab/details', args: { size: 'thing <1> & more' } }],
): Promise<void> {
  runs = [];
  gate = undefined;
  const overview = makeCheck(async () => void runs.push('overview'), 1, next);
  const details = makeCheck(async () => {
    runs.push('details');
    await gate;
  });
  const { commands, checks } = makeCatalogue({ overview, details });
  const catalogue = {
    commands: new Map([...commands, ['deep', { title: 'An area with its own rules' }]]),
    checks: new Map([...checks, ['deep/details', details]]),
  };
  stage = await setStage({ delivery, catalogue, config });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await stage.startWorker();
  bot = await stage.startBot();
}

const prod = (askFrom: Config['environments'][string]['askFrom']): Partial<Config> => ({
  environments: { prod: { sources: [], ...(askFrom && { askFrom }) } },
});

const ask = (userId = ADA, channelId = INCIDENT) =>
  stage.workspace.command({ userId, channelId, command: '/lab', text: 'overview' });

/** The visible text of a message, without the characters that keep names from becoming links. */
const shown = ({ text }: Message) => text.replaceAll('\u200B', '');
const answers = (channelId = INCIDENT) =>
  stage.workspace.messages(channelId).filter(({ text }) => text.includes('1 of 41'));
const answered = (count: number, channelId = INCIDENT) =>
  stage.workspace.waitFor(() => answers(channelId)[count - 1]);
const privateReply = (userId: string, words: RegExp, channelId = INCIDENT) =>
  stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(userId, channelId).find((one) => words.test(shown(one))),
  );

/** The message with the button, in the thread of the first answer. */
async function messageWithButton(channelId = INCIDENT): Promise<Message> {
  const root = await answered(1, channelId);
  return stage.workspace.waitFor(() =>
    stage.workspace
      .thread(channelId, root.ts)
      .find(({ blocks }) => JSON.stringify(blocks ?? []).includes('"wrench:ask-1"')),
  );
}

type Clicking = Partial<Parameters<Stage['workspace']['click']>[0]>;

const click = (userId: string, { ts }: Message, how: Clicking = {}) =>
  stage.workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId: 'wrench:ask-1', ...how });

async function refusals() {
  const page = await openAuditLog(redis, PREFIX).page();
  return page.map(({ raw }) => parseEntry(raw)?.entry).filter((entry) => entry?.kind === 'refused');
}

test.each(['http', 'socket'] as const)(
  'over %s a click responds in the channel as the command would, for the person who clicked',
  async (delivery) => {
    await start({}, delivery);
    await ask(ADA);
    const message = await messageWithButton();
    expect(JSON.stringify(message.blocks)).toContain('Run /lab details --size \\"thing <1> & more\\"');

    await click(GRACE, message);

    const answer = await answered(2);
    expect(runs).toEqual(['overview', 'details']);
    expect(JSON.stringify(answer.blocks)).toContain(`<@${GRACE}>`);
    expect(JSON.stringify(answer.blocks)).toContain('/lab details --size \\"thing <1> & more\\" --env prod');
    expect(answer.threadTs).toBeUndefined();
    for (const person of [ADA, GRACE]) expect(stage.workspace.ephemerals(person, INCIDENT)).toEqual([]);
  },
);

test('a click that Slack delivers several times runs the check once', async () => {
  await start();
  await ask();
  const message = await messageWithButton();
  stage.workspace.faults.deliverTimes(3);

  await click(GRACE, message);

  await answered(2);
  stage.workspace.faults.deliverTimes(1);
  // Everything that a delivery would start is finished before a later command gets its response.
  await ask();
  await answered(3);
  expect(runs.filter((name) => name === 'details')).toHaveLength(1);
});

test('a second click while the check runs gets the link to its thread', async () => {
  await start();
  await ask();
  const message = await messageWithButton();
  const open = Promise.withResolvers<void>();
  gate = open.promise;

  await click(GRACE, message);
  await stage.workspace.waitFor(() => runs.includes('details'));
  await click(ADA, message);

  await privateReply(ADA, /already running/);
  open.resolve();
  await answered(2);
  expect(runs.filter((name) => name === 'details')).toHaveLength(1);
});

test('a click by someone whom askFrom does not allow is refused and audited', async () => {
  await start(prod({ channels: [INCIDENT], groups: [PLATFORM_TEAM] }));
  await ask(GRACE);
  const message = await messageWithButton();

  await click(KATE, message);

  await privateReply(KATE, /You aren't in any of the user groups in environments\.prod\.askFrom\.groups/);
  await expect.poll(refusals).toMatchObject([{ who: [KATE], what: '/lab details in prod' }]);
  expect(runs).toEqual(['overview']);
  await click(GRACE, message);
  await answered(2);
});

test('a click in a channel that askFrom does not allow is refused, with the channels that it allows', async () => {
  const rules = { commands: { deep: { askFrom: { channels: [PLATFORM] } } } };
  await start(rules, 'http', [{ check: 'deep/details', args: { size: '2' } }]);
  await ask();

  await click(GRACE, await messageWithButton());

  await privateReply(
    GRACE,
    /commands\.deep\.askFrom\.channels doesn't include this channel.*Try in <#C0123PLATFORM>/is,
  );
  await expect.poll(refusals).toMatchObject([{ who: [GRACE], what: '/deep details in prod' }]);
  expect(runs).toEqual(['overview']);
});

test('a click is handled once Slack has returned the members of the group', async () => {
  await start(prod({ groups: [PLATFORM_TEAM] }));
  await ask(GRACE);
  const message = await messageWithButton();
  await bot.close();
  stage.workspace.faults.slow('usergroups.users.list', { ms: 500 });
  await stage.startBot();

  await Promise.all([click(GRACE, message), click(KATE, message)]);

  await answered(2);
  await privateReply(KATE, /You aren't in any of the user groups/);
  expect(runs).toEqual(['overview', 'details']);
});

test.each([
  [
    'of another workspace in a shared channel',
    { changed: { user: { id: GRACE, name: 'grace', team_id: 'T0999OTHER' } } },
    /people from other workspaces/i,
  ],
  ['with a click that is years old', { actionTs: '1700000000.000001' }, /days late/],
] as const)('a click of someone %s is refused', async (_, how, words) => {
  await start();
  await ask();

  await click(GRACE, await messageWithButton(), how);

  await privateReply(GRACE, words);
  expect(runs).toEqual(['overview']);
});

test.each([
  ['nothing', '', /This isn't a button of Wrench/],
  ['no command', 'nonsense', /This isn't a button of Wrench/],
  ['a command of Wrench itself', '/wrench freeze because of me', /This isn't a button of Wrench/],
  ['a command through Wrench', '/wrench lab details', /This isn't a button of Wrench/],
  ['a command in capitals', '/WRENCH freeze', /This isn't a button of Wrench/],
  ['an area without a check', '/lab', /This isn't a button of Wrench/],
  ['a name of JavaScript', '/constructor details', /Unknown command \/constructor/],
  [
    'a check of an older version',
    '/lab detail --env prod',
    /Unknown check \/lab detail.*Did you mean \/lab details/,
  ],
  ['an area of an older version', '/labs details', /Unknown command \/labs/],
  ['an environment of an older version', '/lab details --env prd', /Unknown environment prd.*prod/],
  ['an argument of an older version', '/lab details --sise 3', /Unknown flag --sise.*--size/],
  ['an unclosed quote', '/lab details --size "', /quote/],
  ['markup', '/lab <!channel> <https://evil.example|x>', /Unknown check/],
  ['more than Slack stores', `/lab details ${'x'.repeat(2_000)}`, /This isn't a button of Wrench/],
])('a button with %s gets a private response, and nothing runs', async (_, value, words) => {
  await start();
  await ask();
  const message = await messageWithButton();

  await click(GRACE, message, { value, evenIfGone: true });

  const plain = await stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(GRACE, INCIDENT).find((one) => words.test(shown(one).replaceAll(/[`ˋ]/g, ''))),
  );
  expect(plain.notifies).not.toContain('@channel');
  expect(runs).toEqual(['overview']);
  expect(stage.workspace.messages(INCIDENT)).toHaveLength(1);
  expect(stage.log.filter((line) => line.includes('"level":50'))).toEqual([]);
});

test('checks still run while remediations are frozen', async () => {
  await start();
  await ask();
  const message = await messageWithButton();
  await stage.workspace.command({
    userId: ADA,
    channelId: INCIDENT,
    command: '/wrench',
    text: 'freeze because of the migration',
  });

  await click(GRACE, message);

  await answered(2);
  expect(runs).toEqual(['overview', 'details']);
});
