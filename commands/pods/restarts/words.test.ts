import { expect, test } from 'vitest';
import type { Loop } from './loops.ts';
import { lifeInWords, livesInWords, rateInWords } from './words.ts';

const HOUR_MS = 3_600_000;

function loop(restarts: number, hours: number, known: Partial<Loop> = {}): Loop {
  return { pace: 'fast', restarts, spanMs: hours * HOUR_MS, isEstimate: false, ...known };
}

test.each([
  [91_300, '91 s'],
  [599_000, '599 s'],
  [77 * 60_000, '77 minutes'],
  [5 * HOUR_MS, '5 hours'],
])('a run of %d ms is %s', (ms, expected) => {
  expect(lifeInWords(ms)).toBe(expected);
});

test.each([
  [[], undefined],
  [[91_300], '91 s'],
  [[94_000, 88_000], '88 to 94 s'],
  [[9_000, 4 * HOUR_MS], '9 s to 4 hours'],
])('the runs %j are %s', (all, expected) => {
  expect(livesInWords(all)).toBe(expected);
});

test.each([
  [[loop(8, 1)], '8 restarts in the last hour'],
  [[loop(1, 24)], '1 restart in the last day'],
  [[loop(14, 24), loop(13, 24.2)], '13 to 14 restarts in the last day'],
  [[loop(4, 0.25)], '4 restarts in the last 15 minutes'],
  [[loop(40, 5)], '40 restarts in the last 5 hours'],
  [[loop(8, 1), loop(3, 0.25)], 'up to 8 restarts in the last hour'],
  [[loop(39, 1, { isEstimate: true })], 'about 39 restarts an hour (estimated)'],
  [[loop(13, 24, { isEstimate: true })], 'about 13 restarts a day (estimated)'],
] as const)('rates: %j are %s', (loops, expected) => {
  expect(rateInWords(loops)).toBe(expected);
});
