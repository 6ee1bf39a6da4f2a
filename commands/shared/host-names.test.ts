import { expect, test } from 'vitest';
import { byHost, isSameHost } from './host-names.ts';

test.each([
  ['cmp-1', 'cmp-1', true],
  ['cmp-1', 'CMP-1.example.internal', true],
  ['cmp-1', 'cmp-10', false],
  ['10.20.0.11', '10.20.0.12', false],
  ['10.20.0.11', '10.20.0.11', true],
  ['fd00::1', 'fd00::2', false],
])('%s and %s', (one, other, isSame) => {
  expect(isSameHost(one, other)).toBe(isSame);
});

test('finds the first item of a host, by any of its names', () => {
  const find = byHost(['cmp-1.example.internal', 'cmp-1', '10.20.0.11'], (one) => one);
  expect(['CMP-1', 'cmp-1.other', '10.20.0.11', '10.20.0.12'].map(find)).toEqual([
    'cmp-1.example.internal',
    'cmp-1.example.internal',
    '10.20.0.11',
    undefined,
  ]);
});
