import { expect, test } from 'vitest';
import { startClock } from './clock.ts';

/** The clock of a member that is this far ahead, measured by responses at these times that took this long. */
async function seen(aheadMs: number, atMs: readonly number[], tookMs = 4): Promise<number | undefined> {
  let now = 0;
  const clock = startClock(() => now);
  for (const at of atMs) {
    now = at;
    await clock.watch(async () => {
      const theirs = Math.floor((now + tookMs / 2 + aheadMs) / 1000) * 1000;
      now += tookMs;
      return { status: 200, text: '', headers: { date: new Date(theirs).toUTCString() } };
    });
  }
  return clock.aheadMs();
}

test('never reports a correct clock as wrong, at any point within a second', async () => {
  for (let at = 1_000_000; at < 1_001_000; at += 50) expect(await seen(0, [at])).toBe(0);
});

test('reports a skew of seconds as no more than it is, and at most one second less', async () => {
  for (const aheadMs of [-90_000, -2_500, 2_500, 90_000])
    for (let at = 1_000_000; at < 1_001_000; at += 50) {
      const skewMs = Math.abs((await seen(aheadMs, [at]))!);
      expect(skewMs).toBeLessThanOrEqual(Math.abs(aheadMs));
      expect(skewMs).toBeGreaterThanOrEqual(Math.abs(aheadMs) - 1_005);
    }
});

test('several responses narrow the range', async () => {
  const skewMs = await seen(2_500, [1_000_000, 1_000_250, 1_000_490, 1_000_510, 1_000_750]);
  expect(skewMs).toBeGreaterThan(2_450);
});

test('the clock of a server that sends no date is unknown', async () => {
  const clock = startClock();
  await clock.watch(async () => ({ status: 200, text: '', headers: {} }));
  expect(clock.aheadMs()).toBeUndefined();
});
