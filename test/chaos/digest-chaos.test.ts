import { expect, test } from 'vitest';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { runDigestChaos } from './run-digest-chaos.ts';

/** A short version of the digests of `npm run chaos`. Each digest is due at least once in this time. */
const SECONDS = 62;
const SEED = 4;
const REST_WITHIN_MS = 90_000;

test(
  'no digest is lost or posted twice while workers, bots and Redis are killed and Slack fails',
  async () => {
    const { invariants, figures } = await runDigestChaos({
      seed: SEED,
      seconds: SECONDS,
      faults: {
        killEveryMs: [1_000, 4_000],
        redisKills: 2,
        redisKillEveryMs: [10_000, 20_000],
        redisDownMs: [200, 1_500],
      },
      idleWithinMs: REST_WITHIN_MS,
    });

    expect(Object.fromEntries(invariants.map(({ what, cases }) => [what, cases]))).toEqual(
      Object.fromEntries(invariants.map(({ what }) => [what, []])),
    );
    const count = (wanted: string) => figures.find(({ what }) => what === wanted)?.count;
    expect(count('of them due')).toBeGreaterThanOrEqual(3);
    expect(count('of them with news')).toBeGreaterThan(0);
    expect(count('processes killed')).toBeGreaterThan(0);
    expect(count('times Redis was killed')).toBeGreaterThan(0);
  },
  WORLD_TEST_TIMEOUT_MS,
);
