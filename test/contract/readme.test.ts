import { expect, test } from 'vitest';
import { fillRegion, regionsOf, table } from '../../scripts/generate/regions.ts';
import { generated } from './generated.ts';

test.each([
  ['README.md', ['commands', 'configuration', 'environment', 'remediations']],
  ['commands/README.md', ['checks']],
  ['docs/architecture.md', ['layers']],
])('the tables of %s are up to date with the declarations (npm run generate)', async (path, regions) => {
  const { is, shouldBe } = await generated(path);

  expect(regionsOf(is).toSorted()).toEqual(regions.toSorted());
  expect(is).toBe(shouldBe);
});

test('filling a region changes only the text between its markers', () => {
  const text = 'a\n<!-- generated:x -->\nold\n<!-- /generated -->\nb <!-- generated:y --><!-- /generated -->';

  expect(fillRegion(text, 'x', 'new\n')).toBe(
    'a\n<!-- generated:x -->\nnew\n<!-- /generated -->\nb <!-- generated:y --><!-- /generated -->',
  );
});

test.each([
  'no marker',
  '<!-- generated:x -->',
  '<!-- generated:x --><!-- generated:x --><!-- /generated -->',
])('rejects a region without exactly one pair of markers: %s', (text) => {
  expect(() => fillRegion(text, 'x', 'new')).toThrow('there must be one');
});

test('escapes a bar in a cell', () => {
  expect(table(['a'], [['x | y']])).toBe('| a |\n| --- |\n| x \\| y |');
});
