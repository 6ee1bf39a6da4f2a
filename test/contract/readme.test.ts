import { expect, test } from 'vitest';
import { fillRegion, regionsOf, table } from '../../scripts/generate/regions.ts';
import { generated } from './generated.ts';

test.each([
  ['README.md', ['commands']],
  ['commands/README.md', ['checks']],
  ['docs/architecture.md', ['layers']],
  ['docs/operations.md', ['log-events']],
  ['docs/checks.md', ['report-example']],
  ['docs/configuration.md', ['configuration', 'environment']],
  ['docs/digests.md', ['digest-example', 'digest-nothing-new']],
  ['docs/remediations.md', ['remediations']],
])('the generated regions of %s are up to date (npm run generate)', async (path, regions) => {
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
  expect(() => fillRegion(text, 'x', 'new')).toThrow('expected exactly one');
});

test('escapes a bar in a cell', () => {
  expect(table(['a'], [['x | y']])).toBe('| a |\n| --- |\n| x \\| y |');
});
