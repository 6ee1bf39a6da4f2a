import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { importsOf } from './layers.ts';
import { readText, readTree } from './tree.ts';

/** Without the contract tests, which contain the forbidden strings. */
const code = new Map(
  [...readTree(['src', 'commands', 'scripts', 'test'])].filter(
    ([path]) => !path.startsWith('test/contract/'),
  ),
);

/** A string with a folder `test` or `scripts` in its path, or a segment of a path that is joined later. */
const NAMES_TESTS = /(['"`])(?:[^'"`\s]*\/)?(?:test|scripts)(?:\/[^'"`\n]*)?\1/;

function filesThatSay(pattern: RegExp, where: (path: string) => boolean = () => true): readonly string[] {
  return [...code].filter(([path, text]) => where(path) && pattern.test(text)).map(([path]) => path);
}

test('one file reads settings from the environment of the process, and one what Kubernetes and exec plugins need of it', () => {
  const inProduct = (path: string) => !/^(test|scripts)\//.test(path) && !path.endsWith('.test.ts');

  expect(
    filesThatSay(
      /\bprocess\s*\.\s*env\b|\bloadEnvFile\b|\bprocess\['env'\]|{[^}]*\benv\b[^}]*} = process\b/,
      inProduct,
    ),
  ).toEqual(['src/config/variables.ts', 'src/sources/kubernetes/process-environment.ts']);
});

test('only one file reads wrench.yaml', () => {
  const inProduct = (path: string) => path.startsWith('src/') && !path.endsWith('.test.ts');

  expect(filesThatSay(/\breadConfig = |function readConfig\b/, inProduct)).toEqual([
    'src/config/read-config.ts',
  ]);
  expect(filesThatSay(/['"]\S*wrench\.yaml['"]/, inProduct)).toEqual(['src/config/settings.ts']);
});

test('only one file registers handlers for requests from Slack, so that all of them are authorized', () => {
  const inSlack = (path: string) => path.startsWith('src/slack/') && !path.endsWith('.test.ts');
  const listens = /\bapp\s*\.\s*(command|action|view|event|message|shortcut|options|function|assistant)\(/;

  expect(filesThatSay(listens, inSlack)).toEqual(['src/slack/access/listen.ts']);
});

test('production code cannot reach tests or scripts, not even by a computed path', () => {
  const production = (path: string) => !/^(test|scripts)\//.test(path) && !path.endsWith('.test.ts');
  const filesThatCompute = [...code]
    .filter(
      ([path, text]) => production(path) && importsOf(text).some((name) => /^\(computed\)|\$\{/.test(name)),
    )
    .map(([path]) => path);

  // `test` is also a command of the shell. Its reader imports nothing that reads files.
  const canReadFiles = (path: string) => production(path) && !path.startsWith('commands/shared/pipelines/');
  expect(filesThatSay(NAMES_TESTS, canReadFiles)).toEqual([]);
  // The catalogue finds checks by their paths under `commands/`.
  expect(filesThatCompute).toEqual([expect.stringMatching(/\/catalogue\.ts$/)]);
});

test.each([
  [`new URL('../../test/demo/main.ts', import.meta.url)`, true],
  ['import(`../scripts/${name}.ts`)', true],
  [`join(import.meta.dirname, '..', '..', 'test', name)`, true],
  [`resolve("./scripts")`, true],
  [`import { latest } from './latest/test.ts'`, false],
  [`'npm test'`, false],
])('%s names tests or scripts: %j', (text, expected) => {
  expect(NAMES_TESTS.test(text)).toBe(expected);
});

test('no module is mocked, and no test is skipped or focused', () => {
  expect(filesThatSay(/\bvi\s*\.\s*(mock|doMock|hoisted)\b/)).toEqual([]);
  expect(filesThatSay(/\b(test|it|describe)\s*\.\s*(skip|skipIf|runIf|todo|only|fails)\b/)).toEqual([]);
  expect(filesThatSay(/\b(context|ctx|task)\s*\.\s*skip\(/)).toEqual([]);
});

test('every test file is named *.test.ts, so that vitest finds it', () => {
  const spelled = [...code.keys()].filter((path) => /\.spec\.|__tests__|\.test\.(js|mjs|tsx)$/.test(path));

  expect(spelled).toEqual([]);
});

test('no enum, namespace or JSX, because Node cannot strip them', () => {
  expect(filesThatSay(/^\s*(export )?(declare )?(const )?(enum|namespace) \w+ \{/m)).toEqual([]);
  expect([...readTree(['src', 'commands'], /\.(tsx|jsx|js|cjs|mjs)$/).keys()]).toEqual([]);
});

test('the lock file has no registry addresses', () => {
  const lock = readText('package-lock.json');

  expect(lock).not.toMatch(/"resolved"/);
  expect(lock).not.toMatch(
    /https?:\/\/(?!(opencollective|github|www\.patreon|tidelift|feross|paypal|ko-fi|buymeacoffee|eslint)\b)[a-z.-]*(registry|artifactory|nexus|npmjs)/i,
  );
  expect(readText('.npmrc')).toMatch(/^omit-lockfile-registry-resolved=true$/m);
  expect(readText('.npmrc')).not.toMatch(/registry=|_auth|token/i);
});

test('continuous integration runs exactly the command of the README', () => {
  const lines = readText('.ci/run')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

  expect(lines).toEqual(['set -euo pipefail', 'cd "$(dirname "$0")/.."', 'npm ci && npm test']);
  expect(readText('README.md')).toContain('npm ci && npm test');
});

test('secrets and private files are ignored by git, and there is a license', () => {
  const ignored = readText('.gitignore').split('\n');

  expect(ignored).toEqual(expect.arrayContaining(['.env', '.wrench/', '/wrench.yaml', 'node_modules/']));
  expect(existsSync(new URL('../../LICENSE', import.meta.url))).toBe(true);
});
