import { expect, test } from 'vitest';
import { alignTable, foldSame, rowInWords, visibleTable } from './align-table.ts';

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
  expect(rowInWords(['Member', 'Role'], ['z1', '', 'lagging'])).toBe('z1 · lagging');
  expect(rowInWords(['Member', 'Role', 'State'], ['z1', 'leader', 'alarm'])).toBe(
    'z1 · Role: leader · State: alarm',
  );
});

test('columns that say the same in every row are folded into one line', () => {
  const columns = ['Deployment', 'Instance', 'State'];
  const rows = [
    ['cf', 'api/0', 'failing'],
    ['cf', 'uaa/0', 'failing'],
  ];

  expect(foldSame({ columns, rows })).toEqual({
    columns: ['Instance'],
    rows: [['api/0'], ['uaa/0']],
    same: 'Deployment: cf · State: failing',
  });
});

test('a single row and rows that differ in every column are not folded', () => {
  const columns = ['Instance', 'State'];
  const one = [['api/0', 'failing']];
  const two = [...one, ['uaa/0', 'stopped']];

  expect(foldSame({ columns, rows: one })).toEqual({ columns, rows: one });
  expect(foldSame({ columns, rows: two })).toEqual({ columns, rows: two });
});

test('a table keeps one column if all rows are the same', () => {
  const rows = [
    ['api/0', 'failing'],
    ['api/0', 'failing'],
  ];

  expect(foldSame({ columns: ['Instance', 'State'], rows })).toEqual({
    columns: ['Instance'],
    rows: [['api/0'], ['api/0']],
    same: 'State: failing',
  });
});
