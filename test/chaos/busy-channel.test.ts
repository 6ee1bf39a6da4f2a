import { expect, test } from 'vitest';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { runBusyChannel } from './busy-channel.ts';

/** A short version of the busy channel of `npm run chaos`. */
const QUESTIONS = 20;
const SEED = 7;
const REST_WITHIN_MS = 120_000;

test.concurrent.each([
  ['while Slack works', false],
  ['while Slack fails, applies rate limits, and loses replies', true],
] as const)(
  'many checks in one channel %s each get one report, in order, and leave nothing behind',
  async (_, hasFaults) => {
    const { invariants, figures } = await runBusyChannel({
      seed: SEED,
      questions: QUESTIONS,
      hasFaults,
      idleWithinMs: REST_WITHIN_MS,
    });

    expect(Object.fromEntries(invariants.map(({ what, cases }) => [what, cases]))).toEqual(
      Object.fromEntries(invariants.map(({ what }) => [what, []])),
    );
    const posted = figures.find(({ what }) => what === 'messages posted')?.count;
    expect(posted).toBeGreaterThanOrEqual(QUESTIONS);
  },
  WORLD_TEST_TIMEOUT_MS,
);
