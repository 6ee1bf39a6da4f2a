import { expect, test } from 'vitest';
import { bytesOf } from './amounts.ts';

const MIB = 1_024 ** 2;

test.each([
  [33 * 1_024 * MIB, 40 * 1_024 * MIB, '33 of 40 GiB'],
  [0, 1_024 * MIB, '0 of 1 GiB'],
  [4.67 * MIB, 128 * MIB, '4.67 of 128 MiB'],
  [12.54 * MIB, 1_023 * MIB, '12.5 of 1023 MiB'],
])('%d of %d bytes is %s', (part, whole, words) => {
  expect(bytesOf(part, whole)).toBe(words);
});
