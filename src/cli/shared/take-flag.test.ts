import { expect, test } from 'vitest';
import { takeFlag } from './take-flag.ts';

test('a flag is removed from the words, at any position and as often as it is given', () => {
  const words = ['ci', '--path', 'a', 'docker-run', '--path=b c', '--match', 'x'];

  expect(takeFlag(words, ['--path'], 'a folder')).toEqual({
    words: ['ci', 'docker-run', '--match', 'x'],
    values: ['a', 'b c'],
  });
});

test('a flag has a short name', () => {
  expect(takeFlag(['-o', 'json', '-o=sarif'], ['--output', '-o'], 'a format')).toEqual({
    words: [],
    values: ['json', 'sarif'],
  });
});

test('a longer flag is another one', () => {
  const words = ['--paths', 'a', '-only'];

  expect(takeFlag(words, ['--path', '-o'], 'a folder')).toEqual({ words, values: [] });
});

test.each([[['--path']], [['--path=']], [['--path', '']], [['--path', '--json']]])(
  'a flag without a value is refused: %j',
  (words) => {
    expect(takeFlag(words, ['--path'], 'a folder')).toBe('`--path` needs a folder.');
  },
);
