import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRunMs } from '../../text/cron.ts';
import type { DigestDefinition, DigestState } from './digest-state.ts';
import { advanceRun, claimRequestedRun, followSchedule, isDigestRunning } from './schedule.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const NIGHTLY: DigestDefinition = {
  name: 'nightly',
  cron: '30 7 * * *',
  timeZone: 'UTC',
  channel: 'C0PLATFORM',
  isQuiet: false,
  questions: [{ check: 'lab/disk', environment: 'prod', args: {} }],
};
const ASKED = {
  by: 'U0ADA',
  teamId: 'T1',
  channelId: 'C0ELSEWHERE',
  as: '/wrench digest run nightly',
  at: '2026-11-27T12:00:00.000Z',
  responseUrl: 'https://hooks.slack.com/commands/x',
};

/** Workers that share a Redis, with a clock that a test sets. */
function startWorkers(definition: DigestDefinition = NIGHTLY, at = '2026-11-27T12:00:00Z') {
  let nowMs = Date.parse(at);
  let state: DigestState | undefined;
  let tickedMs: number | undefined;
  let configured: DigestDefinition | undefined = definition;
  const claims: string[] = [];
  const change = (next: DigestState) => {
    if (next.run && next.run.runId !== state?.run?.runId) claims.push(next.run.due ?? 'requested');
    state = next;
  };
  const workers = {
    /** The due times of the runs that were claimed. */
    claims,
    get state() {
      return state;
    },
    tick: () => {
      if (configured) change(followSchedule(state, configured, { nowMs, tickedMs }));
      tickedMs = nowMs;
    },
    /** A tick that claims a run also finishes it. */
    run: () => {
      workers.tick();
      workers.finish();
    },
    finish: () => {
      if (state?.run) state = advanceRun(state, state.run.runId, 'finished');
    },
    ask: (runId: string) => {
      change(
        claimRequestedRun(state, configured ?? definition, { runId, asked: ASKED }, { nowMs, tickedMs }),
      );
    },
    configure: (next: DigestDefinition | undefined) => (configured = next),
    /** Ticks every minute for this long. */
    work: (forMs: number) => {
      for (const untilMs = nowMs + forMs; nowMs < untilMs;) {
        nowMs += 60_000;
        workers.run();
      }
    },
    /** No worker runs, or the clock jumps. */
    pass: (ms: number) => (nowMs += ms),
    at: (time: string) => (nowMs = Date.parse(time)),
    restore: (older: DigestState | undefined) => (state = older),
  };
  return workers;
}

test('a digest runs at its times, starting now', () => {
  const workers = startWorkers();
  workers.work(2 * DAY_MS);

  expect(workers.claims).toEqual(['2026-11-28T07:30:00.000Z', '2026-11-29T07:30:00.000Z']);
});

test.each([
  ['an hour', HOUR_MS],
  ['a night', 20 * HOUR_MS],
  ['a month', 31 * DAY_MS],
  ['a year', 366 * DAY_MS],
])('runs that were missed for %s are caught up by one run', (_, ms) => {
  const workers = startWorkers({ ...NIGHTLY, cron: '*/10 * * * *' });
  workers.run();
  workers.pass(ms);
  for (let times = 0; times < 10; times += 1) workers.run();

  expect(workers.claims).toHaveLength(1);
  workers.pass(10 * 60_000);
  workers.run();
  expect(workers.claims).toHaveLength(2);
});

test('a run that catches up counts as the last of the missed runs', () => {
  const workers = startWorkers();
  workers.run();
  workers.at('2026-12-30T12:00:00Z');
  workers.run();

  expect(workers.claims).toEqual(['2026-12-30T07:30:00.000Z']);
});

test('while workers with two configurations take turns, no run is lost and none runs twice', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-28T07:29:00Z');
  const later = { ...NIGHTLY, cron: '30 7 * * 1-6' };
  workers.run();
  for (let tick = 0; tick < 60; tick += 1) {
    workers.pass(1_500);
    workers.configure(tick % 2 === 0 ? later : NIGHTLY);
    workers.run();
  }

  expect(workers.claims).toEqual(['2026-11-28T07:30:00.000Z']);
});

test('a schedule that is changed back later does not catch up', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-28T07:00:00Z');
  workers.run();
  workers.configure({ ...NIGHTLY, cron: '0 23 * * *' });
  workers.work(HOUR_MS);
  workers.configure(NIGHTLY);
  workers.work(HOUR_MS);

  expect(workers.claims).toEqual([]);
});

test('a tick of a clock that was ahead does not make a digest seem removed', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-28T07:29:00Z');
  workers.run();
  const times = { nowMs: Date.parse('2026-11-28T07:31:00Z'), tickedMs: Date.parse('2027-11-28T07:31:00Z') };

  expect(followSchedule(workers.state, NIGHTLY, times).run?.due).toBe('2026-11-28T07:30:00.000Z');
});

test('downtime without a missed run causes no run', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-27T08:00:00Z');
  workers.run();
  workers.at('2026-11-28T07:29:59Z');
  workers.run();

  expect(workers.claims).toEqual([]);
});

test('a run that is still running is not started again, and what was due meanwhile is caught up by one run', () => {
  const workers = startWorkers({ ...NIGHTLY, cron: '* * * * *' });
  workers.tick();
  for (let minutes = 0; minutes < 30; minutes += 1) {
    workers.pass(60_000);
    workers.tick();
  }
  expect(workers.claims).toEqual(['2026-11-27T12:01:00.000Z']);

  workers.finish();
  workers.run();
  workers.run();
  expect(workers.claims).toEqual(['2026-11-27T12:01:00.000Z', '2026-11-27T12:30:00.000Z']);
});

test.each<[string, Partial<DigestDefinition>]>([
  ['cron', { cron: '0 9 * * *' }],
  ['time zone', { timeZone: 'America/New_York' }],
])('after a change of its %s it does not run for earlier times', (_, changed) => {
  const workers = startWorkers(NIGHTLY, '2026-11-27T08:00:00Z');
  workers.run();
  workers.at('2026-11-28T13:00:00Z');
  workers.configure({ ...NIGHTLY, ...changed });
  workers.run();
  expect(workers.claims).toEqual([]);

  workers.work(DAY_MS);
  expect(workers.claims).toHaveLength(1);
});

test('a change of its checks does not change its times', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-27T08:00:00Z');
  workers.run();
  workers.configure({ ...NIGHTLY, channel: 'C0OTHER', questions: [] });
  workers.at('2026-11-28T13:00:00Z');
  workers.run();

  expect(workers.claims).toEqual(['2026-11-28T07:30:00.000Z']);
  expect(workers.state?.run).toMatchObject({ asked: { channelId: 'C0OTHER' }, questions: [] });
});

test('a removed digest stops, and counts as new when it is added again', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-27T08:00:00Z');
  workers.run();
  workers.configure(undefined);
  workers.work(3 * DAY_MS);
  expect(workers.claims).toEqual([]);

  workers.configure(NIGHTLY);
  workers.run();
  expect(workers.claims).toEqual([]);
  workers.work(DAY_MS);
  expect(workers.claims).toEqual(['2026-12-01T07:30:00.000Z']);
});

test('a new digest runs while only some workers have it', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-27T08:00:00Z');
  for (let hours = 0; hours < 72; hours += 1) {
    workers.configure(NIGHTLY);
    workers.run();
    workers.configure(undefined);
    workers.tick();
    workers.pass(HOUR_MS);
  }

  expect(workers.claims).toHaveLength(2);
});

test('after Redis was restored from a backup of an hour ago, at most one run is caught up', () => {
  const workers = startWorkers({ ...NIGHTLY, cron: '*/10 * * * *' });
  workers.work(HOUR_MS);
  const older = workers.state;
  workers.work(HOUR_MS);
  const before = workers.claims.length;
  workers.restore(older);
  for (let times = 0; times < 10; times += 1) workers.run();

  expect(workers.claims).toHaveLength(before + 1);
});

test('a clock that jumps ahead and back stops no digest, and causes at most one run', () => {
  const workers = startWorkers();
  workers.run();
  workers.pass(400 * DAY_MS);
  workers.run();
  workers.pass(-400 * DAY_MS);
  workers.run();
  expect(workers.claims).toHaveLength(1);
  const early = workers.state?.run?.runId;

  workers.work(DAY_MS);
  expect(workers.claims.slice(1)).toEqual(['2026-11-28T07:30:00.000Z']);
  expect(workers.state?.run?.runId).not.toBe(early);
});

test('a due time that was run too early is run again under another id', () => {
  const workers = startWorkers();
  workers.run();
  workers.at('2026-11-28T08:00:00Z');
  workers.run();
  const early = workers.state?.run;
  workers.at('2026-11-27T13:00:00Z');
  workers.run();
  workers.at('2026-11-28T07:31:00Z');
  workers.run();

  expect(workers.claims).toEqual(['2026-11-28T07:30:00.000Z', '2026-11-28T07:30:00.000Z']);
  expect(workers.state?.run?.runId).not.toBe(early?.runId);
});

test('after a failover to a Redis whose clock is a little behind, nothing runs twice', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-28T07:29:00Z');
  workers.run();
  workers.at('2026-11-28T07:30:00.100Z');
  workers.run();
  workers.at('2026-11-28T07:29:55Z');
  workers.work(HOUR_MS);

  expect(workers.claims).toEqual(['2026-11-28T07:30:00.000Z']);
});

test('a requested run is posted in the channel of the digest, and changes none of its times', () => {
  const workers = startWorkers(NIGHTLY, '2026-11-27T08:00:00Z');
  workers.ask('r1');

  const { responseUrl: _, ...asked } = ASKED;
  expect(workers.state?.run).toMatchObject({ runId: 'r1', asked: { ...asked, channelId: 'C0PLATFORM' } });
  expect(workers.state?.run?.asked).not.toHaveProperty('responseUrl');
  workers.ask('r1');
  workers.ask('r2');
  expect(workers.claims).toEqual(['requested']);

  workers.finish();
  workers.ask('r1');
  workers.work(DAY_MS);
  expect(workers.claims).toEqual(['requested', '2026-11-28T07:30:00.000Z']);
});

test('the origin of a scheduled run is Wrench', () => {
  const workers = startWorkers();
  workers.work(DAY_MS);

  expect(workers.state?.run?.asked).toMatchObject({
    by: 'wrench',
    as: 'digest nightly',
    channelId: 'C0PLATFORM',
  });
});

test.each([
  [
    'Europe/Berlin',
    '30 2 * * *',
    '2027-03-28T00:00:00Z',
    ['2027-03-28T01:00:00.000Z', '2027-03-29T00:30:00.000Z'],
  ],
  [
    'Europe/Berlin',
    '30 2 * * *',
    '2026-10-24T23:00:00Z',
    ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
  ],
  [
    'America/New_York',
    '30 1 * * *',
    '2026-11-01T04:00:00Z',
    ['2026-11-01T05:30:00.000Z', '2026-11-02T06:30:00.000Z'],
  ],
])('when the clocks change in %s, %s runs once a day', (timeZone, cron, from, expected) => {
  const workers = startWorkers({ ...NIGHTLY, cron, timeZone }, from);
  workers.work(30 * HOUR_MS);

  expect(workers.claims).toEqual(expected);
});

test('a run only moves forward', () => {
  const workers = startWorkers();
  workers.ask('r1');
  const claimed = workers.state as DigestState;
  const started = advanceRun(claimed, 'r1', 'started');
  const finished = advanceRun(started, 'r1', 'finished');

  expect([claimed, started, finished].map(isDigestRunning)).toEqual([true, true, false]);
  expect(advanceRun(finished, 'r1', 'started')).toBe(finished);
  expect(advanceRun(claimed, 'r2', 'finished')).toBe(claimed);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 3 * HOUR_MS }) }),
  fc.record({ kind: fc.constant('down' as const), ms: fc.integer({ min: HOUR_MS, max: 40 * DAY_MS }) }),
  fc.record({ kind: fc.constantFrom('tick' as const, 'finish' as const), ms: fc.constant(0) }),
);

test('in any order of events, a due time is claimed once, and at most one is caught up', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('*/7 * * * *', '30 7 * * *', '0 * * * *'),
      fc.array(step, { maxLength: 60 }),
      (cron, steps) => {
        const definition = { ...NIGHTLY, cron, timeZone: 'Europe/Berlin' };
        const fromMs = Date.parse('2026-10-24T00:00:00Z');
        const workers = startWorkers(definition, '2026-10-24T00:00:00Z');
        workers.tick();
        let nowMs = fromMs;
        for (const { kind, ms } of steps) {
          const before = workers.claims.length;
          nowMs += ms;
          workers.pass(ms);
          if (kind === 'finish') workers.finish();
          else for (let times = 0; times < 3; times += 1) workers.tick();
          expect(workers.claims.length - before).toBeLessThanOrEqual(1);
        }
        workers.finish();
        workers.tick();
        workers.finish();
        workers.tick();

        expect(new Set(workers.claims).size).toBe(workers.claims.length);
        expect(workers.claims.toSorted()).toEqual(workers.claims);
        // No due time is lost: the last one was run.
        const first = nextRunMs(definition, fromMs) ?? Infinity;
        expect(workers.claims.length > 0).toBe(first <= nowMs);
        const last = workers.claims.at(-1);
        expect(nextRunMs(definition, last === undefined ? fromMs : Date.parse(last))).toBeGreaterThan(nowMs);
      },
    ),
    { numRuns: 200 },
  );
});

test('after any jumps of the clock, a digest runs again at its next time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -60 * DAY_MS, max: 60 * DAY_MS }), { minLength: 1, maxLength: 8 }),
      (jumps) => {
        const workers = startWorkers();
        for (const ms of jumps) {
          workers.pass(ms);
          const before = workers.claims.length;
          workers.run();
          workers.run();
          expect(workers.claims.length - before).toBeLessThanOrEqual(1);
        }
        const before = workers.claims.length;
        workers.work(DAY_MS + 20 * 60_000);
        expect(workers.claims.length - before).toBeGreaterThanOrEqual(1);
        expect(workers.claims.length - before).toBeLessThanOrEqual(2);
      },
    ),
    { numRuns: 30 },
  );
});
