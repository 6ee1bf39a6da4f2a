import { expect, test } from 'vitest';
import { SourceError } from '../../ports/source-error.ts';
import { sumIn, parseDateTime, toWhole } from './values.ts';

const fail = (what: string): SourceError => new SourceError('db', 'malformed', what);

test.each([
  ['61240', 61_240],
  ['61240.0000', 61_240],
  [7, 7],
  ['0', 0],
  ['-1', undefined],
  ['1.5', undefined],
  ['', undefined],
  ['many', undefined],
  [null, undefined],
  [true, undefined],
])('%j is %j', (value, expected) => {
  expect(toWhole(value)).toBe(expected);
});

test('the sum of no rows is 0, and what is no number is not 0', () => {
  expect(sumIn({ n: null }, 'n', fail)).toBe(0);
  expect(() => sumIn({}, 'n', fail)).toThrow('n');
  expect(() => sumIn({ n: 'many' }, 'n', fail)).toThrow('n');
});

test.each([
  ['2022-02-17 08:11:40', '2022-02-17T08:11:40.000Z'],
  ['2022-02-17 08:11:40.123456', '2022-02-17T08:11:40.000Z'],
  ['2022-02-17T08:11:40', '2022-02-17T08:11:40.000Z'],
  ['0000-00-00 00:00:00', undefined],
  ['2022-02-17', undefined],
  ['yesterday', undefined],
  [null, undefined],
])('the time %j is in UTC: %j', (value, expected) => {
  expect(parseDateTime(value)?.toISOString()).toBe(expected);
});
