import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MODULES } from './layers.ts';
import { readText, readTree, ROOT } from './tree.ts';

const text = readText('docs/architecture.md');

test('every path that docs/architecture.md names exists', () => {
  const named = [...text.matchAll(/`((?:src|commands|scripts|test|deploy|docs)\/[^`]*)`/g)].map(
    ([, path = '']) => path,
  );
  const concrete = named.filter((path) => !/[<{*]/.test(path) && !COMING.has(path));

  expect(concrete.length).toBeGreaterThan(40);
  expect(concrete.filter((path) => !existsSync(`${ROOT}${path}`))).toEqual([]);
});

/** Modules of the layer table that have no files yet. */
const COMING = new Set(
  MODULES.filter(({ at }) => ![...readTree(['src', 'commands']).keys()].some((path) => at.test(path))).map(
    ({ path }) => path,
  ),
);

test('the map of folders is complete', () => {
  const folders = [...readTree(['src']).keys()].map((path) => path.split('/').slice(0, 2).join('/'));
  const missing = [...new Set(folders)].filter(
    (folder) => !folder.endsWith('.ts') && !text.includes(`| \`${folder}/\` |`),
  );

  expect(missing).toEqual([]);
});

test('the files of a command and of a fix are numbered in order', () => {
  for (const heading of ['## The path of a command', '## The path of a fix']) {
    const section = text.slice(text.indexOf(heading) + heading.length).split('\n## ')[0] ?? '';
    const numbers = [...section.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number));

    expect(numbers.length).toBeGreaterThan(8);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
  }
});
