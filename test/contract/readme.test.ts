import { expect, test } from 'vitest';
import { fillRegion, regionsOf, table } from '../../scripts/generate/regions.ts';
import { generated } from './generated.ts';

test.each([
  ['README.md', ['commands', 'configuration', 'environment', 'remediations']],
  ['commands/README.md', ['checks']],
  ['docs/architecture.md', ['layers']],
])('the tables of %s are what the declarations give (npm run generate)', async (path, regions) => {
  const { is, shouldBe } = await generated(path);

  expect(regionsOf(is).toSorted()).toEqual(regions.toSorted());
  expect(is).toBe(shouldBe);
});

test('a region is filled between its markers, and nothing else is touched', () => {
  const text = 'a\n<!-- generated:x -->\nold\n<!-- /generated -->\nb <!-- generated:y --><!-- /generated -->';

  expect(fillRegion(text, 'x', 'new\n')).toBe(
    'a\n<!-- generated:x -->\nnew\n<!-- /generated -->\nb <!-- generated:y --><!-- /generated -->',
  );
});

test.each([
  'no marker',
  '<!-- generated:x -->',
  '<!-- generated:x --><!-- generated:x --><!-- /generated -->',
])('%s: is refused', (text) => {
  expect(() => fillRegion(text, 'x', 'new')).toThrow('there must be one');
});

test('a bar in a cell does not end it', () => {
  expect(table(['a'], [['x | y']])).toBe('| a |\n| --- |\n| x \\| y |');
});
