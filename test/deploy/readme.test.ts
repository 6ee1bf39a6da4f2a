import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
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
import { readText, ROOT } from './tree.ts';

const readme = readText('README.md');
const { checks } = await loadCatalogue();
const sectionOf = (title: string) =>
  readme.split(/^## /m).find((section) => section.startsWith(`${title}\n`)) ?? '';
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
  expect(sectionOf('Look at it')).toContain('```\nnpm ci && npm run demo\n```');
  expect(sectionOf('Look at it')).toContain('```\nnpm ci && npm test\n```');
});

test('where `--env demo` is shown, so is how to start the demo', () => {
  const sections = readme.split(/^## /m).filter((section) => section.includes('--env demo'));

  expect(sections).not.toEqual([]);
  for (const section of sections) expect(section).toContain('`npm run demo`');
});

test('every script and every verb that is told of is there', () => {
  const text = `${readme}${readText('commands/README.md')}`;
  const scripts = [...text.matchAll(/npm run (?:--silent )?([a-z]+)|npm (ci|test|start)\b/g)].map(
    ([, script, short = '']) => script ?? short,
  );
  const verbs = [...text.matchAll(/`wrench ([a-z]+)/g)].map(([, verb = '']) => verb);

  expect([...new Set(scripts)].filter((script) => !(script in manifest.scripts) && script !== 'ci')).toEqual(
    [],
  );
  expect(new Set(verbs)).toEqual(
    new Set(['bot', 'worker', 'all', 'run', 'doctor', 'digest', 'freeze', 'unfreeze', 'audit']),
  );
  for (const verb of verbs) expect(readText('src/main.ts')).toMatch(new RegExp(`^  ${verb}: `, 'm'));
});

test.each([
  'README.md',
  'CHANGELOG.md',
  'commands/README.md',
  'deploy/kubernetes/README.md',
  'docs/architecture.md',
  'docs/digests.md',
  'docs/node-leftovers.md',
  'test/workspace/README.md',
])('every link of %s within the repository leads somewhere', (path) => {
  const links = [...readText(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);

  expect(links.filter((link) => !existsSync(posix.join(ROOT, posix.dirname(path), link)))).toEqual([]);
});

test('the configuration to begin with is valid, and needs nothing that is not told', async () => {
  const [, yaml = ''] =
    /```yaml\n([\s\S]*?)```/.exec(sectionOf('A real Slack workspace in ten minutes')) ?? [];
  const config = await readAsConfig(yaml);

  expect(config.defaultEnvironment).toBe('prod');
  expect(config.environments['prod']?.sources.map(({ kind }) => kind)).toEqual(['tls', 'files']);
});

test('the configuration that lets people fix something is valid, and allows restarts', async () => {
  const [, yaml = ''] =
    /```yaml[\s\S]*?```[\s\S]*?```yaml\n([\s\S]*?)```/.exec(
      sectionOf('A real Slack workspace in ten minutes'),
    ) ?? [];
  const config = await readAsConfig(yaml, { BOSH_SECRET: 'one', BOSH_ACT_SECRET: 'another' });
  const [, bosh] = config.environments['prod']?.sources ?? [];

  expect(config.roles.requester).not.toEqual([]);
  expect(config.roles.approver).not.toEqual([]);
  expect(config).not.toHaveProperty('deprecated');
  expect(bosh).toMatchObject({ kind: 'bosh', allow: { restart: { groups: ['doppler*'] } } });
});

test('the configurations to connect a cluster with are valid', async () => {
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(sectionOf('Connect a Kubernetes cluster')) ?? [];
  const guide = [...readText('deploy/kubernetes/README.md').matchAll(/```yaml\n([\s\S]*?)```/g)];
  const sources = guide.map(([, source = '']) => source.replaceAll(/^(?=.)/gm, '      ')).join('');
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
  const blocks = [...sectionOf('Connect container engines').matchAll(/```yaml\n([\s\S]*?)```/g)];
  const configs = await Promise.all(blocks.map(([, yaml = '']) => readAsConfig(yaml)));
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

test.each(['README.md', 'docs/digests.md'])('the digest of %s is valid', async (path) => {
  const [, yaml = ''] = /```yaml\n(digests:\n[\s\S]*?)```/.exec(readText(path)) ?? [];
  const environments = `environments:\n${['prod', 'stage'].map((name) => `  ${name}: { sources: [{ kind: files, paths: [/x] }] }\n`).join('')}`;
  const config = await readAsConfig(`defaultEnvironment: prod\n${environments}${yaml}`);

  expect(config.digests['nightly']).toMatchObject({ cron: '30 7 * * 1-5', timeZone: 'Europe/Berlin' });
});

test.each(['goneAndBetter', 'nothingNew'])('the document of digests shows what %s looks like', (golden) => {
  expect(readText('docs/digests.md')).toContain(
    `\`\`\`\n${readText(`test/golden/digests/${golden}.terminal.txt`)}\`\`\``,
  );
});

test('everything that is listed of a digest in its document is a section of one, in its order', () => {
  const [, rest = ''] = readText('docs/digests.md').split(/^## What is new, worse, better and gone\n/m);
  const [table = ''] = rest.split(/^##/m);
  const [, ...sections] = [...table.matchAll(/^\| (?!---)(.+?) \| /gm)].map(([, words = '']) => words);
  const code = readText('src/check/digest-in-words.ts');
  const titles = [...code.matchAll(/title: (?:changes\.isFirst \? 'Found' : )?'([^']+)'/g)].map(
    ([, title = '']) => title,
  );

  expect(titles.filter((title) => title !== 'Still flapping')).toEqual(sections);
});

test('everything that keeps a stopped container is explained, in the words of a report', () => {
  const [, table = ''] = readText('docs/node-leftovers.md').split(/^## What is left alone\n/m);
  const [, ...rows] = [...table.matchAll(/^\| (?!---)(.+?) \| /gm)].map(([, words = '']) => words);

  expect(rows.toSorted()).toEqual(Object.values(KEPT_WORDS).toSorted());
});

test('every fix that `remediations` can name is told of, and every end of one', () => {
  const section = sectionOf('A fix, from the finding to the proof');

  for (const [name, { remediations = {} }] of checks)
    for (const fix of Object.keys(remediations as RemediationsByName))
      expect(section).toContain(`\`${name}:${fix}\``);
  expect([...section.matchAll(/^\| ([A-Z]+) \|/gm)].map(([, word = '']) => word).toSorted()).toEqual(
    [...FINAL_STATES].map((state) => STATE_LABELS[state].word).toSorted(),
  );
});

test('the remediation to copy compiles', async () => {
  const blocks = [...readText('commands/README.md').matchAll(/```ts\n([\s\S]*?)```/g)].map(
    ([, block = '']) => block,
  );
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

test('the metrics that are told of are those that are served', async () => {
  const served = await makeMetrics().registry.getMetricsAsJSON();
  const ours = served.map(({ name }) => name).filter((name) => name.startsWith('wrench_'));

  expect(
    firstCells(sectionOf('Operations'))
      .filter((name) => name.startsWith('wrench_'))
      .toSorted(),
  ).toEqual(ours.toSorted());
});

test('every dependency is told why, and none that is not there', () => {
  const [production = '', development = ''] = sectionOf('Dependencies').split(
    'For development and tests only:',
  );

  expect(firstCells(production)).toEqual(Object.keys(manifest.dependencies));
  expect(firstCells(development).toSorted()).toEqual(Object.keys(manifest.devDependencies).toSorted());
});

test('the exit codes are those of the product', () => {
  const codes = [...sectionOf('Exit codes').matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));

  expect(codes).toEqual([...new Set([...Object.values(EXIT), 70, 78, 130])].toSorted((a, b) => a - b));
});

test('the changelog begins with this version', () => {
  expect(/^## (\S+)/m.exec(readText('CHANGELOG.md'))?.[1]).toBe(manifest.version);
});

test('the pictures are small enough to load in an incident', () => {
  const pictures = [...readme.matchAll(/\]\((docs\/[a-z-]+\.png)\)/g)].map(([, path = '']) => path);

  expect(pictures.toSorted()).toEqual([
    'docs/digest-phone.png',
    'docs/digest.png',
    'docs/fixed.png',
    'docs/phone.png',
    'docs/thread.png',
  ]);
});
