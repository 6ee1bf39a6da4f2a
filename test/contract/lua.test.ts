import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { localsOf } from '../../src/queue/load-lua.ts';
import { readTree } from './tree.ts';

const all = [...readTree(['src', 'commands'], /\.lua$/)];
const isIncluded = (path: string) => path.includes('/lua/includes/');
const scripts = all.filter(([path]) => !isIncluded(path));
const included = all.filter(([path]) => isIncluded(path));
const production = [...readTree(['src', 'commands'])].filter(([path]) => !path.endsWith('.test.ts'));

/** A header, the locals that name each key and argument, and the rest. */
const SCRIPT =
  /^--\[\[\n(?<header>[\s\S]+?)\n\]\]\n(?<locals>(?:local .+ = .*(?:KEYS|ARGV).*\n)+)\n(?<rest>[\s\S]+)$/;
const HEADER =
  /^ {2}\S[\s\S]+\n\n {2}Keys:\n(?<keys>(?: {4}.+\n)+)(?: {2}Arguments:\n(?<args>(?: {4}.+\n)+))? {2}Returns: .+/;

/** Scripts in a string, and the ways to run one: https://redis.io/docs/latest/develop/programmability/ */
const RUNS_LUA =
  /\b(KEYS|ARGV)\[|\.(eval|evalsha|fcall)(_ro)?\(|\.call\(\s*['"](eval|fcall|EVAL|FCALL)|\.defineCommand\(/;

/** `name  description`, one per line. */
function namesIn(list = ''): readonly string[] {
  return list.split('\n').flatMap((line) => /^ {4}(\S+) +\S/.exec(line)?.[1] ?? []);
}

test('scripts of Redis are in .lua files, and one file runs them', () => {
  const withLua = production.filter(([, text]) => RUNS_LUA.test(text));

  expect(withLua.map(([path]) => path)).toEqual(['src/queue/load-lua.ts']);
  expect(all.filter(([path]) => !/\/lua\/(includes\/)?[a-z-]+\.lua$/.test(path))).toEqual([]);
});

test.each(scripts)('%s describes its keys, its arguments and what it returns, and names them', (_, text) => {
  const { header, locals, rest } = SCRIPT.exec(text)?.groups ?? {};
  const { keys, args } = HEADER.exec(header ?? '')?.groups ?? {};

  expect(localsOf(locals ?? '')).toEqual([
    ...namesIn(keys).map((name, at) => `${name} = KEYS[${at + 1}]`),
    ...namesIn(args).map((name, at) => `${name} = ARGV[${at + 1}]`),
  ]);
  expect(localsOf(locals ?? '')).toHaveLength((locals ?? '').trim().split('\n').length);
  expect(rest).not.toMatch(/\b(KEYS|ARGV)\b/);
});

test.each(scripts)('%s is loaded once, by a file in the folder above', (path) => {
  const folder = posix.dirname(posix.dirname(path));
  const users = production.filter(
    ([user, text]) =>
      posix.dirname(user) === folder && text.includes(`loadLua(new URL('./lua/${posix.basename(path)}'`),
  );

  expect(users).toHaveLength(1);
});

test.each(included)('%s is included, and has documented functions only', (path, text) => {
  const includes = all.flatMap(([from, content]) =>
    [...content.matchAll(/^-- @include "(.+)"$/gm)].map(([, to = '']) => posix.join(posix.dirname(from), to)),
  );
  const outside = text
    .split(/\n\n+/)
    .filter((part) => !/^(-- @include ".+"|(-- .+\n)+local function [\s\S]+\nend)$/.test(part.trim()));

  expect(includes).toContain(path);
  expect(outside).toEqual([]);
  expect(text).not.toMatch(/\b(KEYS|ARGV)\b/);
});
