import { expect, test } from 'vitest';
import { questionIdOf, runIdOf } from '../../src/queue/queues.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { waitUntilIdle } from './evidence.ts';
import { drawKeyKinds, growing, readKeyKinds } from './key-kinds.ts';
import { REQUESTERS } from './people.ts';
import { postsIn } from './posts.ts';
import { whyNotFlat } from './soak.ts';
import { type ChaosStage, setChaosStage } from './stage.ts';

/**
 * A short version of `npm run chaos -- --soak`, with so many commands that anything that grows with them
 * exceeds every bound.
 */
const QUESTIONS = 2_000;
/** Half as many: anything stored for each command exceeds it. */
const BOUND = QUESTIONS / 2;
/** Each gets a few reports, which its rate limit allows immediately. */
const CHANNELS = 500;
const ASKED_AT_ONCE = 10;
const REST_WITHIN_MS = 120_000;

async function ask({ queues, channels }: ChaosStage): Promise<void> {
  const [by = ''] = REQUESTERS;
  let next = 0;
  const inTurn = async () => {
    for (let number = next++; number < QUESTIONS; number = next++) {
      const args = { number: String(number * 10 + 1) };
      await queues.enqueueCheck(
        {
          runId: runIdOf(`question ${number}`),
          check: 'lab/question',
          environment: 'prod',
          args,
          asked: {
            by,
            teamId: 'T0123DEMO',
            channelId: channels[number % CHANNELS] ?? '',
            as: `/lab question ${number}`,
            at: new Date().toISOString(),
          },
        },
        questionIdOf('lab/question', 'prod', args),
      );
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, inTurn));
}

test(
  'nothing lasting in Redis grows with the number of commands, after thousands of them',
  async () => {
    await using cleanup = new AsyncDisposableStack();
    const stage = await setChaosStage(cleanup, {
      batches: CHANNELS,
      thingsInBatch: 0,
      workers: 1,
      bots: 1,
      slowMs: 0,
      pace: { approveWithinSeconds: 60, applyWithinSeconds: 60, membershipSeconds: 60, takeOverSeconds: 30 },
    });

    await stage.connection.ping();
    await ask(stage);
    await waitUntilIdle(stage, REST_WITHIN_MS);

    const answered = new Set(postsIn(stage.workspace.requests).map(({ runId }) => runId));
    expect(answered.size).toBe(QUESTIONS);
    const kinds = await readKeyKinds(stage.connection);
    expect(drawKeyKinds(growing(kinds, BOUND)).slice(1)).toEqual([]);
  },
  WORLD_TEST_TIMEOUT_MS,
);

test('memory is flat if no sample after the warm-up is more than 10 % above the first of them', () => {
  const samples = (...bytes: readonly number[]) =>
    bytes.map((one, at) => ({ atSeconds: at * 10, bytes: one, commands: at }));

  expect(whyNotFlat(samples(1, 50, 100, 105, 110, 100), 20)).toBeUndefined();
  expect(whyNotFlat(samples(1, 50, 100, 105, 111, 100), 20)).toBe('11.0 % more at 40 s than at 20 s');
  expect(whyNotFlat(samples(1, 50, 100), 20)).toBe('too few samples');
});
