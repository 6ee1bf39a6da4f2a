import { expect, test } from 'vitest';
import { leader, member, MB, store } from './builders.ts';
import { forecastOf, steadyGrowth } from './growth.ts';

const HOUR_MS = 3_600_000;

/** Pairs of hours ago and MB. */
const sizes = (...pairs: readonly (readonly [hoursAgo: number, mb: number])[]) =>
  pairs.map(([hoursAgo, mb]) => ({ ageMs: hoursAgo * HOUR_MS, bytes: mb * MB }));

test('steady growth has a rate, whatever the order of the samples', () => {
  const growth = steadyGrowth(sizes([0, 240], [3, 100], [1, 190], [2, 150]));
  expect(growth).toMatchObject({ spanMs: 3 * HOUR_MS, sizes: 4 });
  expect(growth?.bytesPerHour).toBeCloseTo((140 / 3) * MB, 0);
});

test('only samples since the database last shrank count', () => {
  const regrown = sizes([6, 900], [5, 950], [4, 100], [3, 140], [2, 180], [1, 220], [0, 260]);
  expect(steadyGrowth(regrown)?.bytesPerHour).toBeCloseTo(40 * MB, 0);
  expect(steadyGrowth(sizes([4, 100], [3, 140], [2, 180], [1, 220], [0, 120]))).toBeUndefined();
});

test.each([
  ['no sample', sizes()],
  ['two samples', sizes([2, 100], [0, 180])],
  ['samples of a few minutes', sizes([0.3, 100], [0.2, 110], [0.1, 120], [0, 130])],
  ['no growth', sizes([3, 100], [2, 100], [1, 100], [0, 100])],
  ['one jump', sizes([3, 100], [2, 100], [1, 400], [0, 400])],
  ['growth that has ended', sizes([5, 100], [4, 200], [3, 300], [2, 400], [1, 400], [0, 400])],
  [
    'growth of hours that ended an hour ago',
    sizes(...[8, 7, 6, 5, 4, 3, 2, 1].map((hours) => [hours, 1_060 - 60 * hours] as const), [0, 1_000]),
  ],
  ['growth that has just begun', sizes([5, 100], [4, 100], [3, 100], [2, 100], [1, 200], [0, 300])],
  ['a long gap', sizes([9, 100], [2, 380], [1, 420], [0, 460])],
])('%s is no steady growth', (_, all) => {
  expect(steadyGrowth(all)).toBeUndefined();
});

test('the member that will be full first is used, and one without known growth is ignored', () => {
  const fast = member('n2', { dbSizeBytes: 1_000 * MB, quotaBytes: 2_000 * MB });
  const slow = leader('n1', { dbSizeBytes: 1_000 * MB, quotaBytes: 2_000 * MB });
  const before = (id: string, mbAnHour: number) =>
    [1, 2, 3, 4].map((hours) => ({
      memberId: id,
      ageMs: hours * HOUR_MS,
      dbSizeBytes: (1_000 - hours * mbAnHour) * MB,
    }));
  const known = store([slow, fast, member('n3')], {
    earlier: [...before(slow.id, 50), ...before(fast.id, 100)],
  });
  expect(forecastOf(known)?.fullInMs).toBeCloseTo(10 * HOUR_MS, -3);
  expect(forecastOf(store([slow]))).toBeUndefined();
});

/** Grows by 100 MB an hour, and was defragmented to 200 MB at these times. */
function defragmented(...hoursAgo: readonly number[]) {
  const sizeAt = (hours: number) => {
    const since = Math.min(...hoursAgo.filter((one) => one >= hours)) - hours;
    return (200 + 100 * since) * MB;
  };
  const n1 = leader('n1', { dbSizeBytes: sizeAt(0), quotaBytes: 2_000 * MB });
  const first = Math.max(...hoursAgo);
  const earlier = Array.from({ length: 2 * first }, (_, at) => (at + 1) / 2).map((hours) => ({
    memberId: n1.id,
    ageMs: hours * HOUR_MS,
    dbSizeBytes: sizeAt(hours),
  }));
  const { fullInMs } = forecastOf(store([n1], { earlier })) ?? {};
  return fullInMs === undefined ? 'is not foreseen' : `full in ${(fullInMs / HOUR_MS).toFixed(1)} hours`;
}

test.each([
  ['before it would be full', [20, 12, 4], 'is not foreseen'],
  ['too late', [45, 25, 5], 'full in 13.0 hours'],
  ['no longer', [33, 23, 16], 'full in 2.0 hours'],
  ['once', [8], 'full in 10.0 hours'],
])('a database that is defragmented regularly, %s: %s', (_, hoursAgo, expected) => {
  expect(defragmented(...hoursAgo)).toBe(expected);
});

test('slow growth in steps is steady between two steps', () => {
  const steps = Array.from({ length: 25 }, (_, hours) => [hours, 500 - 16 * Math.ceil(hours / 2)] as const);
  expect(steadyGrowth(sizes(...steps))).toBeDefined();
  const later = steps.map(([hours, mb]) => [hours + 1, mb] as const);
  expect(steadyGrowth(sizes(...later, [0, 500]))).toBeDefined();
});

test('a forecast is limited to a multiple of the measured time', () => {
  const n1 = leader('n1', { dbSizeBytes: 1_000 * MB, quotaBytes: 2_000 * MB });
  const earlier = [20, 40, 60].map((minutes) => ({
    memberId: n1.id,
    ageMs: minutes * 60_000,
    dbSizeBytes: (1_000 - minutes / 2) * MB,
  }));
  expect(forecastOf(store([n1], { earlier }))).toBeUndefined();
});
