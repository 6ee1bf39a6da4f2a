import { expect, test } from 'vitest';
import { bannedWordsIn } from './banned-words.ts';
import { readText, readTree } from './tree.ts';

const FOLDERS = ['src', 'commands', 'scripts', 'test', 'deploy', 'docs'];
const ROOT_FILES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', '.env.example', 'package.json'];
const IMAGES_AND_DUMPS = /\.(png|jsonl)$/;

test('no string, name, comment or document contains a banned word', () => {
  const files = new Map([
    ...readTree(FOLDERS, /./),
    ...ROOT_FILES.map((path) => [path, readText(path)] as const),
  ]);
  const read = [...files].filter(
    ([path]) => !IMAGES_AND_DUMPS.test(path) && !path.startsWith('test/contract/banned-words'),
  );
  const found = read.flatMap(([path, text]) => bannedWordsIn(path, text).map((word) => `${path}: ${word}`));

  expect(found).toEqual([]);
});

test.each([
  ['Nothing was done before the deed.', ['deed']],
  ['const lastDeed = 1;', ['Deed']],
  ['export function startAnew() {}', ['Anew']],
  ['MISCHIEF_MS', ['MISCHIEF']],
  ['unless a source gives leave', ['gives leave']],
  ['Indeed, take a renewed look.', []],
  ['It leaves the group.', []],
])('%j contains %j', (text, words) => {
  expect(bannedWordsIn('README.md', text)).toEqual(words);
});

test('the stored name of the steps is allowed only where it is stored and checked', () => {
  expect(bannedWordsIn('src/store/audit/entry.ts', 'deeds: z.array(z.string())')).toEqual([]);
  expect(bannedWordsIn('src/slack/render/remediation/card.ts', '{ deeds }')).toEqual(['deeds']);
});
