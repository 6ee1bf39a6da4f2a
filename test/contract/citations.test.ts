import { expect, test } from 'vitest';
import { badUrls, brokenLinks, missingFiles, missingHeadings, proseOf, slugOf } from './citations.ts';
import { DOCUMENTS, readText, readTree } from './tree.ts';

/** The contract tests contain what they forbid. */
const isContract = (path: string) => path.startsWith('test/contract/');

const code = new Map(
  [
    ...readTree(
      ['src', 'commands', 'scripts', 'test', 'deploy'],
      /\.(ts|lua|ya?ml|js|service|example)$|Dockerfile$/,
    ),
  ].filter(([path]) => !isContract(path)),
);
const documents = new Map(DOCUMENTS.map((path) => [path, readText(path)]));
const all = new Map([...code, ...documents]);
const files = [
  ...readTree(['src', 'commands', 'scripts', 'test', 'deploy', 'docs'], /./).keys(),
  ...DOCUMENTS,
];

function found(look: (path: string, text: string) => readonly string[], where = all): readonly string[] {
  return [...where].flatMap(([path, text]) => look(path, text).map((cited) => `${path}: ${cited}`));
}

test('every file that a comment or a document cites is in the repository', () => {
  // The changelog names files of earlier versions.
  const current = new Map([...all].filter(([path]) => path !== 'CHANGELOG.md'));

  expect(found((path, text) => missingFiles(path, text, files), current)).toEqual([]);
});

test('every link of a document leads to a file, and to a heading of it', () => {
  expect(found(brokenLinks, documents)).toEqual([]);
});

test('every heading that a comment, a message or a document cites exists', () => {
  expect(found(missingHeadings)).toEqual([]);
});

test('every URL that a comment or a document cites is well-formed and uses TLS', () => {
  expect(found(badUrls)).toEqual([]);
});

test.each([
  ['src/a.ts', '// as in no-such-file.ts', ['no-such-file.ts']],
  ['src/a.ts', '/** See docs/no-such-page.md. */', ['docs/no-such-page.md']],
  ['src/a.ts', '/** See `src/main.ts` and docs/architecture.md. */', []],
  ['src/a.ts', '/** As in `src/event.h` of its sources. */', ['src/event.h']],
  ['src/a.ts', "const name = 'no-such-file.ts';", []],
  ['src/a.ts', '// https://github.com/some/repository/blob/main/src/no-such-file.go', []],
  ['commands/README.md', 'see [`no-such.ts`](../src/main.ts)', ['no-such.ts']],
  ['docs/a.md', 'in `architecture.md`', []],
  ['docs/a.md', 'in `lua/commit-change.lua` and `src/sources/<vendor>/open.ts`', []],
])('%s with %j cites missing files: %j', (path, text, missing) => {
  expect(missingFiles(path, text, files)).toEqual(missing);
});

test.each([
  ['[a](architecture.md#layers)', []],
  ['[a](architecture.md#no-such-heading)', ['architecture.md#no-such-heading']],
  ['[a](no-such-page.md)', ['no-such-page.md']],
  ['[a](https://example.com/no-such-page.md)', []],
])('in docs/, %j has broken links: %j', (text, broken) => {
  expect(brokenLinks('docs/a.md', text)).toEqual(broken);
});

test.each([
  ["hint: 'see docs/architecture.md#layers'", []],
  ["hint: 'see docs/architecture.md#no-such-heading'", ['docs/architecture.md#no-such-heading']],
  ['// "Layers" in docs/architecture.md', []],
  ['// "Floors" in docs/architecture.md', ['"Floors" in docs/architecture.md']],
])('%j cites missing headings: %j', (text, missing) => {
  expect(missingHeadings('src/a.ts', text)).toEqual(missing);
});

test.each([
  ['// https://docs.slack.dev/reference.', []],
  ['// http://docs.slack.dev/reference', ['http://docs.slack.dev/reference']],
  ['// http://localhost:3000 and http://10.0.16.5:2812', []],
  ['// https://[broken', []],
])('%j cites bad URLs: %j', (text, bad) => {
  expect(badUrls('src/a.ts', text)).toEqual(bad);
});

test.each([
  ['Log events', 'log-events'],
  ["What's new in `0.2`?", 'whats-new-in-02'],
  ['A → B', 'a--b'],
])('the anchor of the heading %j is %s', (heading, slug) => {
  expect(slugOf(heading)).toBe(slug);
});

test('the prose of code is its comments', () => {
  expect(proseOf('a.ts', 'const a = 1; // one\n/** two */\nconst url = "https://x";')).toBe(
    '// one\n/** two */',
  );
});
