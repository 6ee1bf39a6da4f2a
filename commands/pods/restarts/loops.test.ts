import { describe, expect, test } from 'vitest';
import { ago, backingOff, counted, ended, NO_EVENTS, NOW, probe, restarted, runningFor } from './builders.ts';
import type { ContainerEvents, RestartedContainer } from './facts.ts';
import { loopOf } from './loops.ts';

type Ago = Parameters<typeof ago>[0];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function loopWith(
  known: Partial<RestartedContainer>,
  counters: readonly (readonly [Ago, restartCount: number])[] = [],
) {
  const container = restarted(known);
  return loopOf(container, counted(container, counters), NOW);
}

const STATIC = { owner: { kind: 'Static', name: 'etcd' } } as const;

/** Killed after 91 s again and again, and started at once each time. */
const seed = {
  ...STATIC,
  liveness: probe(),
  status: runningFor(
    { seconds: 51 },
    { restarts: 183, last: ended({ seconds: 142 }, { seconds: 51 }, { exitCode: 0, reason: 'Completed' }) },
  ),
} satisfies Partial<RestartedContainer>;

describe('counted in earlier runs', () => {
  test('counts the restarts of the last hour, although it is running now', () => {
    const status = runningFor(
      { minutes: 2, seconds: 19 },
      { restarts: 11, last: ended({ minutes: 9, seconds: 48 }, { minutes: 7, seconds: 19 }) },
    );
    const counters = [
      [{ hours: 1 }, 3],
      [{ minutes: 30 }, 7],
    ] as const;
    expect(loopWith({ status }, counters)).toEqual({
      pace: 'fast',
      restarts: 8,
      spanMs: HOUR_MS,
      isEstimate: false,
      lifeMs: 149_000,
      runningMs: 139_000,
    });
  });

  test('three in a quarter of an hour are enough, two are not', () => {
    const status = (restarts: number) =>
      runningFor({ minutes: 1 }, { restarts, last: ended({ minutes: 14 }, { minutes: 6 }) });
    expect(loopWith({ status: status(33) }, [[{ minutes: 15 }, 30]])).toMatchObject({
      pace: 'fast',
      restarts: 3,
      spanMs: 15 * MINUTE_MS,
      isEstimate: false,
    });
    expect(loopWith({ status: status(32) }, [[{ minutes: 15 }, 30]])).toBeUndefined();
  });

  test('four in an hour are no loop by themselves, five are', () => {
    const status = (restarts: number) =>
      runningFor({ minutes: 5 }, { restarts, last: ended({ minutes: 20 }, { minutes: 6 }) });
    expect(loopWith({ status: status(104) }, [[{ hours: 1 }, 100]])).toBeUndefined();
    expect(loopWith({ status: status(105) }, [[{ hours: 1 }, 100]])).toMatchObject({
      pace: 'fast',
      restarts: 5,
    });
  });

  test('a loop that was measured before goes on with three in an hour', () => {
    const container = restarted({
      status: runningFor({ minutes: 5 }, { restarts: 103, last: ended({ minutes: 20 }, { minutes: 6 }) }),
    });
    const [sample] = counted(container, [[{ hours: 1 }, 100]]);
    expect(sample && loopOf(container, [sample], NOW)).toBeUndefined();
    expect(sample && loopOf(container, [{ ...sample, pace: 'fast' }], NOW)).toMatchObject({
      pace: 'fast',
      restarts: 3,
      isEstimate: false,
    });
  });

  test('a counter that went down counts from there', () => {
    const status = runningFor({ minutes: 3 }, { restarts: 2, last: ended({ minutes: 16 }, { minutes: 4 }) });
    const counters = [
      [{ minutes: 55 }, 40],
      [{ minutes: 10 }, 0],
    ] as const;
    expect(loopWith({ status }, counters)).toBeUndefined();
    expect(loopWith({ status: { ...status, restarts: 3 } }, counters)).toMatchObject({
      restarts: 3,
      spanMs: 10 * MINUTE_MS,
    });
  });

  test('a sample of yesterday does not hide a loop that has just begun, which is then an estimate', () => {
    const status = runningFor({ seconds: 30 }, { restarts: 6, last: ended({ minutes: 3 }, { seconds: 40 }) });
    expect(loopWith({ status }, [[{ hours: 24 }, 2]])).toMatchObject({
      pace: 'fast',
      isEstimate: true,
      restarts: 4,
    });
    expect(loopWith({ status }, [[{ hours: 24 }, 4]])).toBeUndefined();
  });

  test('several restarts a day, hours apart, are a slow loop', () => {
    const status = runningFor(
      { minutes: 49 },
      { restarts: 248, last: ended({ minutes: 139 }, { minutes: 49 }) },
    );
    expect(loopWith({ ...STATIC, status }, [[{ hours: 24 }, 235]])).toMatchObject({
      pace: 'slow',
      restarts: 13,
      spanMs: DAY_MS,
      isEstimate: false,
    });
  });

  test('six a day, spread evenly, are a slow loop; one a night is none', () => {
    const spread = runningFor({ hours: 2 }, { restarts: 66, last: ended({ hours: 6 }, { hours: 2 }) });
    expect(loopWith({ status: spread }, [[{ hours: 24 }, 60]])).toMatchObject({ pace: 'slow', restarts: 6 });
    const nightly = runningFor({ hours: 10 }, { restarts: 66, last: ended({ hours: 34 }, { hours: 10 }) });
    expect(loopWith({ status: nightly }, [[{ hours: 24 }, 65]])).toBeUndefined();
  });

  test('restarts that were seen at several times of the day are a slow loop, however long each instance ran', () => {
    const status = runningFor({ hours: 1 }, { restarts: 12, last: ended({ minutes: 65 }, { minutes: 61 }) });
    const counters = [
      [{ hours: 24 }, 0],
      [{ hours: 18 }, 4],
      [{ hours: 12 }, 6],
      [{ hours: 6 }, 9],
      [{ minutes: 50 }, 12],
    ] as const;
    expect(loopWith({ status }, counters)).toMatchObject({ pace: 'slow', restarts: 12 });
  });

  test('three or four a day for weeks are a slow loop, for days are none', () => {
    const status = (restarts: number) =>
      runningFor({ hours: 3 }, { restarts, last: ended({ hours: 11 }, { hours: 3 }) });
    expect(loopWith({ status: status(60) })).toMatchObject({ pace: 'slow', restarts: 60, isEstimate: false });
    expect(loopWith({ status: status(9), podCreatedAt: ago({ days: 3 }) })).toBeUndefined();
  });

  test('a burst that is over is none', () => {
    const status = runningFor(
      { hours: 20 },
      { restarts: 9, last: ended({ hours: 20, minutes: 2 }, { hours: 20 }) },
    );
    expect(loopWith({ status }, [[{ hours: 24 }, 1]])).toBeUndefined();
  });
});

describe('without earlier runs', () => {
  test('extrapolates the last two starts, as an estimate', () => {
    expect(loopWith(seed)).toEqual({
      pace: 'fast',
      restarts: 39,
      spanMs: HOUR_MS,
      isEstimate: true,
      lifeMs: 91_000,
      runningMs: 51_000,
    });
  });

  test('counts the kills that events show', () => {
    const kills = {
      probe: 'liveness',
      count: 9,
      firstAt: ago({ minutes: 56 }),
      lastAt: ago({ minutes: 7 }),
    } as const;
    const status = runningFor(
      { minutes: 2, seconds: 19 },
      { restarts: 11, last: ended({ minutes: 9, seconds: 48 }, { minutes: 7, seconds: 19 }) },
    );
    const withKills = (known: Partial<ContainerEvents['kills']>) =>
      loopWith({ ...STATIC, status, events: { ...NO_EVENTS, kills: { ...kills, ...known } } });
    expect(withKills({})).toMatchObject({
      pace: 'fast',
      restarts: 9,
      spanMs: 56 * MINUTE_MS,
      isEstimate: false,
    });
    expect(withKills({ count: 2 })).toMatchObject({ isEstimate: true });
    expect(withKills({ count: 3 })).toMatchObject({ isEstimate: true });
    expect(withKills({ firstAt: ago({ hours: 9 }) })).toMatchObject({ isEstimate: true });
  });

  test('a pod that is as old as its counter gives a rate', () => {
    const status = backingOff({
      restarts: 24,
      last: ended({ minutes: 2, seconds: 30 }, { minutes: 2, seconds: 30 }, { exitCode: 0 }),
    });
    const podCreatedAt = ago({ hours: 1, minutes: 45 });
    expect(loopWith({ status, podCreatedAt })).toMatchObject({
      pace: 'fast',
      restarts: 24,
      spanMs: 105 * MINUTE_MS,
      isEstimate: false,
      lifeMs: 0,
    });
  });

  test('the mirror of a static pod is younger than its counter', () => {
    const status = runningFor({ days: 10 }, { restarts: 12, last: ended({ days: 11 }, { days: 10 }) });
    const podCreatedAt = ago({ minutes: 2, seconds: 40 });
    expect(loopWith({ ...STATIC, status, podCreatedAt })).toBeUndefined();
    expect(loopWith({ ...STATIC, status, podCreatedAt }, [[{ minutes: 15 }, 12]])).toBeUndefined();
  });

  test.each([
    [49, 90],
    [21, 76],
    [81, 119],
  ])(
    'hundreds of restarts an hour or two apart are a slow loop: running %i min, ran %i min',
    (running, ran) => {
      const status = runningFor(
        { minutes: running },
        { restarts: 250, last: ended({ minutes: running + ran }, { minutes: running }) },
      );
      const podCreatedAt = ago({ days: 18 });
      expect(loopWith({ ...STATIC, status, podCreatedAt })).toMatchObject({ pace: 'slow', isEstimate: true });
      expect(loopWith({ status, podCreatedAt })).toMatchObject({
        pace: 'slow',
        restarts: 250,
        spanMs: 18 * DAY_MS,
        isEstimate: false,
      });
    },
  );

  test('a few restarts long ago are none', () => {
    for (const [days, ran, restarts] of [
      [6, 3, 9],
      [12, 1, 5],
    ] as const) {
      const status = runningFor({ days }, { restarts, last: ended({ days: days + ran }, { days }) });
      expect(loopWith({ status, podCreatedAt: ago({ days: 40 }) })).toBeUndefined();
      expect(loopWith({ ...STATIC, status, podCreatedAt: ago({ days: 18 }) })).toBeUndefined();
    }
  });

  test('two restarts in a short time are none, such as of a node that was updated', () => {
    const status = runningFor({ minutes: 1 }, { restarts: 2, last: ended({ minutes: 4 }, { minutes: 2 }) });
    expect(loopWith({ status })).toBeUndefined();
    const rare = runningFor(
      { minutes: 30 },
      { restarts: 30, last: ended({ minutes: 100 }, { minutes: 31 }) },
    );
    expect(loopWith({ status: rare, podCreatedAt: ago({ days: 300 }) })).toBeUndefined();
    expect(loopWith({ ...STATIC, status: rare, podCreatedAt: ago({ days: 300 }) })).toBeUndefined();
  });

  test('a container that waits in the back-off of a loop is never ignored', () => {
    const status = backingOff({ restarts: 30, last: ended({ minutes: 30 }, { minutes: 2 }) });
    expect(loopWith({ status, podCreatedAt: ago({ days: 100 }) })).toMatchObject({
      pace: 'slow',
      isEstimate: true,
    });
    expect(loopWith({ status: backingOff({ restarts: 3 }), podCreatedAt: ago({ days: 1 }) })).toMatchObject({
      pace: 'fast',
      restarts: 3,
    });
    const stale = backingOff({ restarts: 30, last: ended({ hours: 3, minutes: 1 }, { hours: 3 }) });
    expect(loopWith({ status: stale }, [[{ hours: 1 }, 30]])).toMatchObject({ isEstimate: true });
  });

  test.each(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'])(
    'a container that cannot be started is one, even if it never was: %s',
    (reason) => {
      const status = { restarts: 0, isReady: false, state: { kind: 'waiting', reason } } as const;
      expect(loopWith({ status, podCreatedAt: ago({ minutes: 5 }) })).toMatchObject({
        pace: 'fast',
        restarts: 0,
      });
      expect(loopWith({ status, podCreatedAt: ago({ seconds: 20 }) })).toBeUndefined();
    },
  );

  test.each(['ContainerCreating', 'PodInitializing', 'ImagePullBackOff'])(
    'waiting for %s is none',
    (reason) => {
      const status = { restarts: 0, isReady: false, state: { kind: 'waiting', reason } } as const;
      expect(loopWith({ status, podCreatedAt: ago({ hours: 5 }) })).toBeUndefined();
    },
  );
});

describe('that is over', () => {
  const burst = (minutes: number, known: Partial<RestartedContainer> = {}) =>
    loopWith({
      podCreatedAt: ago({ minutes: minutes + 12 }),
      status: runningFor(
        { minutes },
        { restarts: 5, last: ended({ minutes: minutes + 3 }, { minutes: minutes + 2 }) },
      ),
      ...known,
    });

  test('is ended within the hour, and none after it', () => {
    expect(burst(9)).toMatchObject({ pace: 'fast' });
    expect(burst(11)).toMatchObject({ pace: 'ended', restarts: 5, runningMs: 11 * MINUTE_MS });
    expect(burst(40)).toMatchObject({ pace: 'ended' });
    expect(burst(60)).toBeUndefined();
  });

  test('is not over before it has run for twice as long as before, or for a full kill window', () => {
    const status = runningFor(
      { minutes: 11 },
      { restarts: 50, last: ended({ minutes: 18 }, { minutes: 11 }) },
    );
    expect(loopWith({ status }, [[{ minutes: 60 }, 44]])).toMatchObject({ pace: 'fast' });
    expect(burst(11, { liveness: probe({ initialDelaySeconds: 900 }) })).toMatchObject({ pace: 'fast' });
  });

  test('is not restarted by its policy', () => {
    const last = ended({ minutes: 3 }, { minutes: 2 });
    const done = {
      restarts: 9,
      isReady: false,
      state: { kind: 'terminated', ...last, exitCode: 0 },
    } as const;
    expect(loopWith({ status: done, restartPolicy: 'OnFailure' })).toBeUndefined();
    expect(loopWith({ status: done, kind: 'init' })).toBeUndefined();
    const running = runningFor({ seconds: 30 }, { restarts: 9, last });
    expect(
      loopWith({ status: { ...done, state: { ...done.state, exitCode: 1 } }, restartPolicy: 'Never' }),
    ).toBeUndefined();
    // Its container has a policy of its own, or it would not have restarted.
    expect(loopWith({ status: running, restartPolicy: 'Never' })).toMatchObject({ pace: 'fast' });
    expect(loopWith({ status: running, restartPolicy: 'Never', kind: 'sidecar' })).toMatchObject({
      pace: 'fast',
    });
    expect(loopWith({ status: running, restartPolicy: 'OnFailure' })).toMatchObject({ pace: 'fast' });
    expect(loopWith({ status: backingOff({ last }), kind: 'init' })).toMatchObject({ pace: 'fast' });
  });

  test('without a previous instance, the back-off says how often it restarts at most', () => {
    const status = backingOff({ restarts: 500 });
    expect(loopWith({ ...STATIC, status })).toMatchObject({ pace: 'fast', isEstimate: true });
  });

  test('a single crash after a long life is none, although the kubelet waits', () => {
    const status = backingOff({ restarts: 30, last: ended({ days: 9 }, { seconds: 5 }) });
    expect(loopWith({ status, podCreatedAt: ago({ days: 90 }) })).toBeUndefined();
    expect(loopWith({ ...STATIC, status })).toBeUndefined();
  });

  test('a back-off that should be over is no longer counted as restarting fast: its node may be down', () => {
    const podCreatedAt = ago({ hours: 20 });
    const since = (hours: number) =>
      backingOff({ restarts: 150, last: ended({ hours, minutes: 2 }, { hours }) });
    expect(loopWith({ status: since(5), podCreatedAt })).toMatchObject({ pace: 'slow' });
    expect(loopWith({ status: since(0.05), podCreatedAt })).toMatchObject({ pace: 'fast' });
  });

  test('a container that ended long ago and was not started again is none', () => {
    const state = { kind: 'terminated', ...ended({ hours: 5 }, { hours: 4 }) } as const;
    expect(loopWith({ status: { restarts: 9, isReady: false, state } })).toBeUndefined();
  });

  test('an unreadable counter is none here: reading it is a gap', () => {
    const { restarts: _, ...status } = seed.status;
    expect(loopWith({ status })).toBeUndefined();
  });
});

describe('after its probe was changed', () => {
  const adjusted = { by: 'm0123456789abcdef', at: ago({ minutes: 10 }) };
  const liveness = probe({ failureThreshold: 24 });
  const fresh = (seconds: number) =>
    loopWith({
      adjusted,
      liveness,
      podCreatedAt: ago({ minutes: 10 }),
      status: runningFor({ seconds }, { restarts: 0 }),
    });

  test('proves nothing until it has run for a full kill window', () => {
    // 15 + 23 × 15 + 15 s and one period, and 30 s to end.
    expect(fresh(60)).toEqual({
      pace: 'proving',
      restarts: 0,
      spanMs: 10 * MINUTE_MS,
      isEstimate: false,
      runningMs: 60_000,
      provenAt: new Date(NOW.getTime() - 60_000 + 415_000),
    });
    expect(fresh(414)).toMatchObject({ pace: 'proving' });
    expect(fresh(415)).toBeUndefined();
  });

  test('has not run for longer than since the change, although the clock of its node is behind', () => {
    const behind = loopWith({
      adjusted: { ...adjusted, at: ago({ seconds: 20 }) },
      liveness,
      podCreatedAt: ago({ seconds: 20 }),
      status: runningFor({ seconds: 3_600 }, { restarts: 0 }),
    });
    expect(behind).toMatchObject({
      pace: 'proving',
      runningMs: 20_000,
      provenAt: new Date(NOW.getTime() + 395_000),
    });
  });

  test('has to be started first', () => {
    const status = { isReady: false, state: { kind: 'unknown' } } as const;
    const loop = loopWith({ adjusted, liveness, status, podCreatedAt: ago({ seconds: 5 }) });
    expect(loop).toMatchObject({ pace: 'proving' });
    expect(loop?.provenAt).toBeUndefined();
  });

  test('stays unproven if its probe may have killed it again, however long it runs then', () => {
    const again = (from: number, restarts = 1) =>
      loopWith({
        adjusted: { by: 'm0123456789abcdef', at: ago({ minutes: 30 }) },
        liveness,
        podCreatedAt: ago({ minutes: 30 }),
        status: runningFor({ seconds: 500 }, { restarts, last: ended({ seconds: from }, { seconds: 501 }) }),
      });
    expect(again(901)).toMatchObject({ pace: 'proving', restarts: 1, runningMs: 500_000 });
    expect(again(901)?.provenAt).toBeUndefined();
    // It ended after 20 s: no probe fails 24 times in that time.
    expect(again(521)).toBeUndefined();
  });

  test('is still in a loop if it restarts as before', () => {
    const status = runningFor(
      { seconds: 10 },
      { restarts: 4, last: ended({ seconds: 100 }, { seconds: 11 }) },
    );
    expect(loopWith({ adjusted, liveness, status, podCreatedAt: ago({ minutes: 6 }) })).toMatchObject({
      pace: 'fast',
      restarts: 4,
    });
  });

  test('is not proving after an hour, nor without a probe', () => {
    const status = runningFor({ seconds: 10 }, { restarts: 0 });
    const old = { by: 'm0123456789abcdef', at: ago({ minutes: 61 }) };
    expect(loopWith({ adjusted: old, liveness, status })).toBeUndefined();
    expect(loopWith({ adjusted, status })).toBeUndefined();
  });
});
