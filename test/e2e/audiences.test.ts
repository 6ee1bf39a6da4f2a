import { afterEach, expect, test } from 'vitest';
import { ADA, GRACE, INCIDENT, KATE, PLATFORM, setStage, type Stage } from './harness.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';

const DIRECT = 'D0123KATE';

let stage: Stage;
let runs: number;
let gate: PromiseWithResolvers<void>;
afterEach(() => stage.close());

/** A check that runs until the gate opens. */
async function setUp(): Promise<Stage['workspace']> {
  runs = 0;
  gate = Promise.withResolvers();
  const slow = makeCheck(() => {
    runs += 1;
    return gate.promise;
  });
  const direct = { id: DIRECT, name: 'kate', isPrivate: true, botIsMember: true, members: [KATE] };
  stage = await setStage({
    delivery: 'http',
    catalogue: makeCatalogue({ slow }),
    channels: [direct],
  });
  await stage.startWorker();
  await stage.startBot();
  return stage.workspace;
}

const ask = (userId: string, channelId: string, text = 'slow') =>
  stage.workspace.command({ userId, channelId, command: '/lab', text });
const answersIn = (channelId: string) =>
  stage.workspace.messages(channelId).filter(({ text }) => text.includes('1 of 41'));
const linkTo = (channelId: string, ts: string) =>
  `https://demo.slack.com/archives/${channelId}/p${ts.replace('.', '')}`;
const privateReplies = (userId: string, channelId: string) =>
  stage.workspace.ephemerals(userId, channelId).flatMap(({ links }) => links);

test('the same check from another channel and a direct message runs once, with an answer in each', async () => {
  const workspace = await setUp();
  await ask(ADA, INCIDENT);
  const inPlatform = await ask(GRACE, PLATFORM, 'slow size=1');
  await ask(KATE, DIRECT);
  await workspace.waitFor(() =>
    workspace.messages(PLATFORM).some(({ text }) => text.startsWith('Checking ')),
  );
  await workspace.redeliver(inPlatform.payload, 2);

  gate.resolve();

  await workspace.waitFor(() => answersIn(INCIDENT)[0] && answersIn(PLATFORM)[0] && answersIn(DIRECT)[0]);
  expect(runs).toBe(1);
  for (const channelId of [INCIDENT, PLATFORM, DIRECT]) {
    expect(workspace.messages(channelId)).toHaveLength(1);
  }
  expect(JSON.stringify(answersIn(PLATFORM)[0]?.blocks)).toContain(GRACE);
  expect(JSON.stringify(answersIn(INCIDENT)[0]?.blocks)).toContain(ADA);
});

test('a second requester in the channel gets the link to the thread', async () => {
  const workspace = await setUp();
  await ask(ADA, INCIDENT);
  const root = await workspace.waitFor(() => workspace.messages(INCIDENT)[0]);

  await ask(GRACE, INCIDENT, 'slow size=1');

  expect(privateReplies(GRACE, INCIDENT)).toEqual([linkTo(INCIDENT, root.ts)]);
  expect(workspace.ephemerals(GRACE, INCIDENT).at(-1)?.text).toContain(`<@${ADA}>`);
  gate.resolve();
  await workspace.waitFor(() => answersIn(INCIDENT)[0]);
  expect(workspace.messages(INCIDENT)).toHaveLength(1);
});

test('a second requester gets the link later if the thread does not exist yet', async () => {
  const workspace = await setUp();
  workspace.faults.rateLimit('chat.postMessage', { retryAfterSeconds: 1 });
  await ask(ADA, INCIDENT);

  await ask(GRACE, INCIDENT);

  expect(workspace.ephemerals(GRACE, INCIDENT).at(-1)?.text).toContain('already running');
  expect(privateReplies(GRACE, INCIDENT)).toEqual([]);
  workspace.faults.clear();
  gate.resolve();
  const root = await workspace.waitFor(() => answersIn(INCIDENT)[0]);
  await workspace.waitFor(() => privateReplies(GRACE, INCIDENT)[0]);
  expect(privateReplies(GRACE, INCIDENT)).toEqual([linkTo(INCIDENT, root.ts)]);
});

test('a second requester in a channel that joined another run gets the link to the thread there', async () => {
  const workspace = await setUp();
  await ask(ADA, INCIDENT);
  await ask(GRACE, PLATFORM);
  const root = await workspace.waitFor(() => workspace.messages(PLATFORM)[0]);

  await ask(KATE, PLATFORM);

  expect(privateReplies(KATE, PLATFORM)).toEqual([linkTo(PLATFORM, root.ts)]);
  expect(workspace.ephemerals(KATE, PLATFORM).at(-1)?.text).toContain(`<@${GRACE}>`);
  gate.resolve();
  await workspace.waitFor(() => answersIn(PLATFORM)[0]);
  expect(runs).toBe(1);
});
