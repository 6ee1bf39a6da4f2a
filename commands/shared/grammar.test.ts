import { expect, test } from 'vitest';
import { agree, allOf, be, have, say, shareOf } from './grammar.ts';

test.each([
  [0, 'are failing', 'have no VM'],
  [1, 'is failing', 'has no VM'],
  [2, 'are failing', 'have no VM'],
])('the verb agrees with an amount of %i', (amount, is, has) => {
  expect(agree(amount, be('failing'))).toBe(is);
  expect(agree(amount, have('no VM'))).toBe(has);
});

test.each([
  [['a'], 'a is down'],
  [['a', 'b'], 'a and b are down'],
  [['a', 'b', 'c'], 'a, b and 1 more are down'],
])('%j: %s', (names, sentence) => {
  expect(say(names, be('down'), 2)).toBe(sentence);
});

test.each([
  [1, 1, 'the only node', '1 node'],
  [2, 2, 'both nodes', 'both nodes'],
  [12, 12, 'all 12 nodes', 'all 12 nodes'],
  [12, 41, 'all 12 nodes', '12 of 41 nodes'],
])('%i of %i: %s, %s', (amount, total, all, share) => {
  expect(allOf(amount, 'node')).toBe(all);
  expect(shareOf(amount, total, 'node')).toBe(share);
});
