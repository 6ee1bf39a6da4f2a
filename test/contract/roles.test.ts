import { expect, test } from 'vitest';
import { reachable } from './reachable.ts';
import { readTree } from './tree.ts';

const tree = readTree(['src', 'commands']);
const TEST = /\.test\.ts$/;
/** The catalogue loads these by path, in every role. */
const catalogue = [...tree.keys()].filter((path) => /^commands\/[^_].*\/(command|check)\.ts$/.test(path));
/** Every role starts here; the modules of one role are loaded at run time. */
const entry = [...reachable(tree, ['src/main.ts', 'src/app/serve.ts'], { lazily: false })];

const INFRASTRUCTURE =
  /^(src\/(sources\/(open\.ts$|[^/]+\/(?!(config|site)\.ts$))|worker\/|wire\/|app\/(worker|environments)\.ts$)|node-forge|undici|dockerode|ssh2|@kubernetes\/)/;
const SLACK = /^(src\/slack\/|src\/app\/bot\.ts$|@slack\/)/;

function loadedBy(role: string): readonly string[] {
  return [...reachable(tree, [role, ...entry, ...catalogue], { lazily: false })];
}

test('the bot loads no client of the infrastructure, neither at startup nor later', () => {
  const anyTime = reachable(tree, ['src/app/bot.ts', ...catalogue], { lazily: true });

  expect(loadedBy('src/app/bot.ts')).toContain('@slack/bolt');
  expect(loadedBy('src/app/bot.ts').filter((path) => INFRASTRUCTURE.test(path))).toEqual([]);
  expect([...anyTime].filter((path) => INFRASTRUCTURE.test(path))).toEqual([]);
});

test('the worker loads no module of Slack, neither at startup nor later', () => {
  const anyTime = reachable(tree, ['src/app/worker.ts', ...catalogue], { lazily: true });

  expect(anyTime).toContain('src/sources/vault/open.ts');
  expect(loadedBy('src/app/worker.ts').filter((path) => SLACK.test(path))).toEqual([]);
  expect([...anyTime].filter((path) => SLACK.test(path))).toEqual([]);
});

test('the worker loads a vendor only when the configuration names it', () => {
  const vendors = loadedBy('src/app/worker.ts').filter((path) =>
    /^src\/sources\/[^/]+\/open\.ts$/.test(path),
  );

  expect(vendors).toEqual([]);
});

test('no role loads test files', () => {
  const roles = ['src/app/bot.ts', 'src/app/worker.ts', ...entry, ...catalogue];
  const loaded = [...reachable(tree, roles, { lazily: true })];

  expect(loaded.filter((path) => TEST.test(path))).toEqual([]);
});

test('a type-only import loads nothing, an import with an inline type loads its module', () => {
  const texts = new Map([
    ['a.ts', `import type { B } from './b.ts';\nimport { type C } from './c.ts';\nawait import('./d.ts');\n`],
    ['c.ts', `export { e } from './e.ts';\nimport 'f';\n`],
  ]);

  expect([...reachable(texts, ['a.ts'], { lazily: false })]).toEqual(['a.ts', 'c.ts', 'e.ts', 'f']);
  expect([...reachable(texts, ['a.ts'], { lazily: true })]).toEqual(['a.ts', 'c.ts', 'd.ts', 'e.ts', 'f']);
});
