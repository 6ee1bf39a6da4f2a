import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';
import { localIncludes } from './gitlab-includes.ts';

test.each<[string, string, readonly string[]]>([
  ['one path', 'include: /ci/a.yml', ['ci/a.yml']],
  ['a map', 'include:\n  local: ci/a.yml\n', ['ci/a.yml']],
  [
    'a list',
    'include: [a.yml, { local: b.yml }, { local: [c.yml, d.yml] }]',
    ['a.yml', 'b.yml', 'c.yml', 'd.yml'],
  ],
  [
    'other kinds',
    'include:\n  - remote: https://x/a.yml\n  - template: A.yml\n  - { project: p, file: a.yml }\n  - https://x/b.yml\n',
    [],
  ],
  ['conditions', 'include:\n  - local: a.yml\n    rules: [{ if: $CI }]\n', ['a.yml']],
  ['an anchor', '.x: &files [a.yml]\ninclude: *files\n', ['a.yml']],
  ['a nested list', 'include:\n  - [a.yml, b.yml]\n', ['a.yml', 'b.yml']],
  ['a child pipeline', 'x:\n  trigger:\n    include:\n      - local: a.yml\n', ['a.yml']],
  ['other tags', 'include: a.yml\nx: { script: [!reference [.y, script]] }\n', ['a.yml']],
  ['a mistake elsewhere', 'include: a.yml\nx: [\n', ['a.yml']],
  ['no includes', 'x: { script: [echo include] }', []],
])('%s', (_, content, paths) => {
  expect(localIncludes(content)).toEqual(paths);
});

test('nothing makes it throw', () => {
  const pieces = constantFrom(
    'include:',
    ' ',
    '\n',
    '- ',
    'local: ',
    'a.yml',
    '*x',
    '&x',
    '[',
    ']',
    '{',
    '}',
    '"',
    '!',
    '\t',
    '|',
  );
  assert(
    property(array(pieces), (parts) => {
      for (const path of localIncludes(parts.join(''))) expect(path).toBeTypeOf('string');
    }),
  );
  expect(localIncludes(`include: ${'['.repeat(50_000)}`)).toEqual([]);
  const bomb = Array.from({ length: 30 }, (_, at) => `a${at}: &a${at} [*a${at - 1},*a${at - 1}]`).slice(1);
  expect(localIncludes(['a0: &a0 [x.yml]', ...bomb, 'include: *a29'].join('\n'))).toEqual([]);
});
