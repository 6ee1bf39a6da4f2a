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

test('only what was measured since the database last shrank counts', () => {
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
  ['growth that has just begun', sizes([5, 100], [4, 100], [3, 100], [2, 100], [1, 200], [0, 300])],
  ['a long gap', sizes([9, 100], [2, 380], [1, 420], [0, 460])],
])('%s is no steady growth', (_, all) => {
  expect(steadyGrowth(all)).toBeUndefined();
});

test('the member that is full first decides, and one that is not known to grow does not', () => {
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

test('it is not foreseen further ahead than a multiple of the time that was measured', () => {
  const n1 = leader('n1', { dbSizeBytes: 1_000 * MB, quotaBytes: 2_000 * MB });
  const earlier = [20, 40, 60].map((minutes) => ({
    memberId: n1.id,
    ageMs: minutes * 60_000,
    dbSizeBytes: (1_000 - minutes / 2) * MB,
  }));
  expect(forecastOf(store([n1], { earlier }))).toBeUndefined();
});
