import { statSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import type { RemediationsByName } from '../../src/check/define-remediation.ts';
import { readConfig } from '../../src/config/read-config.ts';
import { FINAL_STATES } from '../../src/store/remediation/record.ts';
import { EXIT } from '../../src/cli/shared/terminal.ts';
import { STATE_LABELS } from '../../src/slack/render/remediation/words.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { KEPT_WORDS } from '../../commands/node/leftovers/words.ts';
import { DOCUMENTS } from '../contract/tree.ts';
import { codeBlocks, filesIn, readSection, readText, ROOT } from './tree.ts';

const { checks } = await loadCatalogue();
/** Without those that describe the past. */
const CURRENT = DOCUMENTS.filter((path) => path !== 'CHANGELOG.md');
const manifest = JSON.parse(readText('package.json')) as {
  readonly version: string;
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
};

/** The code words in the first cells of a table's rows. */
const firstCells = (text: string) =>
  [...text.matchAll(/^\| (`[^|]*) \|/gm)]
    .flatMap(([, cell = '']) => cell.split(', '))
    .map((word) => word.slice(1, -1));

async function readAsConfig(yaml: string, variables: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-readme-'));
  await writeFile(join(folder, 'wrench.yaml'), yaml);
  const config = readConfig(join(folder, 'wrench.yaml'), variables);
  await rm(folder, { recursive: true });
  return config;
}

test('a newcomer reads the two commands, word for word', () => {
  const commands = codeBlocks(readSection('README.md', 'Try it'), '');

  expect(commands).toEqual(['npm ci && npm run demo\n', 'npm ci && npm test\n']);
});

test('sections that show `--env demo` also show how to start the demo', () => {
  const sections = CURRENT.flatMap((path) => readText(path).split(/^## /m)).filter(
    (section) => section.includes('--env demo') && !section.startsWith('Exit codes'),
  );

  expect(sections).not.toEqual([]);
  for (const section of sections) expect(section).toContain('`npm run demo`');
});

test('every script and verb that the documents mention exists, and they mention every verb', () => {
  const text = CURRENT.map(readText).join('\n');
  const scripts = [...text.matchAll(/npm run (?:--silent )?([a-z]+)|npm (ci|test|start)\b/g)].map(
    ([, script, short = '']) => script ?? short,
  );
  const verbs = [...text.matchAll(/(?:`wrench |^(?:\$ )?wrench |\bwrench -- )([a-z]+)/gm)].map(
    ([, verb = '']) => verb,
  );

  expect([...new Set(scripts)].filter((script) => !(script in manifest.scripts) && script !== 'ci')).toEqual(
    [],
  );
  expect(new Set(verbs)).toEqual(
    new Set(['bot', 'worker', 'all', 'run', 'doctor', 'digest', 'freeze', 'unfreeze', 'audit', 'help']),
  );
  for (const verb of verbs) expect(readText('src/main.ts')).toMatch(new RegExp(`^  ${verb}: `, 'm'));
});

test('the configuration to begin with is valid, and needs no variables', async () => {
  const [yaml = ''] = codeBlocks(readSection('README.md', 'A real Slack workspace in ten minutes'), 'yaml');
  const config = await readAsConfig(yaml);

  expect(config.defaultEnvironment).toBe('prod');
  expect(config.environments['prod']?.sources.map(({ kind }) => kind)).toEqual(['tls', 'files']);
});

test('the configuration that lets people fix something is valid, and allows restarts', async () => {
  const [yaml = ''] = codeBlocks(readSection('docs/remediations.md', 'Turn fixes on'), 'yaml');
  const config = await readAsConfig(yaml, { BOSH_SECRET: 'one', BOSH_ACT_SECRET: 'another' });
  const [, bosh] = config.environments['prod']?.sources ?? [];

  expect(config.roles.requester).not.toEqual([]);
  expect(config.roles.approver).not.toEqual([]);
  expect(config).not.toHaveProperty('deprecated');
  expect(bosh).toMatchObject({ kind: 'bosh', allow: { restart: { groups: ['doppler*'] } } });
});

test('the configurations to connect a cluster with are valid', async () => {
  const [yaml = ''] = codeBlocks(readSection('docs/sources.md', 'Kubernetes clusters'), 'yaml');
  const guide = codeBlocks(readText('deploy/kubernetes/README.md'), 'yaml');
  const sources = guide.map((source) => source.replaceAll(/^(?=.)/gm, '      ')).join('');
  const configs = [
    await readAsConfig(yaml),
    await readAsConfig(`environments:\n  prod:\n    sources:\n${sources}`),
  ];

  expect(configs.flatMap(({ environments }) => environments['prod']?.sources)).toMatchObject([
    { kind: 'kubernetes', name: 'prod-eu', kubelets: 'direct' },
    { kind: 'kubernetes', name: 'prod', kubelets: 'direct' },
    { kind: 'kubernetes', name: 'prod-eu', allow: { cordon: {} } },
    { kind: 'docker', name: 'builders', node: '{host}.example.internal' },
  ]);
});

test('the configurations to connect container engines with are valid, and the second lets people remove', async () => {
  const blocks = codeBlocks(readSection('docs/sources.md', 'Container engines'), 'yaml');
  const configs = await Promise.all(blocks.map((yaml) => readAsConfig(yaml)));
  const fixes = [...checks].flatMap(([name, { remediations = {} }]) =>
    Object.keys(remediations as RemediationsByName).map((fix) => `${name}:${fix}`),
  );

  expect(configs.map(({ environments }) => environments['prod']?.sources)).toMatchObject([
    [{ kind: 'docker', hosts: ['build-1', 'build-2'], allow: {} }],
    [{ kind: 'docker', hosts: ['build-1', 'build-2'], allow: { remove: {} } }],
  ]);
  expect(configs[1]?.remediations.destructive).toEqual(
    fixes.filter((name) => name.startsWith('node/leftovers:')),
  );
});

const examples = CURRENT.flatMap((path) =>
  codeBlocks(readText(path), 'yaml')
    .filter((yaml) => /^(environments|roles|audit):/.test(yaml.trimStart()) && !yaml.includes('[...]'))
    .map((yaml, at) => [path, at + 1, yaml] as const),
);

test.each(examples)('the configuration of %s, number %i, is valid', async (_, __, yaml) => {
  const environments = yaml.includes('environments:')
    ? ''
    : 'environments: { prod: { sources: [{ kind: files, paths: [/x] }] } }\n';
  const names = [...yaml.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name = '']) => name);

  await expect(
    readAsConfig(`${environments}${yaml}`, Object.fromEntries(names.map((name) => [name, `a ${name}`]))),
  ).resolves.toBeDefined();
});

test('the digest of its document is valid', async () => {
  const [yaml = ''] = codeBlocks(readText('docs/digests.md'), 'yaml');
  const environments = `environments:\n${['prod', 'stage'].map((name) => `  ${name}: { sources: [{ kind: files, paths: [/x] }] }\n`).join('')}`;
  const config = await readAsConfig(`defaultEnvironment: prod\n${environments}${yaml}`);

  expect(config.digests['nightly']).toMatchObject({ cron: '30 7 * * 1-5', timeZone: 'Europe/Berlin' });
});

test.each(['goneAndBetter', 'nothingNew'])('the document of digests shows what %s looks like', (golden) => {
  expect(readText('docs/digests.md')).toContain(
    `\`\`\`\n${readText(`test/golden/digests/${golden}.terminal.txt`)}\`\`\``,
  );
});

test('docs/digests.md lists every section of a digest, in its order', () => {
  const [table = ''] = readSection('docs/digests.md', 'What is new, worse, better and gone').split(/^###/m);
  const [, ...sections] = [...table.matchAll(/^\| (?!---)(.+?) \| /gm)].map(([, words = '']) => words);
  const code = readText('src/check/digest-in-words.ts');
  const titles = [...code.matchAll(/title: (?:changes\.isFirst \? 'Found' : )?(?:'([^']+)'|"([^"]+)")/g)].map(
    ([, plain, apostrophe]) => plain ?? apostrophe,
  );

  expect(titles.filter((title) => title !== 'Still flapping')).toEqual(sections);
});

test('everything that keeps a stopped container is explained, in the words of a report', () => {
  const table = readSection('docs/node-leftovers.md', 'What is left alone');
  const [, ...rows] = [...table.matchAll(/^\| (?!---)(.+?) \| /gm)].map(([, words = '']) => words);

  expect(rows.toSorted()).toEqual(Object.values(KEPT_WORDS).toSorted());
});

test('every fix is listed, and every outcome explained', () => {
  const fixes = readSection('docs/remediations.md', 'Available fixes');
  const outcomes = readSection('docs/remediations.md', 'Outcomes');

  for (const [name, { remediations = {} }] of checks)
    for (const fix of Object.keys(remediations as RemediationsByName))
      expect(fixes).toContain(`\`${name}:${fix}\``);
  expect([...outcomes.matchAll(/^\| ([A-Z]+) \|/gm)].map(([, word = '']) => word).toSorted()).toEqual(
    [...FINAL_STATES].map((state) => STATE_LABELS[state].word).toSorted(),
  );
});

test('the remediation to copy compiles', async () => {
  const blocks = codeBlocks(readText('commands/README.md'), 'ts');
  const code = blocks.find((block) => block.includes('defineRemediation')) ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'wrench-readme-'));
  await writeFile(join(folder, 'restart.ts'), code.replace('../../kit.ts', `${ROOT}commands/kit.ts`));
  const config = { extends: `${ROOT}tsconfig.json`, include: ['restart.ts'] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await symlink(`${ROOT}node_modules`, join(folder, 'node_modules'));

  const { stdout, exitCode } = await execa(`${ROOT}node_modules/.bin/tsc`, ['--project', folder], {
    reject: false,
  });
  await rm(folder, { recursive: true });

  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
});

test('the documented metrics are those that are served', async () => {
  const served = await makeMetrics().registry.getMetricsAsJSON();
  const ours = served.map(({ name }) => name).filter((name) => name.startsWith('wrench_'));

  expect(firstCells(readSection('docs/operations.md', 'Metrics')).toSorted()).toEqual(ours.toSorted());
});

test('every dependency is documented with its reason, and no other package is', () => {
  const production = readSection('docs/dependencies.md', 'Production');
  const development = readSection('docs/dependencies.md', 'Development and tests');

  expect(firstCells(production)).toEqual(Object.keys(manifest.dependencies));
  expect(firstCells(development).toSorted()).toEqual(Object.keys(manifest.devDependencies).toSorted());
});

test('the exit codes are those of the product', () => {
  const codes = [...readSection('docs/operations.md', 'Exit codes').matchAll(/^\| (\d+) \|/gm)].map(
    ([, code]) => Number(code),
  );

  expect(codes).toEqual([...new Set([...Object.values(EXIT), 70, 78, 130])].toSorted((a, b) => a - b));
});

test('the changelog begins with this version', () => {
  expect(/^## (\S+)/m.exec(readText('CHANGELOG.md'))?.[1]).toBe(manifest.version);
});

test('the README shows every picture in docs, and each is small enough to load in an incident', () => {
  const pictures = [...readText('README.md').matchAll(/\]\((docs\/[a-z-]+\.png)\)/g)].map(
    ([, path = '']) => path,
  );
  const taken = filesIn('docs').filter((name) => name.endsWith('.png'));

  expect(pictures.toSorted()).toEqual(taken.map((name) => `docs/${name}`));
  expect(pictures.filter((path) => statSync(`${ROOT}${path}`).size > 300_000)).toEqual([]);
});

test('the README is short: what operators look up is in docs', () => {
  expect(readText('README.md').split('\n').length).toBeLessThanOrEqual(220);
});
