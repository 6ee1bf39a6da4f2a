import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ADA, INCIDENT, setStage, type Stage } from './harness.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';

let stage: Stage;
afterEach(() => stage.close());

const lab = (text: string, userId = ADA, channelId = INCIDENT) => ({
  userId,
  channelId,
  command: '/lab',
  text,
});

/** The progress message of a check that takes longer than a second is not the report. */
const answersIn = (channelId: string) =>
  stage.workspace.messages(channelId).filter(({ text }) => !text.startsWith('Checking '));

test.each(['http', 'socket'] as const)(
  'over %s a command becomes a message with the verdict first',
  async (delivery) => {
    stage = await setStage({ delivery, catalogue: makeCatalogue({ broken: makeCheck() }) });
    await stage.startWorker();
    await stage.startBot();
    const { workspace } = stage;

    const answer = await workspace.command(lab('broken'));

    expect(answer.failure).toBeUndefined();
    expect(answer.body).toBeUndefined();
    const root = await workspace.waitFor(() => answersIn(INCIDENT)[0]);
    expect(root.text).toMatch(/CRITICAL.*1 of 41 things are broken/s);
    expect(root.text).toContain('thing-1 is broken');
    expect(workspace.ephemerals(ADA, INCIDENT)).toEqual([]);
  },
);

test.each(['http', 'socket'] as const)(
  'over %s a command that Slack delivers four times runs once',
  async (delivery) => {
    let runs = 0;
    const check = makeCheck(async () => {
      runs += 1;
    });
    stage = await setStage({ delivery, catalogue: makeCatalogue({ broken: check }) });
    await stage.startWorker();
    await stage.startBot();
    const { workspace } = stage;
    workspace.faults.deliverTimes(3);

    const { payload } = await workspace.command(lab('broken'));
    await workspace.waitFor(() => answersIn(INCIDENT)[0]);
    await workspace.redeliver(payload, 1);
    // Everything that a delivery would start is finished before a later command gets its response.
    await workspace.command(lab('broken 2'));
    await workspace.waitFor(() => answersIn(INCIDENT).length === 2);

    expect(runs).toBe(2);
    expect(workspace.messages(INCIDENT)).toHaveLength(2);
  },
);

test('a long check posts a progress message and replaces it by the report', async () => {
  const ended = new AbortController();
  const check = makeCheck(async (signal, saw) => {
    while (!ended.signal.aborted) {
      await sleep(100, undefined, { signal });
      saw('lab', 10);
    }
  });
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue({ long: check }) });
  await stage.startWorker();
  await stage.startBot();
  const { workspace } = stage;

  await workspace.command(lab('long'));

  const seen = () => workspace.messages(INCIDENT)[0]?.text ?? '';
  await workspace.waitFor(() => /Checking prod…/.test(seen()));
  await workspace.waitFor(() => /\d+ checked so far/.test(seen()));
  ended.abort();
  await workspace.waitFor(() => /1 of 41 things are broken/.test(seen()));
  expect(workspace.messages(INCIDENT)).toHaveLength(1);
});

test('a bug in Wrench is logged once with its job, and the channel gets the job id', async () => {
  const check = makeCheck(() => Promise.reject(new TypeError('undefined is not a certificate')));
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue({ buggy: check }) });
  await stage.startWorker();
  await stage.startBot();
  const { workspace } = stage;

  await workspace.command(lab('buggy'));

  const root = await workspace.waitFor(() => answersIn(INCIDENT)[0]);
  expect(root.text).toContain('bug in Wrench');
  const logged = stage.log.filter((line) => line.includes('undefined is not a certificate'));
  expect(logged).toHaveLength(1);
  const { jobId } = JSON.parse(logged[0] ?? '{}') as { jobId: string };
  expect(jobId).toMatch(/^r[0-9a-f]{16}$/);
  expect(root.text).toContain(jobId);
});

test.each([
  ['a misspelt check', '/lab', 'brokn', 'broken'],
  ['a misspelt flag', '/lab', 'broken --sise 3', '--size'],
  ['an unclosed curly quote', '/lab', 'broken “unclosed', 'quote'],
  ['ten thousand characters', '/lab', 'x'.repeat(10_000), 'the limit is'],
  ['an unknown environment', '/lab', 'broken --env prd', 'prod'],
  ['help', '/lab', 'help', '/lab broken'],
  ['nothing', '/lab', '', '/lab broken'],
  ['help of all', '/wrench', 'help', '/lab'],
  ['help of one', '/wrench', 'lab broken help', 'A test needs it'],
  ['an unknown command', '/labb', 'broken', 'lab'],
])('%s gets an immediate private response that says how to fix it', async (_, command, text, word) => {
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue({ broken: makeCheck() }) });
  await stage.startBot();
  const { workspace } = stage;

  const { status } = await workspace.command({ userId: ADA, channelId: INCIDENT, command, text });

  expect(status).toBe(200);
  expect(workspace.ephemerals(ADA, INCIDENT).at(-1)?.text).toContain(word);
  expect(workspace.messages(INCIDENT)).toHaveLength(0);
});

test('/wrench lab runs the same check as /lab, with the dashes and curly quotes that phones type', async () => {
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue({ broken: makeCheck() }) });
  await stage.startWorker();
  await stage.startBot();
  const { workspace } = stage;

  await workspace.command({
    userId: ADA,
    channelId: INCIDENT,
    command: '/wrench',
    text: 'lab broken —size “two words”',
  });

  const root = await workspace.waitFor(() => answersIn(INCIDENT)[0]);
  expect(root.text).toContain('1 of 41');
});

test.each([
  ['wrongly signed', { signature: 'wrong' }],
  ['not signed', { signature: 'missing' }],
  ['replayed after an hour', { timestampOffsetSeconds: -3_600 }],
  ['from the future', { timestampOffsetSeconds: 3_600 }],
] as const)('a request that is %s is refused', async (_, forgery) => {
  stage = await setStage({ delivery: 'http', catalogue: makeCatalogue({ broken: makeCheck() }) });
  await stage.startBot();
  const { status } = await stage.workspace.command({ ...lab('broken'), forgery });
  expect(status).toBe(401);
});
