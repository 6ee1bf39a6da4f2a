import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { openPostDeduplication } from '../../src/store/thread/post-deduplication.ts';
import { connectBlocking } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import type { Message } from '../workspace/model.ts';
import { makeFixableCheck, makeFakeSystem } from '../world/fake-system.ts';
import { ADA, GRACE, INCIDENT, PLATFORM, RANDOM, SECRET, setStage, type Stage, TOKENS } from './harness.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';

let stage: Stage;
afterEach(async () => {
  await stage.close();
});

const lab = (text: string, userId = ADA, channelId = INCIDENT) => ({
  userId,
  channelId,
  command: '/lab',
  text,
});
const catalogue = makeCatalogue({
  broken: makeCheck(),
  many: makeCheck(undefined, 40),
  brief: makeCheck(() => sleep(50)),
});

async function start(options: Partial<Parameters<typeof setStage>[0]> = {}): Promise<void> {
  stage = await setStage({ delivery: 'http', catalogue, ...options });
  await stage.startWorker();
  await stage.startBot();
}

const rootOf = (channelId = INCIDENT): Message | undefined => stage.workspace.messages(channelId)[0];
const repliesOf = (channelId = INCIDENT): readonly Message[] => {
  const root = rootOf(channelId);
  return root ? stage.workspace.thread(channelId, root.ts).slice(1) : [];
};
/** Everything that was still to be posted is there once a later command gets its response. */
async function settle(answers: number): Promise<void> {
  const { workspace } = stage;
  const answered = () =>
    workspace.messages(INCIDENT).filter(({ text }) => text.includes('1 of 41')).length > answers;
  await workspace.waitFor(() => workspace.faults.active().length === 0);
  await workspace.command(lab('broken later'));
  await workspace.waitFor(answered);
}
const keysOf = (messages: readonly Message[]) =>
  messages.map(({ metadata }) => (metadata?.event_payload['key'] ?? '') as string);

test('while Redis is down a command gets an immediate error, and works again when Redis is back', async () => {
  await start();
  const { workspace, redis } = stage;
  await redis.kill();

  // Redis is started again only below, so these responses did not wait for it.
  const { status } = await workspace.command(lab('broken'));

  expect(status).toBe(200);
  expect(workspace.ephemerals(ADA, INCIDENT).at(-1)?.text).toMatch(/NOT STARTED.*Redis/s);
  await redis.start();
  await expect
    .poll(
      // A check that is queued needs no private answer.
      async () => (await workspace.command(lab('broken'))).body,
      { interval: 500 },
    )
    .toBeUndefined();
  await workspace.waitFor(() => rootOf()?.text.includes('1 of 41'));
});

test('a rate limit delays a report, loses nothing, keeps the order, and delays no other channel for long', async () => {
  await start();
  const { workspace } = stage;
  workspace.faults.rateLimit('chat.postMessage', { retryAfterSeconds: 1, times: 2 });

  await workspace.command(lab('many'));
  await workspace.command(lab('broken', GRACE, PLATFORM));

  await workspace.waitFor(() => stage.workspace.files(INCIDENT, rootOf()?.ts ?? '').length > 0);
  await workspace.waitFor(() => rootOf(PLATFORM)?.text.includes('1 of 41'));
  const keys = keysOf(repliesOf()).filter((key) => key.includes('/reply-'));
  expect(keys.length).toBeGreaterThan(1);
  expect(keys).toEqual(keys.map((_, at) => keys[0]?.replace('reply-0', `reply-${at}`)));
  expect(workspace.messages(INCIDENT)).toHaveLength(1);
});

test('if Slack is known to drop repeated posts, none appears twice after 500s and lost replies', async () => {
  await start();
  const { workspace, redis } = stage;
  const connection = connectBlocking(redis, () => undefined);
  await openPostDeduplication(connection, PREFIX).save({ drops: true, at: new Date().toISOString() });
  connection.disconnect();
  workspace.faults.dropRepeats(true);
  workspace.faults.serverError('chat.postMessage', { status: 500, times: 1 });
  workspace.faults.loseAnswer('chat.postMessage', { times: 2 });

  await workspace.command(lab('broken'));

  await workspace.waitFor(() => rootOf()?.text.includes('1 of 41'));
  await settle(1);
  expect(workspace.messages(INCIDENT)).toHaveLength(2);
  expect(new Set(keysOf(repliesOf())).size).toBe(repliesOf().length);
});

test('otherwise a post without a confirmation is posted again rather than lost', async () => {
  await start();
  const { workspace } = stage;
  workspace.faults.loseAnswer('chat.postMessage', { times: 1 });

  await workspace.command(lab('broken'));

  await workspace.waitFor(() => workspace.messages(INCIDENT).some(({ text }) => text.includes('1 of 41')));
  expect(workspace.messages(INCIDENT).length).toBeLessThanOrEqual(2);
  expect(workspace.requests.filter(({ method }) => method.startsWith('conversations.'))).toEqual([]);
});

test('a bot that restarts in the middle of a thread posts the rest, and nothing twice', async () => {
  stage = await setStage({ delivery: 'http', catalogue });
  await stage.startWorker();
  const first = await stage.startBot();
  const { workspace } = stage;
  workspace.faults.slow('chat.postMessage', { ms: 150 });
  await workspace.command(lab('many'));
  await workspace.waitFor(() => repliesOf().length >= 1);

  await first.close();
  await stage.startBot();

  await workspace.waitFor(() => workspace.files(INCIDENT, rootOf()?.ts ?? '').length > 0);
  const keys = keysOf(repliesOf()).filter(Boolean);
  expect(new Set(keys).size).toBe(keys.length);
  expect(workspace.messages(INCIDENT)).toHaveLength(1);
});

test('every command gets one report if Redis is killed and restarted while reports are being posted', async () => {
  stage = await setStage({ delivery: 'http', catalogue });
  await stage.startWorker();
  await stage.startBot();
  const { workspace, redis } = stage;
  for (let at = 0; at < 6; at++) await workspace.command(lab(`brief ${at}`));

  await redis.kill();
  await sleep(300);
  await redis.start();

  await workspace.waitFor(
    () => workspace.messages(INCIDENT).filter(({ text }) => text.includes('1 of 41')).length >= 6,
  );
  await settle(6);
  expect(workspace.messages(INCIDENT)).toHaveLength(7);
});

test.each([
  ['a public channel the bot is not in', RANDOM],
  ['a private channel the bot is not in', SECRET],
])('a command from %s gets its report through the response_url', async (_, channelId) => {
  await start();
  const { workspace } = stage;

  await workspace.command(lab('broken', ADA, channelId));

  const answer = await workspace.waitFor(() =>
    workspace.messages(channelId).find(({ text }) => text.includes('1 of 41')),
  );
  expect(answer.text).toContain('invite Wrench');
});

test('a deleted progress message does not lose the report', async () => {
  const gate = Promise.withResolvers<void>();
  await start({ catalogue: makeCatalogue({ slow: makeCheck(() => gate.promise) }) });
  const { workspace } = stage;
  await workspace.command(lab('slow'));
  const progress = await workspace.waitFor(() => rootOf());
  await fetch(`${workspace.apiUrl}chat.delete`, {
    method: 'POST',
    body: new URLSearchParams({ token: TOKENS.bot, channel: INCIDENT, ts: progress.ts }),
  });

  gate.resolve();

  const answer = await workspace.waitFor(() =>
    workspace.messages(INCIDENT).find(({ text }) => text.includes('1 of 41')),
  );
  expect(answer.ts).not.toBe(progress.ts);
});

test('without files:write the thread says what is missing instead of attaching the list', async () => {
  await start({ scopes: ['commands', 'chat:write'] });
  const { workspace } = stage;

  await workspace.command(lab('many'));

  const note = await workspace.waitFor(() =>
    repliesOf().find(({ text }) => text.includes("couldn't be attached")),
  );
  expect(note.text).toContain('files:write');
});

test('a check whose worker must stop is returned to the queue and run by another worker', async () => {
  let starts = 0;
  const check = makeCheck(async (signal) => {
    starts += 1;
    if (starts > 1) return;
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  });
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue({ slow: check }) });
  const first = await stage.startWorker();
  await stage.startBot();
  const { workspace } = stage;
  await workspace.command(lab('slow'));
  await workspace.waitFor(() => starts === 1 && rootOf());

  await first.close();
  await stage.startWorker();

  await workspace.waitFor(() => rootOf()?.text.includes('1 of 41'));
  expect(starts).toBe(2);
});

test('if Slack closes the socket and refuses new ones for a while, the bot reports it, waits and reconnects', async () => {
  stage = await setStage({ delivery: 'socket', catalogue });
  await stage.startWorker();
  const bot = await stage.startBot();
  const { workspace } = stage;
  const slack = () => bot.readiness['slack']?.();
  expect(slack()).toBe(true);
  workspace.faults.serverError('apps.connections.open', { status: 503, times: 3 });

  workspace.sockets.cut();
  await expect.poll(slack).toContain('not connected');
  await expect.poll(slack).toBe(true);

  await workspace.command(lab('broken'));
  await workspace.waitFor(() => rootOf()?.text.includes('1 of 41'));
});

test('if Slack refuses the token, the bot does not start and says what to check', async () => {
  stage = await setStage({ delivery: 'http', catalogue });
  await expect(stage.startBot({ slackBotToken: 'xoxb-not-this-one' })).rejects.toThrow(
    /invalid_auth.*SLACK_BOT_TOKEN/s,
  );
});

test('a report that Slack refuses wherever the bot posts goes to the response_url', async () => {
  await start({ scopes: ['commands', 'users:read', 'usergroups:read'] });
  const { workspace } = stage;

  await workspace.command(lab('broken'));

  const answer = await workspace.waitFor(() =>
    workspace.messages(INCIDENT).find(({ text }) => text.includes('1 of 41')),
  );
  expect(answer.metadata).toBeUndefined();
});

test('fixes are offered even if files cannot be uploaded', async () => {
  const things = Array.from({ length: 60 }, (_, at) => `thing-${at}`);
  await start({ catalogue: makeCatalogue({ mendable: makeFixableCheck(makeFakeSystem(things)) }) });
  const { workspace } = stage;
  workspace.faults.serverError('files.getUploadURLExternal', { status: 503 });

  await workspace.command(lab('mendable'));

  const notice = "The full list couldn't be attached: the upload to Slack failed.";
  await workspace.waitFor(() => repliesOf().some(({ text }) => text === notice));
  expect(repliesOf()[0]?.text).toMatch(/^Fixes/);
});
