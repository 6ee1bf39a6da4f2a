import { expect, test } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { parseArguments } from '../../src/check/arguments.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import type { RemediationsByName } from '../../src/check/define-remediation.ts';
import type { Offer } from '../../src/check/finding.ts';
import { offersOf } from '../../src/check/offers.ts';
import { loadStories } from './check-stories.ts';
import { readTree } from './tree.ts';

const KEBAB_CASE = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** A button of Slack: https://docs.slack.dev/reference/block-kit/block-elements/button-element */
const MOST_LETTERS = 75;
/** A dialog of Slack has at most 300 characters, and it also names the environment. */
const MAX_EFFECT_CHARS = 250;
const VERB_FIRST = /^[A-Z][a-z]+ \S/;

const { checks } = await loadCatalogue();
const declared = [...checks.keys()].flatMap((check) =>
  Object.entries(remediationsOf(check)).map(([name, remediation]) => ({ check, name, remediation })),
);
const cases = declared.map((one) => [`${one.check} ${one.name}`, one] as const);

test('the catalogue declares remediations', () => {
  expect(declared.length).toBeGreaterThan(0);
});

test.each(cases)('%s has a description, a risk and a time to settle', (_, { name, remediation }) => {
  const { about, risk, uses, settlesWithinSeconds } = remediation;

  expect(name).toMatch(KEBAB_CASE);
  expect(about.length).toBeGreaterThan(10);
  expect(about).not.toMatch(/\.$|\n/);
  expect(['safe', 'disruptive', 'destructive']).toContain(risk);
  expect(uses.length).toBeGreaterThan(0);
  // Someone waits in the thread for this long.
  expect(settlesWithinSeconds).toBeGreaterThan(0);
  expect(settlesWithinSeconds).toBeLessThanOrEqual(900);
});

test.each(cases)('%s reads only ports that its check declares', (_, { check, remediation }) => {
  const { uses, mayUse = [] } = checks.get(check) as AnyCheck;
  expect([...uses, ...mayUse]).toEqual(
    expect.arrayContaining([...remediation.uses, ...(remediation.reads ?? [])]),
  );
});

test.each(cases)('%s is offered in a story, so that its button is tested', async (_, { check, name }) => {
  const offered = await offersIn(check);
  expect(offered.map(({ remediation }) => remediation)).toContain(name);
});

test.each([...checks.keys()])(
  '%s offers only declared remediations, with titles that fit a button',
  async (check) => {
    for (const { title, remediation, params, risk, effect, each = [{ params }] } of await offersIn(check)) {
      // The confirmation of a safe fix is all that anyone reads before it is applied.
      expect(effect ?? '').toMatch(risk === 'safe' ? /^[A-Z].*\.$/ : /^$|\.$/);
      expect(effect?.length ?? 0).toBeLessThanOrEqual(MAX_EFFECT_CHARS);
      expect(title.length).toBeLessThanOrEqual(MOST_LETTERS);
      expect(title).toMatch(VERB_FIRST);
      expect(title).not.toMatch(/[\n\r]|undefined|\[object/);
      // An offer is stored in Redis and read again after a click.
      for (const { params: written } of each) {
        const taken: unknown = remediationsOf(check)[remediation]?.params.parse(
          JSON.parse(JSON.stringify(written)),
        );
        expect(taken).toEqual(written);
      }
    }
  },
);

test.each([...checks.keys()])('%s never offers the same button twice in a finding', async (check) => {
  for (const { offers = [] } of await findingsIn(check)) {
    const titles = offers.map(({ title }) => title);
    expect(titles).toEqual([...new Set(titles)]);
  }
});

/**
 * A plan is made again before it is applied, and the two must be equal: a plan with the time or a random
 * number in it would never be applied. The linter forbids `Date` except in these files; this test forbids
 * the other causes of the same bug.
 */
const NOT_LINTED = /\/(builders|check|collect|stories)\.ts$/;
const CHANGES_BY_ITSELF =
  /\bDate\b|\bMath\.random\b|\brandomUUID\b|\bperformance\b|\bcontext\.now\b|[{,]\s*now\s*[,}:]/;

test('no file that declares a remediation reads the clock or a random number', () => {
  const declaring = [...readTree(['commands'])].filter(
    ([path, text]) => !path.endsWith('.test.ts') && /(=|return) defineRemediation\(/.test(text),
  );

  expect(declaring.length).toBeGreaterThan(0);
  expect(declaring.map(([path]) => path).filter((path) => NOT_LINTED.test(path))).toEqual([]);
  expect(declaring.filter(([, text]) => CHANGES_BY_ITSELF.test(code(text))).map(([path]) => path)).toEqual(
    [],
  );
});

test.each([
  ['lines: [`at ${new Date()}`]', true],
  ['plan: async ({ read, now }, asked) => x', true],
  ['plan: (context) => until(context.now)', true],
  ['precondition: { id: randomUUID() }', true],
  ["throw refused(asked, 'it may not be restarted now, and not later') // new Date()", false],
])('detects a clock or a random number in: %s', (text, isFound) => {
  expect(CHANGES_BY_ITSELF.test(code(text))).toBe(isFound);
});

function remediationsOf(check: string): RemediationsByName {
  return (checks.get(check) as AnyCheck).remediations ?? {};
}

function code(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$|'[^'\n]*'/gm, '');
}

async function offersIn(name: string): Promise<readonly Offer[]> {
  return (await findingsIn(name)).flatMap(({ offers = [] }) => offers);
}

async function findingsIn(name: string): Promise<ReturnType<typeof offersOf>['findings']> {
  const check = checks.get(name) as AnyCheck;
  const stories = await loadStories(name);
  return stories.flatMap(
    ({ facts, now, args = {} }) =>
      offersOf(check, check.diagnose(facts, parseArguments(check, args), now)).findings,
  );
}
