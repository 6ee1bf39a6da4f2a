import { expect, test } from 'vitest';
import { localConfig, localPaths, pathFromHere } from './local-files.ts';

test('a path has one form', () => {
  expect(localPaths(['.', './', './ci/', 'ci', '/srv/shop/', '/', '../x'])).toEqual([
    '.',
    'ci',
    '/srv/shop',
    '/',
    '../x',
  ]);
});

test('a path that does not exist is refused', async () => {
  expect(await localConfig(['does-not-exist'])).toBe("`does-not-exist` doesn't exist.");
});

const at = (target: string, path: string) => ({ target, path, line: 3, column: 1, message: 'x' });

test.each([
  ['.', at('ci/test.sh:3', 'ci/test.sh'), 'ci/test.sh'],
  ['ci', at('ci:test.sh:3', 'test.sh'), 'ci/test.sh'],
  ['ci/test.sh', at('ci/test.sh:3', 'test.sh'), 'ci/test.sh'],
  ['/srv/checkouts/ci', at('/srv/checkouts/ci:test.sh:3', 'test.sh'), 'ci/test.sh'],
  ['../other', at('../other:test.sh:3', 'test.sh'), '../other/test.sh'],
])('of %s, a file is found from the current folder', (path, location, expected) => {
  expect(pathFromHere([path], '/srv/checkouts')(location)).toBe(expected);
});

test('several paths are told apart', () => {
  const pathOf = pathFromHere(['ci', 'build.sh'], '/srv/checkouts');

  expect(pathOf(at('ci:build.sh:3', 'build.sh'))).toBe('ci/build.sh');
  expect(pathOf(at('build.sh:3', 'build.sh'))).toBe('build.sh');
});
