import { expect, test } from 'vitest';
import { startClock } from './clock.ts';

/** The clock of a member that is so far ahead, seen by answers at these moments that took so long. */
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

test('a correct clock is never reported as wrong, whenever in the second it is asked', async () => {
  for (let at = 1_000_000; at < 1_001_000; at += 50) expect(await seen(0, [at])).toBe(0);
});

test('a clock that is off by seconds is reported off by no more than that, and by at most a second less', async () => {
  for (const aheadMs of [-90_000, -2_500, 2_500, 90_000])
    for (let at = 1_000_000; at < 1_001_000; at += 50) {
      const told = Math.abs((await seen(aheadMs, [at]))!);
      expect(told).toBeLessThanOrEqual(Math.abs(aheadMs));
      expect(told).toBeGreaterThanOrEqual(Math.abs(aheadMs) - 1_005);
    }
});

test('several answers narrow it', async () => {
  const told = await seen(2_500, [1_000_000, 1_000_250, 1_000_490, 1_000_510, 1_000_750]);
  expect(told).toBeGreaterThan(2_450);
});

test('a server that sends no date gives no clock', async () => {
  const clock = startClock();
  await clock.watch(async () => ({ status: 200, text: '', headers: {} }));
  expect(clock.aheadMs()).toBeUndefined();
});
