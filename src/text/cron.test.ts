import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { explainCron, explainTimeZone, latestRunMs, nextRunMs, nextRunsMs } from './cron.ts';

/** The local times of the runs after a time, such as `2026-10-25 02:30 GMT+2`. */
function runsFrom(cron: string, timeZone: string, from: string, count: number): readonly string[] {
  const write = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  const offset = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return nextRunsMs({ cron, timeZone }, Date.parse(from), count).map((atMs) => {
    const zone = offset.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    return `${write.format(atMs)} ${zone}`;
  });
}

test.each([
  [
    'Europe/Berlin',
    '30 2 * * *',
    '2027-03-27T12:00:00Z',
    ['2027-03-28 03:00 GMT+02:00', '2027-03-29 02:30 GMT+02:00'],
  ],
  [
    'America/New_York',
    '30 2 * * *',
    '2027-03-13T12:00:00Z',
    ['2027-03-14 03:00 GMT-04:00', '2027-03-15 02:30 GMT-04:00'],
  ],
  [
    'Australia/Lord_Howe',
    '15 2 * * *',
    '2026-10-03T00:00:00Z',
    ['2026-10-04 02:30 GMT+11:00', '2026-10-05 02:15 GMT+11:00'],
  ],
])(
  'in %s, %s runs once on the day that skips its time, right after the gap',
  (zone, cron, from, expected) => {
    expect(runsFrom(cron, zone, from, 2)).toEqual(expected);
  },
);

test.each([
  [
    'Europe/Berlin',
    '30 2 * * *',
    '2026-10-24T12:00:00Z',
    ['2026-10-25 02:30 GMT+02:00', '2026-10-26 02:30 GMT+01:00'],
  ],
  [
    'Europe/Berlin',
    '30 2,14 * * *',
    '2026-10-24T13:00:00Z',
    ['2026-10-25 02:30 GMT+02:00', '2026-10-25 14:30 GMT+01:00'],
  ],
  [
    'America/New_York',
    '30 1 * * *',
    '2026-10-31T12:00:00Z',
    ['2026-11-01 01:30 GMT-04:00', '2026-11-02 01:30 GMT-05:00'],
  ],
  [
    'Australia/Lord_Howe',
    '45 1 * * *',
    '2027-04-03T00:00:00Z',
    ['2027-04-04 01:45 GMT+11:00', '2027-04-05 01:45 GMT+10:30'],
  ],
])(
  'in %s, %s runs once on the day that has its time twice, at the first occurrence',
  (zone, cron, from, expected) => {
    expect(runsFrom(cron, zone, from, 2)).toEqual(expected);
  },
);

test('a schedule of every half hour also runs in an hour that occurs twice', () => {
  expect(runsFrom('*/30 * * * *', 'Europe/Berlin', '2026-10-24T23:59:00Z', 6)).toEqual([
    '2026-10-25 02:00 GMT+02:00',
    '2026-10-25 02:30 GMT+02:00',
    '2026-10-25 02:00 GMT+01:00',
    '2026-10-25 02:30 GMT+01:00',
    '2026-10-25 03:00 GMT+01:00',
    '2026-10-25 03:30 GMT+01:00',
  ]);
});

const schedule = fc.record({
  cron: fc.constantFrom(
    '* * * * *',
    '*/7 * * * *',
    '30 2 * * *',
    '30 7 * * 1-5',
    '15 2,14 * * *',
    '0 0 1 * *',
    '0 0 29 2 *',
    '0-59 3 * * 0',
  ),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
});
const time = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2029, 0, 1) });

test('the latest run in a period is the last of all runs in it', () => {
  fc.assert(
    fc.property(schedule, time, fc.integer({ min: 0, max: 4 * 86_400_000 }), (when, afterMs, spanMs) => {
      const untilMs = afterMs + spanMs;
      let last: number | undefined;
      for (
        let atMs = nextRunMs(when, afterMs);
        atMs !== undefined && atMs <= untilMs;
        atMs = nextRunMs(when, atMs)
      )
        last = atMs;

      expect(latestRunMs(when, afterMs, untilMs)).toBe(last);
    }),
    { numRuns: 60 },
  );
});

test('the next run is after the given time, and there is none in between', () => {
  fc.assert(
    fc.property(schedule, time, fc.nat(86_400_000), (when, afterMs, laterMs) => {
      const next = nextRunMs(when, afterMs) ?? Infinity;

      expect(next).toBeGreaterThan(afterMs);
      const asked = Math.min(afterMs + laterMs, next - 1);
      expect(nextRunMs(when, asked)).toBe(next);
    }),
  );
});

test('the latest run is found quickly, even after years', () => {
  const untilMs = Date.UTC(2029, 5, 1, 12, 0, 30);

  expect(latestRunMs({ cron: '* * * * *', timeZone: 'UTC' }, 0, untilMs)).toBe(untilMs - 30_000);
  expect(latestRunMs({ cron: '0 0 29 2 *', timeZone: 'UTC' }, Date.UTC(2025, 0, 1), untilMs)).toBe(
    Date.UTC(2028, 1, 29),
  );
});

test.each([
  ['0 0 31 2 *', "`0 0 31 2 *` never runs: this date doesn't exist"],
  ['0 0 30 2 *', "`0 0 30 2 *` never runs: this date doesn't exist"],
  [
    '0 30 7 * * *',
    '`0 30 7 * * *` has 6 fields, not five: minute, hour, day of the month, month and day of the week, as in `30 7 * * 1-5`',
  ],
  ['@daily', expect.stringContaining('has 1 field, not five:')],
  ['', expect.stringContaining('has 0 fields, not five:')],
  ['0 25 * * *', '`0 25 * * *` is not a valid cron expression: Invalid value for hour: 25'],
  ['a b c d e', expect.stringContaining('is not a valid cron')],
])('the cron expression %j is rejected', (cron, expected) => {
  expect(explainCron(cron)).toEqual(expected);
});

test.each(['* * * * *', '30 7 * * 1-5', '0 0 29 2 *', '0 7 L * *', ' 0  7 * * MON '])(
  'the cron expression %j is valid',
  (cron) => {
    expect(explainCron(cron)).toBeUndefined();
  },
);

test('a time zone is an IANA name', () => {
  for (const zone of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'GMT'])
    expect(explainTimeZone(zone)).toBeUndefined();
  expect(explainTimeZone('Europe/Berlim')).toEqual({ meant: 'Europe/Berlin' });
  expect(explainTimeZone('Berlin')).toEqual({ meant: 'Europe/Berlin' });
  expect(explainTimeZone('+02:00')).toEqual({});
  expect(explainTimeZone('')).toEqual({});
  expect(explainTimeZone('Mars/Olympus Mons')).toEqual({});
});
