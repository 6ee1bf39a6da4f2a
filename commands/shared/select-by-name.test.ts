import { expect, test } from 'vitest';
import { selectByName } from './select-by-name.ts';

function select(names: readonly string[], requested: string, flag = '--pool') {
  const gaps: string[] = [];
  const selected = selectByName(
    names.map((name) => ({ name })),
    { flag, requested, nameOf: ({ name }) => name },
    (what, error) => void gaps.push(`${what}: ${error.message}`),
  );
  return { selected: selected.map(({ name }) => name), gaps };
}

test('selects by name, and every unknown name is a gap', () => {
  expect(select(['blue', 'green', 'blue'], 'blue, gren,x')).toEqual({
    selected: ['blue', 'blue'],
    gaps: ['--pool gren: not found; did you mean green?', '--pool x: not found; available: blue and green'],
  });
});

test('five available names are listed, and the others counted', () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `worker-${String(index).padStart(4, '0')}`);
  expect(select(names, 'database', '--node').gaps).toEqual([
    '--node database: not found; available: worker-0000, worker-0001, worker-0002, worker-0003, worker-0004 and 4995 more',
  ]);
});

test.each([
  ['--pool', 'no pool is known'],
  ['--node', 'no node is known'],
])('if no name is known, the gap for %s says so', (flag, hint) => {
  expect(select([], 'x', flag)).toEqual({ selected: [], gaps: [`${flag} x: not found; ${hint}`] });
});
