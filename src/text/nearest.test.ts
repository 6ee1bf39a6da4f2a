import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

const known = ['expiring', 'show', 'warningShare'];

test.each([
  ['expring', 'expiring'],
  ['EXPIRING', 'expiring'],
  ['exp', 'expiring'],
  ['warningsh', 'warningShare'],
  ['shwo', 'show'],
  ['certificates', undefined],
  ['zzzzz', undefined],
])('%s: %s was meant', (word, meant) => {
  expect(nearest(word, known)).toBe(meant);
});

test('with nothing known nothing is meant', () => {
  expect(nearest('x', [])).toBeUndefined();
});
