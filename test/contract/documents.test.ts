import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { missingPaths } from './missing-paths.ts';
import { DOCUMENTS, readText, readTree, ROOT } from './tree.ts';

/** Without the changelog, which may name what no longer exists. */
const documents = new Map(
  DOCUMENTS.filter((path) => path !== 'CHANGELOG.md').map((path) => [path, readText(path)]),
);
const deployment = readTree(['deploy'], /./);
const code = readTree(['src', 'commands', 'scripts', 'test'], /\.(ts|lua)$/);

test.each([...documents, ...deployment])('every path that %s names exists', (_, text) => {
  expect(missingPaths(text)).toEqual([]);
});

test.each([
  ['see `src/no-such-file.ts`', ['src/no-such-file.ts']],
  ['see `src/main.ts`, then `docs/architecture.md`.', []],
  ['https://github.com/some/repository/blob/main/src/no-such-file.go', []],
])('%j names missing paths: %j', (text, missing) => {
  expect(missingPaths(text)).toEqual(missing);
});

test.each([...documents])('every file that a table of %s lists exists', (path, text) => {
  const rows = [...text.matchAll(/^\| ((?:`[\w-]+\.ts`[, ]*)+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
  );
  const beside = (file: string) => `/${posix.join(posix.dirname(path), file)}`;
  // commands/README.md lists the files of a check, which every check has in its own folder.
  const exists = (file: string) =>
    path === 'commands/README.md'
      ? [...code.keys()].some((known) => known.startsWith('commands/') && known.endsWith(`/${file}`))
      : existsSync(`${ROOT}${beside(file)}`);

  expect(rows.filter((file) => !exists(file))).toEqual([]);
});
