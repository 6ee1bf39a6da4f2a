import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

const known = ['expiring', 'show', 'warningShare', 'rotation', 'drift'];

test.each([
  ['expring', 'expiring'],
  ['EXPIRING', 'expiring'],
  ['exp', 'expiring'],
  ['warningsh', 'warningShare'],
  ['shwo', 'show'],
  ['expired', 'expiring'],
  ['rotate', 'rotation'],
  ['drifting', 'drift'],
  ['warningDays', undefined],
  ['certificates', undefined],
  ['zzzzz', undefined],
])('%s is close to %s', (word, meant) => {
  expect(nearest(word, known)).toBe(meant);
});

test('without known words there is no nearest one', () => {
  expect(nearest('x', [])).toBeUndefined();
});
