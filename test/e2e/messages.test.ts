import { afterEach, expect, test } from 'vitest';
import type { Config } from '../../src/config/read-config.ts';
import { openAuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';
import { makeFakeSystem, makeFixableCheck } from '../world/fake-system.ts';
import type { Message } from '../workspace/model.ts';
import {
  ADA,
  GRACE,
  INCIDENT,
  KATE,
  PLATFORM,
  PLATFORM_TEAM,
  RANDOM,
  setStage,
  type Stage,
} from './harness.ts';

/** Commands in messages: mentions in channels and threads, and direct messages. */

let stage: Stage;
let redis: RedisConnection;
afterEach(async () => {
  redis.disconnect();
  await stage.close();
});

/** The size that each run had as its argument. */
let runs: string[];
/** What the check waits for. */
let gate: Promise<void> | undefined;

async function start(delivery: 'http' | 'socket' = 'http', config: Partial<Config> = {}): Promise<void> {
  runs = [];
  gate = undefined;
  const things = makeCheck(async () => {
    runs.push('things');
    await gate;
  });
  stage = await setStage({ delivery, catalogue: makeCatalogue({ things }), config });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await stage.startWorker();
  await stage.startBot();
}

const BOT = '<@U0123WRENCH>';
type Writing = Partial<Parameters<Stage['workspace']['write']>[0]>;
const write = (text: string, how: Writing = {}) =>
  stage.workspace.write({ userId: ADA, channelId: INCIDENT, text, ...how });
const direct = (userId = ADA) => stage.workspace.direct(userId).id;

/** The visible text of a message, without the characters that keep names from becoming links. */
const shown = ({ text }: Message) => text.replaceAll('\u200B', '');
const isAnswer = ({ text }: Message) => text.includes('1 of 41');
/** The first message of the answer in a thread. */
const answerIn = (channelId: string, threadTs: string, count = 1) =>
  stage.workspace.waitFor(() =>
    stage.workspace
      .thread(channelId, threadTs)
      .filter(isAnswer)
      .slice(0, count)
      .at(count - 1),
  );
const privateReply = (userId: string, words: RegExp, channelId = INCIDENT) =>
  stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(userId, channelId).find((one) => words.test(shown(one))),
  );
const fromBot = (channelId: string) =>
  stage.workspace.messages(channelId).filter(({ user }) => user === 'U0123WRENCH');

async function refusals() {
  const page = await openAuditLog(redis, PREFIX).page();
  return page.map(({ raw }) => parseEntry(raw)?.entry).filter((entry) => entry?.kind === 'refused');
}

test.each(['http', 'socket'] as const)(
  'over %s a mention is answered in a thread under it, with all details there',
  async (delivery) => {
    await start(delivery);

    const { message, delivered } = await write(`${BOT} lab things —size “two words”`);

    expect(delivered).toMatchObject({ status: 200 });
    const answer = await answerIn(INCIDENT, message.ts);
    expect(JSON.stringify(answer.blocks)).toContain('/lab things');
    expect(JSON.stringify(answer.blocks)).toContain(`<@${ADA}>`);
    await stage.workspace.waitFor(() =>
      stage.workspace.thread(INCIDENT, message.ts).some(({ text }) => text.includes('thing-1 is broken')),
    );
    expect(fromBot(INCIDENT)).toEqual([]);
    expect(stage.workspace.ephemerals(ADA, INCIDENT)).toEqual([]);
  },
);

test('a mention in a thread is answered in that thread', async () => {
  await start();
  const { ts } = stage.workspace.say(GRACE, INCIDENT, 'The login fails.');

  await write(`Could it be this? ${BOT} lab things`, { threadTs: ts });

  const answer = await answerIn(INCIDENT, ts);
  expect(answer.threadTs).toBe(ts);
  expect(fromBot(INCIDENT)).toEqual([]);
});

test('a long check shows its progress in the thread, where the report replaces it', async () => {
  await start();
  const open = Promise.withResolvers<void>();
  gate = open.promise;

  const { message } = await write(`${BOT} lab things`);

  const progress = await stage.workspace.waitFor(() => stage.workspace.thread(INCIDENT, message.ts)[1]);
  expect(progress.text).toContain('Checking prod');
  open.resolve();
  expect((await answerIn(INCIDENT, message.ts)).ts).toBe(progress.ts);
  expect(fromBot(INCIDENT)).toEqual([]);
});

test.each(['http', 'socket'] as const)(
  'over %s a direct message needs no mention and is answered there',
  async (delivery) => {
    await start(delivery);

    await write('lab things', { channelId: direct() });

    const root = await stage.workspace.waitFor(() => stage.workspace.messages(direct()).find(isAnswer));
    expect(root.threadTs).toBeUndefined();
    expect(stage.workspace.messages(INCIDENT)).toEqual([]);
  },
);

test('an event that Slack delivers several times is answered once, by a run of its own', async () => {
  await start();
  stage.workspace.faults.deliverTimes(3);
  const { message, delivered } = await write(`${BOT} lab things`);
  await answerIn(INCIDENT, message.ts);
  await stage.workspace.redeliver(delivered?.payload ?? {}, 2);
  await write(`${BOT} help`);
  await privateReply(ADA, /Commands/);
  stage.workspace.faults.deliverTimes(1);

  // Everything that a delivery would start is finished before a later message gets its answer.
  const later = await write(`${BOT} lab things --size 9`);
  await answerIn(INCIDENT, later.message.ts);

  expect(runs).toHaveLength(2);
  expect(stage.workspace.thread(INCIDENT, message.ts).filter(isAnswer)).toHaveLength(1);
  expect(stage.workspace.ephemerals(ADA, INCIDENT)).toHaveLength(1);
});

test('the same question in two threads runs once, and each thread gets the answer', async () => {
  await start();
  const open = Promise.withResolvers<void>();
  gate = open.promise;
  const [first, second] = [
    await write(`${BOT} lab things`),
    await write(`${BOT} lab things`, { userId: GRACE }),
  ];
  // The progress message of both shows that both are waiting.
  for (const { message } of [first, second])
    await stage.workspace.waitFor(() => stage.workspace.thread(INCIDENT, message.ts)[1]);
  open.resolve();

  for (const { message } of [first, second]) await answerIn(INCIDENT, message.ts);
  expect(runs).toHaveLength(1);
});

test('the same question twice in one thread gets a private link to the first answer', async () => {
  await start();
  const open = Promise.withResolvers<void>();
  gate = open.promise;
  const { message } = await write(`${BOT} lab things`);
  await stage.workspace.waitFor(() => runs.length > 0);

  await write(`${BOT} lab things`, { userId: GRACE, threadTs: message.ts });

  const { threadTs } = await privateReply(GRACE, /already running/);
  expect(threadTs).toBe(message.ts);
  open.resolve();
  await answerIn(INCIDENT, message.ts);
  expect(runs).toHaveLength(1);
});

test.each([
  ['nothing', BOT],
  ['thanks', `${BOT} thanks, that was quick!`],
  ['a question', `${BOT} why is the login slow?`],
  ['a mention without a space', `${BOT}help`],
  ['a call to everyone', `${BOT} <!channel> &lt;!here&gt;`],
])('a mention with %s gets help, visible only to its author', async (_, text) => {
  await start();

  await write(text, { userId: KATE });

  const help = await privateReply(KATE, /Commands/);
  expect(help.notifies).toEqual([]);
  expect(fromBot(INCIDENT)).toEqual([]);
  expect(runs).toEqual([]);
});

test.each([
  ['a misspelt check', 'lab thigns', /Did you mean .\/lab things/],
  ['a misspelt command', 'freez', /Did you mean .\/wrench freeze/],
  ['an unknown environment', 'lab things --env prd', /Unknown environment/],
  ['an unclosed quote', 'lab things --size “2', /quote/],
  ['help of a check', 'lab things help', /lab things/],
])('%s gets a private answer: in direct messages an ordinary one', async (_, text, words) => {
  await start();

  await write(`${BOT} ${text}`);
  await write(text, { channelId: direct() });

  await privateReply(ADA, words);
  await stage.workspace.waitFor(() => fromBot(direct()).find((one) => words.test(shown(one))));
  expect(stage.workspace.ephemerals(ADA, direct())).toEqual([]);
  expect(runs).toEqual([]);
});

test('a command of Wrench itself needs the same role, and everyone sees what changed', async () => {
  await start();

  await write(`${BOT} freeze because of the migration`, { userId: KATE });
  const { message } = await write(`${BOT} freeze because of the migration`);

  await privateReply(KATE, /You need the requester or approver role/);
  const told = await stage.workspace.waitFor(() => stage.workspace.thread(INCIDENT, message.ts)[1]);
  expect(told.text).toMatch(/frozen/i);
  await expect.poll(refusals).toMatchObject([{ who: [KATE], what: '/wrench freeze' }]);
  await write(`${BOT} audit`, { userId: KATE });
  await privateReply(KATE, /auditor/);
  expect(fromBot(INCIDENT)).toEqual([]);
});

test('rules about channels and groups apply to messages', async () => {
  const askFrom = { channels: [PLATFORM], groups: [PLATFORM_TEAM] };
  await start('http', { environments: { prod: { sources: [], askFrom } } });

  await write(`${BOT} lab things`, { userId: GRACE });
  await write('lab things', { userId: GRACE, channelId: direct(GRACE) });
  await write(`${BOT} lab things`, { channelId: PLATFORM });
  const { message } = await write(`${BOT} lab things`, { userId: GRACE, channelId: PLATFORM });

  await privateReply(GRACE, /askFrom\.channels.*Try in <#C0123PLATFORM>/s);
  await stage.workspace.waitFor(() =>
    fromBot(direct(GRACE)).find((one) => /askFrom\.channels/.test(shown(one))),
  );
  await privateReply(ADA, /askFrom\.groups/, PLATFORM);
  await answerIn(PLATFORM, message.ts);
  await expect.poll(refusals).toHaveLength(3);
  expect(runs).toHaveLength(1);
});

test.each([
  [
    'of another workspace in a shared channel',
    { changed: { team: 'T0999OTHER', user_team: 'T0999OTHER' } },
    /people from other workspaces/i,
  ],
  [
    'of an hour ago',
    { changedAround: { event_time: Math.floor(Date.now() / 1_000) - 3_600 } },
    /6\d minutes late/,
  ],
  [
    'for another installation',
    { changedAround: { authorizations: [{ team_id: 'T0999OTHER' }] } },
    /another workspace/,
  ],
])('a mention %s is refused privately and audited', async (_, how, words) => {
  await start();

  await write(`${BOT} lab things`, how);

  await privateReply(ADA, words);
  await expect.poll(refusals).toHaveLength(1);
  expect(runs).toEqual([]);
});

test.each([
  ['of a bot', { bot_id: 'B0OTHER' }],
  ['of an app in the name of a person', { bot_profile: { id: 'B0OTHER' } }],
  ['of the bot itself', { user: 'U0123WRENCH' }],
  ['of Slackbot', { user: 'USLACKBOT' }],
  ['that was edited', { edited: { user: ADA, ts: '1.000100' } }],
  ['that is a change', { subtype: 'message_changed', message: { text: 'lab things' } }],
  ['that joined the channel', { subtype: 'channel_join' }],
  ['of a bot of old', { subtype: 'bot_message' }],
  ['that is hidden', { hidden: true }],
  ['without a text', { text: undefined }],
  ['whose text is an object', { text: {} }],
  ['without an author', { user: undefined }],
  ['whose author is a name', { user: 'ada' }],
  ['without a channel', { channel: undefined }],
  ['without a time', { ts: undefined }],
  ['in a thread that is no time', { thread_ts: 'constructor' }],
])('a message %s is ignored in channels and in direct messages', async (_, changed) => {
  await start();

  const mention = await write(`${BOT} lab things`, { changed });
  const message = await write('lab things', { channelId: direct(), changed });

  expect([mention.delivered?.status, message.delivered?.status]).toEqual([200, 200]);
  const last = await write(`${BOT} lab things --size 2`);
  await answerIn(INCIDENT, last.message.ts);
  expect(runs).toHaveLength(1);
  expect(fromBot(direct())).toEqual([]);
  expect(stage.workspace.ephemerals(ADA, INCIDENT)).toEqual([]);
  expect(await refusals()).toEqual([]);
  expect(stage.log.filter((line) => line.includes('"level":50'))).toEqual([]);
});

test.each([
  ['with a file', { subtype: 'file_share' }],
  ['that is sent to the channel too', { subtype: 'thread_broadcast' }],
])('a message %s is answered like any other', async (_, changed) => {
  await start();
  const { ts } = stage.workspace.say(GRACE, INCIDENT, 'The login fails.');

  await write(`${BOT} lab things`, { threadTs: ts, changed });
  await answerIn(INCIDENT, ts);
  await write('lab things', { channelId: direct(), changed });

  await stage.workspace.waitFor(() => stage.workspace.messages(direct()).find(isAnswer));
  expect(runs).toHaveLength(2);
});

test('a mention within a sentence changes nothing, and its author gets help', async () => {
  await start();
  await write(`${BOT} freeze because of the migration`);

  await write(`Don't ${BOT} unfreeze before Ada is back`, { userId: GRACE });

  await privateReply(GRACE, /\/wrench unfreeze \[because/);
  // If it was no longer frozen, this would say so.
  const { message } = await write(`${BOT} unfreeze`, { userId: GRACE });
  const told = await stage.workspace.waitFor(() => stage.workspace.thread(INCIDENT, message.ts)[1]);
  expect(told.text).toMatch(/unfrozen/i);
});

test('a mention of a bot, a deactivated account or a person of another workspace is refused privately', async () => {
  await start();
  for (const [at, profile] of [{ isBot: true }, { isDeleted: true }, { teamId: 'T0999OTHER' }].entries()) {
    stage.workspace.setUser(KATE, { isBot: false, isDeleted: false, teamId: 'T0123DEMO', ...profile });
    await write(`${BOT} lab things`, { userId: KATE });
    await stage.workspace.waitFor(() => stage.workspace.ephemerals(KATE, INCIDENT)[at]);
  }

  expect(stage.workspace.ephemerals(KATE, INCIDENT).map(shown).join('\n')).toMatch(
    /bots can't do this.*deactivated.*other workspaces/is,
  );
  await expect.poll(refusals).toHaveLength(3);
  expect(runs).toEqual([]);
});

test('a flood of mentions is refused once, and then not answered', async () => {
  await start('http', {
    limits: { checkSeconds: 30, checksAtOnce: 10, takeOverSeconds: 2, stopSeconds: 1, perPersonPerMinute: 2 },
  });

  for (let at = 0; at < 8; at++) await write(`${BOT} help`, { userId: KATE });
  const { message } = await write(`${BOT} lab things`);

  await answerIn(INCIDENT, message.ts);
  await privateReply(KATE, /more than 2 commands and clicks/);
  expect(stage.workspace.ephemerals(KATE, INCIDENT)).toHaveLength(3);
  expect(await refusals()).toHaveLength(1);
});

test('in direct messages, a fix that needs approval is not offered: no one else could approve it', async () => {
  const system = makeFakeSystem(['pump']);
  const catalogue = makeCatalogue({
    things: makeFixableCheck(system),
    others: makeFixableCheck(system, 'safe'),
  });
  stage = await setStage({ delivery: 'http', catalogue });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await stage.startWorker();
  await stage.startBot();
  const fixesIn = (words: string) =>
    stage.workspace.waitFor(() =>
      stage.workspace.messages(direct()).find(({ blocks }) => JSON.stringify(blocks ?? []).includes(words)),
    );

  await write('lab things', { channelId: direct() });
  const refused = await fixesIn('no one else sees direct messages');
  await write('lab others', { channelId: direct() });
  const { ts } = await fixesIn('wrench:request');
  await stage.workspace.click({
    userId: ADA,
    channelId: direct(),
    messageTs: ts,
    actionId: 'wrench:request',
  });

  await expect.poll(() => system.applied.length).toBe(1);
  expect(JSON.stringify(refused.blocks)).not.toContain('wrench:request');
  expect(JSON.stringify(refused.blocks)).toContain('run the check in a channel');
});

test.each([
  ['a quoted mention', `type \`${BOT} lab things\``, {}],
  ['a message to a channel', 'lab things', { changed: { type: 'message', channel_type: 'channel' } }],
  [
    'a mention that arrives as a message too',
    `${BOT} lab things`,
    { changed: { type: 'message', channel_type: 'channel' } },
  ],
  ['a group conversation', `${BOT} lab things`, { changed: { type: 'message', channel_type: 'mpim' } }],
])('%s is ignored', async (_, text, how) => {
  await start();

  await write(text, how);

  await write(`${BOT} help`);
  await privateReply(ADA, /Commands/);
  expect(runs).toEqual([]);
  expect(stage.workspace.ephemerals(ADA, INCIDENT)).toHaveLength(1);
});

test('a message while Redis is down gets a private answer', async () => {
  await start();
  await stage.redis.kill();

  await write(`${BOT} lab things`);

  const { text } = await privateReply(ADA, /couldn't process this message/);
  expect(text).toContain('Send it again in a minute');
  await stage.redis.start();
});

test('while no worker runs, the thread says what the check waits for, until the report replaces it', async () => {
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue({ things: makeCheck() }) });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await stage.startBot();

  const { message } = await write(`${BOT} lab things`);

  const waiting = await stage.workspace.waitFor(() => stage.workspace.thread(INCIDENT, message.ts)[1]);
  expect(waiting.text).toContain('Waiting for a worker');
  await stage.startWorker();
  expect((await answerIn(INCIDENT, message.ts)).ts).toBe(waiting.ts);
});

test('without a place in the channel, a command that takes longer gets a private sign, then its answer', async () => {
  await start();
  const open = Promise.withResolvers<void>();
  gate = open.promise;

  const { body } = await stage.workspace.command({
    userId: ADA,
    channelId: RANDOM,
    command: '/lab',
    text: 'things',
  });

  expect(body).toBeUndefined();
  await privateReply(ADA, /Running `\/lab things`/, RANDOM);
  open.resolve();
  await stage.workspace.waitFor(() => stage.workspace.messages(RANDOM).find(isAnswer));
});

test('a finding in the thread of a mention is fixed in the same thread', async () => {
  const system = makeFakeSystem(['pump']);
  stage = await setStage({
    delivery: 'http',
    catalogue: makeCatalogue({ things: makeFixableCheck(system) }),
  });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await stage.startWorker();
  await stage.startBot();
  const { ts } = stage.workspace.say(GRACE, INCIDENT, 'The pump is down.');
  const press = async (userId: string, actionId: string) => {
    const button = await stage.workspace.waitFor(() =>
      stage.workspace
        .thread(INCIDENT, ts)
        .find(({ blocks }) => JSON.stringify(blocks ?? []).includes(`"${actionId}"`)),
    );
    await stage.workspace.click({ userId, channelId: INCIDENT, messageTs: button.ts, actionId });
  };

  await write(`${BOT} lab things`, { threadTs: ts });
  await press(ADA, 'wrench:request');
  await press(GRACE, 'wrench:approve');

  const answer = await stage.workspace.waitFor(() =>
    stage.workspace
      .thread(INCIDENT, ts)
      .find(({ text }) => text.includes('FIXED') && text.includes('Was: CRITICAL')),
  );
  expect(answer.threadTs).toBe(ts);
  expect(system.applied).toHaveLength(1);
  expect(fromBot(INCIDENT)).toEqual([]);
});
