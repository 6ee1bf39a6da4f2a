import { expect, test } from 'vitest';
import { alignTable, rowInWords, visibleTable } from './align-table.ts';

test('an empty or invisible cell is empty', () => {
  expect(alignTable(['Member', 'Role'], [['z1', 'leader'], ['z2', ' \u200B'], ['z3']])).toEqual([
    'Member  Role',
    '──────  ──────',
    'z1      leader',
    'z2',
    'z3',
  ]);
});

test('a column in which every cell is empty is left out, with its name', () => {
  expect(
    visibleTable(
      ['Member', 'Role', 'State'],
      [
        ['z1', '', 'down'],
        ['z2', '\u0007', ''],
      ],
    ),
  ).toEqual({
    columns: ['Member', 'State'],
    rows: [
      ['z1', 'down'],
      ['z2', ''],
    ],
  });
});

test('a table without rows keeps its columns', () => {
  expect(alignTable(['Member'], [])).toEqual(['Member', '──────']);
});

test('a row in words leaves empty cells out, and names only columns that have a name', () => {
  expect(rowInWords(['Member', 'Role'], ['z1', '', 'lagging'])).toBe('Member: z1 · lagging');
});
