import { expect, test } from 'vitest';
import {
  bytes,
  calendarDay,
  capitalize,
  count,
  elapsed,
  list,
  percent,
  period,
  span,
  utcTime,
} from './wording.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test.each([
  [0, 'less than a minute'],
  [61_000, '1 minute'],
  [59 * 60_000, '59 minutes'],
  [HOUR_MS, '1 hour'],
  [47.9 * HOUR_MS, '47 hours'],
  [2 * DAY_MS, '2 days'],
  [99.9 * DAY_MS, '99 days'],
  [100 * DAY_MS, '3 months'],
  [365 * DAY_MS, '12 months'],
  [3 * 365 * DAY_MS, '3 years'],
  [10 * 365 * DAY_MS, '10 years'],
  [-5 * DAY_MS, '5 days'],
  [NaN, 'an unknown time'],
  [Infinity, 'an unknown time'],
])('%d ms is %s', (ms, words) => {
  expect(span(ms)).toBe(words);
});

test.each([
  [0, '0 seconds'],
  [1_000, '1 second'],
  [1_500, '1.5 seconds'],
  [60_000, '1 minute'],
  [90_000, '90 seconds'],
  [150_000, '2 minutes 30 seconds'],
  [300_000, '5 minutes'],
  [HOUR_MS, '1 hour'],
  [1.5 * HOUR_MS, '1 hour 30 minutes'],
  [2 * HOUR_MS + 1_000, '2 hours 1 second'],
  [72 * HOUR_MS, '72 hours'],
  [NaN, 'an unknown time'],
])('a configured period of %d ms is %s', (ms, words) => {
  expect(period(ms)).toBe(words);
});

test('a time is in UTC to the minute, and an invalid one says so', () => {
  expect(utcTime(new Date('2019-07-12T22:25:49Z'))).toBe('2019-07-12 22:25 UTC');
  expect(utcTime(new Date('9999-12-31T23:59:59Z'))).toBe('9999-12-31 23:59 UTC');
  expect(utcTime(new Date(NaN))).toBe('no readable date');
});

test('a day is in UTC, with the name of its month', () => {
  expect(calendarDay(new Date('2027-03-03T23:59:59Z'))).toBe('3 March 2027');
  expect(calendarDay(new Date(NaN))).toBe('no readable date');
});

test('counts and lists read naturally', () => {
  expect([count(1, 'place'), count(0, 'place'), count(2, 'entry', 'entries')]).toEqual([
    '1 place',
    '0 places',
    '2 entries',
  ]);
  expect(list([])).toBe('');
  expect(list(['a'])).toBe('a');
  expect(list(['a', 'b', 'c'])).toBe('a, b and c');
  expect(list(['a', 'b', 'c', 'd'])).toBe('a, b, c and 1 more');
  expect(list(['a', 'b'], 2, 500)).toBe('a, b and 498 more');
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [210_000, '210 kB'],
  [1_500_000, '1.5 MB'],
  [9_960_000, '10 MB'],
  [2 * 1_024 ** 3, '2.1 GB'],
  [5e15, '5000 TB'],
])('%d bytes are %s', (amount, words) => {
  expect(bytes(amount)).toBe(words);
});

test.each([
  [0, '0%'],
  [0.000_1, 'less than 1%'],
  [0.129, '12%'],
  // 0.29 * 100 is 28.999999999999996.
  [0.29, '29%'],
  [0.57, '57%'],
  [18_361_035_161 / 32_212_254_720, '57%'],
  [0.999_999_999_999_9, '99%'],
  [0.999_9, '99%'],
  [1, '100%'],
])('a share of %d is %s', (share, words) => {
  expect(percent(share)).toBe(words);
});

test('milliseconds are written in seconds below two minutes, with tenths if there are any', () => {
  expect(elapsed(8_940)).toBe('8.9 s');
  expect(elapsed(3_000)).toBe('3 s');
  expect(elapsed(119_900)).toBe('119.9 s');
  expect(elapsed(120_000)).toBe('2 minutes');
  expect(elapsed(86_399_500)).toBe('23 hours');
});

test('the first letter is capitalized, unless it belongs to a name', () => {
  expect(capitalize('the disk of n1 is slow')).toBe('The disk of n1 is slow');
  expect(capitalize('etcd is 99% full', ['etcd'])).toBe('etcd is 99% full');
  expect(capitalize('etcd, n1 and n2 are slow', ['etcd'])).toBe('etcd, n1 and n2 are slow');
  expect(capitalize('etcds are slow', ['etcd'])).toBe('Etcds are slow');
});
