import { expect, test } from 'vitest';
import { takeRunFlags } from './run-flags.ts';

const WORDS = ['ci', 'docker-run'];

test.each([
  [[], 'text'],
  [['--json'], 'json'],
  [['-o', 'json'], 'json'],
  [['--json', '--output=json'], 'json'],
  [['-o', 'sarif'], 'sarif'],
  [['--output', 'text'], 'text'],
])('%j prints the report as %s', (flags, output) => {
  expect(takeRunFlags([...WORDS, ...flags])).toEqual({ words: WORDS, output, paths: [] });
});

test('paths and a recording may be given, anywhere', () => {
  expect(takeRunFlags(['--path', '.', ...WORDS, '--path=ci/test.sh', '--record', 'a.json'])).toEqual({
    words: WORDS,
    output: 'text',
    paths: ['.', 'ci/test.sh'],
    recordPath: 'a.json',
  });
});

test.each([
  [['-o', 'xml'], 'Unknown format `xml`. Available: text, json, sarif, diff.'],
  [['-o', 'sarf'], 'Unknown format `sarf`. Did you mean `sarif`?'],
  [['-o'], '`-o` needs a format: text, json, sarif, diff.'],
  [['--json', '-o', 'sarif'], "`--json` and `-o sarif` can't be used together."],
  [['--json=3'], '`--json` takes no value.'],
  [['--path'], '`--path` needs a folder or a file.'],
  [['--record', '-'], '`--record` needs a file name.'],
])('%j is refused', (flags, problem) => {
  expect(takeRunFlags([...WORDS, ...flags])).toBe(problem);
});
