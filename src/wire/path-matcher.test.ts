import { array, assert, constantFrom, property, stringMatching } from 'fast-check';
import { expect, test } from 'vitest';
import { makePathMatcher } from './path-matcher.ts';

test.each([
  ['ci/a.yml', 'ci/a.yml', true],
  ['ci/a.yml', 'ci/axyml', false],
  ['ci/*.yml', 'ci/a.yml', true],
  ['ci/*.yml', 'ci/b/a.yml', false],
  ['ci/**.yml', 'ci/b/a.yml', true],
  ['ci/**/*.yml', 'ci/a.yml', true],
  ['ci/**/*.yml', 'ci/b/c/a.yml', true],
  ['ci/**/*.yml', 'cix/a.yml', false],
  ['**/testdata', 'testdata', true],
  ['**/testdata', 'a/b/testdata', true],
  ['**/testdata', 'a/mytestdata', false],
  ['*', 'a', true],
  ['*', 'a/b', false],
  ['**', 'a/b', true],
  ['a+(b)*', 'a+(b)c', true],
  ['*ü', 'aü', true],
])('%s matches %s: %s', (pattern, path, expected) => {
  expect(makePathMatcher(pattern)(path)).toBe(expected);
});

test('is as a regular expression', () => {
  const part = constantFrom('a', 'b', '/', '*', '.');
  assert(
    property(array(part, { maxLength: 6 }), stringMatching(/^[ab/.]{0,8}$/), (parts, path) => {
      const pattern = parts.join('').replaceAll(/\*{2,}/g, '*');
      const source = pattern.replaceAll('.', String.raw`\.`).replaceAll('*', '[^/]*');
      expect(makePathMatcher(pattern)(path)).toBe(new RegExp(`^${source}$`).test(path));
    }),
  );
});

test('a pattern with many wildcards takes no longer than its length says', () => {
  const matches = makePathMatcher(`${'**a'.repeat(60)}b`);
  expect(matches('a'.repeat(2000))).toBe(false);
});
