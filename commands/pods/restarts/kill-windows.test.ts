import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { probe } from './builders.ts';
import { canHaveEnded, fullKillWindowSeconds, killWindows } from './kill-windows.ts';

/** Delay 15 s, period 10 s, timeout 15 s, threshold 8. */
const etcd = probe();
const lived = (seconds: number, exitCode = 0) => ({ seconds, exitCode });

describe('killWindows', () => {
  test('of the etcd probe of kubeadm 1.12 are 85 to 95 s, and 135 to 145 s if it times out', () => {
    expect(killWindows(etcd)).toEqual({
      fails: { how: 'fails', fromSeconds: 85, toSeconds: 95 },
      timesOut: { how: 'times-out', fromSeconds: 135, toSeconds: 145 },
    });
  });

  test('overlap if the timeout is shorter than the period', () => {
    const scheduler = probe({
      initialDelaySeconds: 10,
      periodSeconds: 30,
      timeoutSeconds: 10,
      failureThreshold: 5,
    });
    expect(killWindows(scheduler)).toEqual({
      fails: { how: 'fails', fromSeconds: 130, toSeconds: 160 },
      timesOut: { how: 'times-out', fromSeconds: 140, toSeconds: 170 },
    });
  });

  test('begin with the first attempt if one failure is enough and there is no delay', () => {
    const strict = probe({
      initialDelaySeconds: 0,
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 1,
    });
    expect(killWindows(strict)).toEqual({
      fails: { how: 'fails', fromSeconds: 0, toSeconds: 10 },
      timesOut: { how: 'times-out', fromSeconds: 1, toSeconds: 11 },
    });
  });
});

/** When a worker kills whose first tick is this long after the start. It ticks once per period, and keeps one tick that it missed. */
function killAfter(
  { initialDelaySeconds, periodSeconds, failureThreshold }: ReturnType<typeof probe>,
  firstTick: number,
  attemptSeconds: number,
): number {
  let now = firstTick;
  while (now < initialDelaySeconds) now += periodSeconds;
  let nextTick = now + periodSeconds;
  for (let failures = 1; ; failures += 1) {
    now += attemptSeconds;
    if (failures === failureThreshold) return now;
    const isTickPending = nextTick <= now;
    if (!isTickPending) now = nextTick;
    // Ticks that find another one waiting are dropped.
    while (nextTick <= now) nextTick += periodSeconds;
  }
}

test('a worker kills within the windows, whenever its first tick is', () => {
  const timing = fc.record({
    initialDelaySeconds: fc.nat(60),
    periodSeconds: fc.integer({ min: 1, max: 60 }),
    timeoutSeconds: fc.integer({ min: 1, max: 90 }),
    failureThreshold: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(
    fc.property(timing, fc.nat(59), (known, tick) => {
      const one = probe(known);
      const firstTick = tick % one.periodSeconds;
      const { fails, timesOut } = killWindows(one);
      const fast = killAfter(one, firstTick, 0);
      expect(fast).toBeGreaterThanOrEqual(fails.fromSeconds);
      expect(fast).toBeLessThanOrEqual(fails.toSeconds);
      const slow = killAfter(one, firstTick, one.timeoutSeconds);
      expect(slow).toBeGreaterThanOrEqual(timesOut.fromSeconds);
      expect(slow).toBeLessThanOrEqual(timesOut.toSeconds);
      expect(Math.max(fast, slow)).toBeLessThanOrEqual(fullKillWindowSeconds(one, 0));
    }),
  );
});

describe('canHaveEnded', () => {
  const { fails, timesOut } = killWindows(etcd);

  /** Measured with kubelet 1.20.2, and 91.3 s in https://oswalt.dev/2018/12/december-4-nre-labs-outage-post-mortem/ */
  test.each([
    [94, fails, timesOut],
    [90, fails, timesOut],
    [91.3, fails, timesOut],
    [137, timesOut, fails],
  ])('a container that a kubelet killed after %d s was killed in one window only', (seconds, one, other) => {
    expect(canHaveEnded(one, lived(seconds), 30)).toBe(true);
    expect(canHaveEnded(other, lived(seconds), 30)).toBe(false);
  });

  test.each([
    [82.9, false],
    [83, true],
    [127, true],
    [127.1, false],
  ])('a process that stops on SIGTERM has up to the grace period: %d s', (seconds, expected) => {
    expect(canHaveEnded(fails, lived(seconds, 143), 30)).toBe(expected);
  });

  test.each([
    [91, false],
    [112.9, false],
    [113, true],
    [127, true],
    [127.1, false],
  ])('a process that was ended by SIGKILL used all of its grace period: %d s', (seconds, expected) => {
    expect(canHaveEnded(fails, lived(seconds, 137), 30)).toBe(expected);
  });

  test('without a grace period, SIGKILL comes at once', () => {
    expect(canHaveEnded(fails, lived(91, 137), 0)).toBe(true);
  });
});

describe('fullKillWindowSeconds', () => {
  test('is the end of the later window and the grace period', () => {
    expect(fullKillWindowSeconds(etcd, 30)).toBe(175);
  });

  test('is the end of the fast window if that is later', () => {
    expect(fullKillWindowSeconds(probe({ timeoutSeconds: 1, failureThreshold: 24 }), 0)).toBe(256);
  });

  test('begins when the startup probe has passed, at the latest', () => {
    const startup = probe({
      initialDelaySeconds: 10,
      periodSeconds: 10,
      timeoutSeconds: 1,
      failureThreshold: 24,
    });
    expect(fullKillWindowSeconds(etcd, 30, startup)).toBe(175 + 251);
  });
});
