import { expect, test } from 'vitest';
import { readArguments } from '../../src/check/arguments.ts';
import type { NextCheck } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { canBeAsked } from '../../src/request/next-checks.ts';
import { nextInWords } from '../../src/check/report-in-words.ts';
import { runStory } from '../golden/run-story.ts';
import { loadCheckFixtures } from './check-fixtures.ts';
import { loadStories } from './check-stories.ts';

/**
 * The checks that a finding suggests next can be run: the check exists, and its arguments are parsed as
 * written.
 */

const catalogue = await loadCatalogue();
const PROD = { environment: 'prod' };

const problemsOf = (findings: readonly { readonly next?: readonly NextCheck[] }[]) =>
  findings
    .flatMap(({ next = [] }) => next)
    .filter((next) => !canBeAsked(next, PROD, catalogue))
    .map((next) => nextInWords(next, PROD));

test.each([...catalogue.checks])('the next checks in stories of %s can be run', async (name, check) => {
  for (const story of await loadStories(name)) {
    const { findings } = await runStory(name, check, story);
    expect(problemsOf(findings)).toEqual([]);
  }
});

test.each(await loadCheckFixtures())(
  'the next checks in reports of $name on its fixtures can be asked',
  async ({ name, check, fixtures }) => {
    for (const fixture of fixtures) {
      const { findings } = await runCheck(check, {
        check: name,
        ...PROD,
        args: fixture.args ?? readArguments(check, { bare: [], flags: new Map() }),
        read: fixture.read(),
        now: fixture.now,
        signal: new AbortController().signal,
        deadlineMs: 30_000,
      });
      expect(problemsOf(findings)).toEqual([]);
    }
  },
);
