import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Fixture } from '../../commands/shared/fixture-sources.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { dropsOf, failingInstead, hangsOf } from './answer-drops.ts';
import { loadCheckFixtures } from './check-fixtures.ts';
import { type Drop, recordAnswers, type RecordedReaders } from './drop-answers.ts';
import { inVirtualTime, useRealTime, useVirtualTime } from './virtual-time.ts';

vi.mock('node:timers/promises', async () => (await import('./virtual-time.ts')).virtualTimers);

/**
 * Unknown never counts as healthy: if a source does not respond to a request, the report does not become
 * clear because of it.
 */

const DEADLINE_MS = 60_000;
/** How long the kernel waits for a source that ignores the deadline, and for the check after that. */
const GRACE_MS = 2_000;

/** Checks whose report is never clear. */
const NEVER_CLEAR: Readonly<Record<string, string>> = {
  'certs/show': 'the certificate that was asked for is always a finding',
};

const catalogue = await loadCheckFixtures();

const cases = catalogue.flatMap(({ name, check, fixtures }) =>
  fixtures.map((fixture) => ({ name, check, fixture, title: fixture.title })),
);

type AnsweredOtherwise = NonNullable<Fixture['answeredOtherwise']>[number];

interface Outcome extends RecordedReaders {
  readonly report: Report;
}

async function runFixture(name: string, check: AnyCheck, fixture: Fixture, drop?: Drop): Promise<Outcome> {
  const recorded = recordAnswers(fixture.read(), drop);
  const run = {
    check: name,
    environment: 'test',
    args: fixture.args ?? {},
    read: recorded.read,
    now: fixture.now,
    signal: new AbortController().signal,
    deadlineMs: DEADLINE_MS,
  };
  return { ...recorded, report: await inVirtualTime(() => runCheck(check, run)) };
}

beforeEach(useVirtualTime);
afterEach(useRealTime);

test.each(catalogue)(
  '$name has fixtures with a fault and without, and several sources of each port',
  ({ name, check, fixtures }) => {
    expect(fixtures.some(({ status }) => status === 'found')).toBe(true);
    expect(fixtures.some(({ status }) => status === 'clear') || name in NEVER_CLEAR).toBe(true);
    for (const port of [...check.uses, ...(check.mayUse ?? [])] as (keyof ReturnType<Fixture['read']>)[])
      for (const { read } of fixtures) expect(read()[port]?.length, port).toBeGreaterThan(1);
  },
);

test.each(cases)('$name reports what its sources answer: $title', async ({ name, check, fixture }) => {
  const { report } = await runFixture(name, check, fixture);
  expect({ status: report.status, gaps: report.gaps }).toEqual({ status: fixture.status, gaps: [] });
});

test.each(cases)(
  '$name is never clear because an answer is dropped: $title',
  async ({ name, check, fixture }) => {
    const base = await runFixture(name, check, fixture);
    const drops = base.answers.flatMap(dropsOf);
    expect(drops.length).toBeGreaterThan(0);
    const used = new Set<AnsweredOtherwise>();
    const violations: string[] = [];
    for (const drop of drops) {
      const problem = await problemWith(drop);
      const exception = problem === undefined ? undefined : exceptionFor(drop, fixture);
      if (exception) used.add(exception);
      if (problem !== undefined && !exception) violations.push(`${drop.label}: ${problem}`);
    }
    expect(violations).toEqual([]);
    expect((fixture.answeredOtherwise ?? []).filter((one) => !used.has(one))).toEqual([]);

    async function problemWith(drop: Drop): Promise<string | undefined> {
      try {
        const outcome = await runFixture(name, check, fixture, drop);
        const problem = isAnsweredAgain(drop, base, outcome)
          ? undefined
          : failureIn(outcome.report, base.report, drop);
        if (problem === undefined || !drop.hides) return problem;
        const { report: faulty } = await runFixture(name, check, fixture, { ...drop, change: drop.hides });
        return isSame(faulty, base.report) ? undefined : problem;
      } catch (error) {
        return `throws ${String(error)}`;
      }
    }
  },
);

test.each(cases)(
  '$name reports at its deadline what the other answers give: $title',
  async ({ name, check, fixture }) => {
    const base = await runFixture(name, check, fixture);
    const violations: string[] = [];
    for (const drop of base.answers.flatMap(hangsOf)) {
      const startedMs = performance.now();
      const { report } = await runFixture(name, check, fixture, drop);
      const tookMs = performance.now() - startedMs;
      const { report: failing } = await runFixture(name, check, fixture, failingInstead(drop));
      const problem =
        failureIn(report, base.report, drop) ??
        (tookMs > DEADLINE_MS + GRACE_MS ? `took ${tookMs} ms` : undefined) ??
        (report.examined < failing.examined
          ? `${report.examined} examined, and ${failing.examined} where it fails`
          : undefined) ??
        differenceIn(findingsOf(report), findingsOf(failing));
      if (problem !== undefined && !exceptionFor(drop, fixture)) violations.push(`${drop.label}: ${problem}`);
    }
    expect(violations).toEqual([]);
  },
);

function exceptionFor({ label }: Drop, { answeredOtherwise = [] }: Fixture): AnsweredOtherwise | undefined {
  return answeredOtherwise.find(({ answer }) => answer.test(label));
}

/** The check repeated the request and got a response. */
function isAnsweredAgain({ answer, isLasting }: Drop, base: Outcome, { calls }: Outcome): boolean {
  return !isLasting && (calls.get(answer.call) ?? 0) > (base.calls.get(answer.call) ?? 0);
}

function isSame(report: Report, base: Report): boolean {
  return report.status === base.status && findingsOf(report).join() === findingsOf(base).join();
}

function failureIn(report: Report, base: Report, { subject }: Drop): string | undefined {
  if (report.status === 'clear') return `is clear: ${report.verdict}`;
  const known = new Set(messagesOf(base));
  const news = messagesOf(report).filter((message) => !known.has(message));
  if (news.length === 0) return 'leaves no gap, note or finding';
  if (!news.some((message) => message.includes(subject)))
    return `does not mention ${subject}: ${news.join()}`;
  return base.status === 'clear' && report.examined < base.examined && report.verdict.includes(base.verdict)
    ? `claims the same as with it: ${report.verdict}`
    : undefined;
}

function messagesOf({ gaps, notes = [], findings }: Report): readonly string[] {
  return [
    ...gaps.map(({ what, because }) => `${what}: ${because}`),
    ...notes,
    ...findings.map((finding) => JSON.stringify(finding)),
  ];
}

function findingsOf({ findings }: Report): readonly string[] {
  return findings.map(({ reason, target }) => `${reason} ${target}`).toSorted();
}

function differenceIn(some: readonly string[], others: readonly string[]): string | undefined {
  const lost = others.filter((one) => !some.includes(one));
  return lost.length === 0 ? undefined : `lost ${lost.join(', ')}`;
}
