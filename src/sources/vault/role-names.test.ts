import { expect, test } from 'vitest';
import { namesNotAllowed } from './role-names.ts';

const globs = (...allowed: readonly string[]) => ({ allowed_domains: allowed, allow_glob_domains: true });

test.each([
  ['*.example', 'a.example', true],
  ['*.example', '.example', true],
  ['*.example', 'example', false],
  ['ftp*.example', 'ftp1.example', true],
  ['ftp*.example', 'xftp1.example', false],
  ['a*a', 'a', false],
  ['a*a', 'aa', true],
  ['*b*b*', 'xbxbx', true],
  ['*b*b*', 'xbx', false],
  ['a+b.example', 'aab.example', false],
])('the pattern %s, the name %s: %s', (pattern, name, isAllowed) => {
  expect(namesNotAllowed(globs(pattern), undefined, [`DNS:${name}`])).toEqual(
    isAllowed ? [] : [`DNS:${name}`],
  );
});

test('a pattern with many stars does not take forever', () => {
  const name = `DNS:${'a'.repeat(250)}`;

  expect(namesNotAllowed(globs(`${'*a'.repeat(40)}b`), undefined, [name])).toEqual([name]);
});
