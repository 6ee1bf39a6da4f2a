import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { argumentsOf, parseArguments } from '../../src/check/arguments.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import { reportSchema } from '../../src/check/finding.ts';
import { offersOf } from '../../src/check/offers.ts';
import { newSamples, seriesLimits } from '../../src/check/remembers.ts';
import { hasStories, loadStories } from './check-stories.ts';
import { parseAreaRequest } from '../../src/request/parse.ts';
import { readText, readTree, ROOT } from './tree.ts';

const FILES = ['check.ts', 'collect.ts', 'diagnose.ts', 'fixtures.ts', 'diagnose.test.ts'];
const KEBAB_CASE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
function foldersOf(path: string): readonly string[] {
  return readdirSync(`${ROOT}${path}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

const areas = foldersOf('commands').filter((name) => name !== 'shared');
const checks = areas.flatMap((area) => foldersOf(`commands/${area}`).map((name) => `${area}/${name}`));

/** The documentation says that no sample is older than three weeks. */
const MOST_REMEMBERED_MS = 21 * 86_400_000;
const PLACEHOLDER_SOURCE = 'Where it is described: a link, or enough words to find it';

function load(path: string): Promise<unknown> {
  return import(new URL(`../../commands/${path}`, import.meta.url).href);
}

test('the catalogue is not empty', () => {
  expect(checks).toContain('certs/expiring');
});

test.each(areas)('%s declares a command with a kebab-case name of at most 31 characters', (area) => {
  expect(area.replace(/^_/, '')).toMatch(KEBAB_CASE);
  // Slack: a command has 2 to 32 characters with its slash.
  expect(area.length).toBeLessThan(32);
  expect(readText(`commands/${area}/command.ts`)).toContain('defineCommand(');
});

test.each(checks)('%s has the files of a check and a kebab-case name', (check) => {
  const files = readdirSync(`${ROOT}commands/${check}`);

  expect(files).toEqual(expect.arrayContaining(FILES));
  expect(check.replace('_template', 'template').split('/')).toSatisfy((words: string[]) =>
    words.every((word) => KEBAB_CASE.test(word)),
  );
});

/** One sentence of at most 160 characters: a cell of a table. */
const ONE_SENTENCE = /^[A-Z](?:[^.]|\.(?=\S)){10,158}\.$/;

test.each(checks)(
  '%s says why it exists in one sentence: the outage, or the policy with its source',
  async (name) => {
    const { check } = (await load(`${name}/check.ts`)) as { check: AnyCheck };

    expect([check.why, check.policy?.rule].filter((reason) => reason !== undefined)).toEqual([
      expect.stringMatching(ONE_SENTENCE),
    ]);
    expect(check.policy?.source ?? 'https://').toMatch(/^https:\/\//);
    expect(check.title.length).toBeLessThanOrEqual(120);
  },
);

test.each(checks)('%s has two different examples that parse', async (name) => {
  const { check } = (await load(`${name}/check.ts`)) as { check: AnyCheck };
  const [area = '', word = ''] = name.split('/');
  const catalogue = { commands: new Map([[area, { title: area }]]), checks: new Map([[name, check]]) };
  const parsed = (check.examples ?? []).map((example) =>
    parseAreaRequest(area, `${word} ${example}`, { catalogue, environments: [] }),
  );

  expect(parsed.map((one) => (one.kind === 'problem' ? one.problem : one.kind))).toEqual(['run', 'run']);
  expect(new Set(check.examples).size).toBe(2);
});

/** The rule of a policy is tested with examples, which no outage has to provide. */
test.each(checks)('%s has a story from an outage unless it enforces a policy', async (name) => {
  const { check } = (await load(`${name}/check.ts`)) as { check: AnyCheck };

  expect(check.policy !== undefined || (await loadStories(name)).length > 0).toBe(true);
});

test.each(checks)(
  '%s names the title and source of each story, and its report of each is valid',
  async (name) => {
    const { check } = (await load(`${name}/check.ts`)) as { check: AnyCheck };

    for (const { title, source, facts, now, args = {} } of await loadStories(name)) {
      expect(title.length).toBeGreaterThan(5);
      expect(source.length).toBeGreaterThan(5);
      const diagnosis = offersOf(check, check.diagnose(facts, parseArguments(check, args), now));
      const run = { check: name, environment: 'prod', args, status: 'found', gaps: [], coverage: [] };
      const report = { ...run, ...diagnosis, at: now.toISOString(), durationMs: 0 };
      // Reports are sent as JSON and must survive it unchanged.
      expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    }
  },
);

test.each(checks)(
  '%s remembers no more than it may, and what its stories give matches its schema',
  async (name) => {
    const { check } = (await load(`${name}/check.ts`)) as { check: AnyCheck };
    if (!check.remembers) return;
    const { keep, forMs, everyMs } = seriesLimits(check.remembers);

    expect(keep).toBeGreaterThanOrEqual(2);
    expect(keep).toBeLessThanOrEqual(100);
    expect(forMs).toBeLessThanOrEqual(MOST_REMEMBERED_MS);
    expect(everyMs).toBeLessThan(forMs);
    for (const { facts, now } of await loadStories(name)) {
      const samples = newSamples(check.remembers, facts, now, (text) => text);
      const targets = samples.map(({ target }) => target);
      expect(targets).toEqual([...new Set(targets)]);
    }
  },
);

/** A sentence about how full something is makes no such claim. */
const REPAIRED = /renewed|running|responding|valid|no longer|removed|ignored/;

test.each(checks)('%s never says that a fault in its stories was repaired', async (name) => {
  const { check } = (await load(`${name}/check.ts`)) as { check: AnyCheck };
  if (!check.resolved) return;
  for (const { facts, now, args = {} } of await loadStories(name)) {
    const { findings } = check.diagnose(facts, parseArguments(check, args), now);
    const resolutions = findings.map((finding) => check.resolved?.(facts, finding, now));
    expect(resolutions.filter((summary) => summary !== undefined && REPAIRED.test(summary))).toEqual([]);
  }
});

test.each(checks.filter((name) => !name.startsWith('_')))(
  '%s has replaced the placeholders of the template',
  async (name) => {
    expect((await loadStories(name)).filter(({ source }) => source === PLACEHOLDER_SOURCE)).toEqual([]);
  },
);

test.each(checks)('%s tests its diagnosis, with its stories if it has any', (name) => {
  const tested = ['./diagnose.ts', ...(hasStories(name) ? ['./stories.ts'] : [])];
  const imported = readText(`commands/${name}/diagnose.test.ts`).matchAll(/from '([^']+)'/g);

  expect([...imported].map(([, path]) => path)).toEqual(expect.arrayContaining(tested));
});

test.each(checks)('%s describes every argument for help', async (name) => {
  const { check } = (await load(`${name}/check.ts`)) as { check: AnyCheck };

  expect(argumentsOf(check).filter(({ about }) => about === '')).toEqual([]);
});

test('the kit exports at most 18 names', () => {
  const kit = readText('commands/kit.ts');
  const lists = [...kit.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list.split(','),
  );
  const names = [...lists, ...(kit.match(/export (?:type )?\* as \w+/g) ?? [])].filter(
    (name) => name.trim() !== '',
  );

  expect(names.length).toBeGreaterThan(5);
  expect(names.length).toBeLessThanOrEqual(18);
  expect(kit).not.toMatch(/export \* from|export (const|function|class|interface)/);
});

test('files and folders are named in kebab-case', () => {
  const named = [...readTree(['src', 'commands', 'test'], /./).keys()]
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => path.replace(/(\.(test|config|d))?\.ts$/, '').split('/'))
    .filter((word) => word !== '_template');

  expect([...new Set(named)].filter((word) => !KEBAB_CASE.test(word))).toEqual([]);
});
