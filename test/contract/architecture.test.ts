import { expect, test } from 'vitest';
import { missingPaths, namedPaths } from './missing-paths.ts';
import { readText, readTree } from './tree.ts';

const text = readText('docs/architecture.md');

test('every path that docs/architecture.md names exists', () => {
  expect(namedPaths(text).length).toBeGreaterThan(40);
  expect(missingPaths(text)).toEqual([]);
});

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
