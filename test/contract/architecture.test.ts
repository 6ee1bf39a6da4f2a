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

const rowsOf = (heading: string): readonly (readonly string[])[] => {
  const section = text.slice(text.indexOf(heading) + heading.length).split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)].map(([, number = '', files = '']) => [
    number,
    ...[...files.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  ]);
};

test('the files of a command and of a fix are numbered in order', () => {
  for (const heading of ['## The path of a command', '## The path of a fix']) {
    const numbers = rowsOf(heading).map(([number]) => Number(number));

    expect(numbers.length).toBeGreaterThan(4);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
  }
});

test('a fix can be followed from the click to its outcome through at most eight files', () => {
  const files = rowsOf('## The path of a fix').flatMap(([, ...names]) => names);

  expect(new Set(files).size).toBe(files.length);
  expect(files.length).toBeLessThanOrEqual(8);
});

test('every file of the worker has a test next to it', () => {
  const files = [...readTree(['src/worker']).keys()];
  const untested = files.filter(
    (file) => !file.endsWith('.test.ts') && !files.includes(file.replace(/\.ts$/, '.test.ts')),
  );

  expect(untested).toEqual([]);
});
