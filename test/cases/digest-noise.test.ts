import { beforeAll, describe, expect, test } from 'vitest';
import {
  compareDigest,
  type DigestChanges,
  type DigestFinding,
  snapshotOf,
} from '../../src/check/compare-digest.ts';
import type { DigestRun, DigestSnapshot } from '../../src/check/digest-run.ts';
import type { Finding, Offer, Report, Severity } from '../../src/check/finding.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import {
  NO_HISTORY,
  type QuestionHistory,
  trackedFindings,
  trackFindings,
} from '../../src/store/history/track-findings.ts';

/**
 * The noise budget: a platform with 500 findings over 30 days of hourly runs. 20 findings flap, some really
 * change, and sometimes a check fails or is incomplete. A digest must report each real change exactly once.
 */

const HOUR_MS = 3_600_000;
const RUNS = 30 * 24;
const START_MS = Date.parse('2026-11-01T00:30:00.000Z');
const FINDINGS = 500;
const FLAPPING = 20;
const CHECKS = ['lab/one', 'lab/two'] as const;
/** Runs that cannot check everything: the check fails, or a gap hides half of its targets. */
const OUTAGES: ReadonlyMap<number, 'failed' | 'gap'> = new Map([
  ...[100, 101, 102, 400].map((run) => [run, 'gap'] as const),
  ...[250, 251, 600].map((run) => [run, 'failed'] as const),
]);
/**
 * The number of flapping episodes of each flapping finding, and their length. Episodes are more than a day
 * apart.
 */
const EPISODES = [
  [60, 130],
  [300, 330],
  [500, 640],
] as const;

/** How many hours a removed finding stays away. */
const AWAY = 30;

interface Target {
  readonly at: number;
  isFound: boolean;
  severity: Severity;
  targets: number;
}

interface Change {
  readonly run: number;
  readonly target: string;
  readonly kind: 'appeared' | 'worse' | 'better' | 'gone';
}

/** A real change is seen in the first run in which its target can be checked. */
const CHANGES: readonly Omit<Change, 'target'>[] = [
  { run: 40, kind: 'worse' },
  { run: 100, kind: 'gone' },
  { run: 160, kind: 'appeared' },
  { run: 251, kind: 'better' },
  { run: 255, kind: 'worse' },
  { run: 420, kind: 'gone' },
  { run: 421, kind: 'appeared' },
  { run: 700, kind: 'better' },
];
/** How many targets change each time. */
const CHANGED = 12;

interface Message {
  readonly run: number;
  readonly changes: DigestChanges;
}

interface Simulation {
  readonly messages: readonly Message[];
  readonly real: readonly Change[];
  /** The findings of the last run. */
  readonly last: readonly Target[];
}

const simulations = new Map<boolean, Simulation>();

function simulated(isQuiet: boolean): Simulation {
  const simulation = simulations.get(isQuiet) ?? simulate(isQuiet);
  simulations.set(isQuiet, simulation);
  return simulation;
}

const nameOf = (at: number) => `target-${at}`;
const isFlapping = (at: number) => at < FLAPPING;

function simulate(isQuiet: boolean): Simulation {
  const all: readonly Target[] = Array.from({ length: FINDINGS }, (_, at) => ({
    at,
    isFound: true,
    severity: at % 50 === 0 ? 'critical' : 'warning',
    targets: 3 + (at % 3),
  }));
  const histories = new Map<string, QuestionHistory>();
  const messages: Message[] = [];
  const real: Change[] = [];
  let posted: DigestSnapshot | undefined;
  for (let run = 0; run < RUNS; run++) {
    for (const [group, change] of CHANGES.entries())
      if (change.run === run)
        // The same targets go and come back; others get worse and better.
        for (const one of all.slice(FLAPPING + (group % 4) * CHANGED).slice(0, CHANGED)) {
          if (!apply(one, change.kind)) continue;
          real.push({ ...change, target: nameOf(one.at) });
        }
    for (const one of all.slice(0, FLAPPING)) one.isFound = !isGoneWhileFlapping(one.at, run);
    const at = new Date(START_MS + run * HOUR_MS).toISOString();
    const outage = OUTAGES.get(run);
    const parts = CHECKS.map((check, group) =>
      partOf(
        check,
        all.filter((one) => one.at % 2 === group),
        { at, histories, ...(group === 0 && outage && { outage }) },
      ),
    );
    // The last run is not quiet, so it reports everything still pending.
    const isLast = run === RUNS - 1;
    const digest: DigestRun = {
      name: 'hourly',
      due: at,
      at,
      durationMs: 1_000,
      isQuiet: isQuiet && !isLast,
      parts,
      endedSilences: [],
    };
    const changes = compareDigest(posted, digest);
    if (!changes.isWorthPosting) continue;
    messages.push({ run, changes });
    posted = snapshotOf(digest, posted);
  }
  return { messages, real, last: all };
}

/** @returns whether it is a real change. */
function apply(one: Target, kind: Change['kind']): boolean {
  if (kind === 'gone' || kind === 'appeared') {
    const isChange = one.isFound !== (kind === 'appeared');
    one.isFound = kind === 'appeared';
    return isChange;
  }
  if (!one.isFound) return false;
  if (kind === 'worse') one.targets += 1;
  else one.targets -= 1;
  return true;
}

/** Every second or third hour. Some stay away for more than a day afterwards. */
function isGoneWhileFlapping(at: number, run: number): boolean {
  const [from, to] = EPISODES.find(([begin, end]) => run >= begin && run < end + AWAY) ?? [];
  if (from === undefined || to === undefined) return false;
  return run < to ? (run - from) % (2 + (at % 2)) === 0 : staysAway(at);
}

function staysAway(at: number): boolean {
  return at % 5 === 0;
}

function partOf(
  check: string,
  targets: readonly Target[],
  {
    at,
    histories,
    outage,
  }: {
    readonly at: string;
    readonly histories: Map<string, QuestionHistory>;
    readonly outage?: 'failed' | 'gap';
  },
): DigestRun['parts'][number] {
  const question = { check, environment: 'prod', args: {} };
  const nowMs = Date.parse(at) + 1_000;
  const retentionMs = 30 * 24 * HOUR_MS;
  const before = histories.get(check) ?? NO_HISTORY;
  if (outage === 'failed') {
    const tracked = trackedFindings(before, nowMs, retentionMs);
    return {
      ...question,
      failure: 'no answer',
      tracked: tracked.map((one) => (one.state === 'found' ? { ...one, state: 'unseen' } : one)),
    };
  }
  const seen = targets.filter((one) => one.isFound && (outage === undefined || one.at % 4 === 0));
  const report: Report = {
    ...question,
    status: 'found',
    verdict: `${seen.length} things are broken`,
    examined: 1_000,
    findings: seen.map(toFinding),
    gaps: outage === 'gap' ? [{ what: 'half of it', because: 'timeout', kind: 'unreachable' }] : [],
    coverage: [],
    at,
    durationMs: 1_000,
  };
  const history = trackFindings(before, { report, startedMs: Date.parse(at), nowMs, retentionMs });
  histories.set(check, history);
  return { ...question, report, tracked: [...trackedFindings(history, nowMs, retentionMs)] };
}

function toFinding({ at, severity, targets }: Target): Finding<Offer> {
  return {
    reason: 'thing-broken',
    severity,
    target: nameOf(at),
    targets: Array.from({ length: targets }, (_, number) => `${nameOf(at)}/${number}`),
    summary: `${nameOf(at)} is broken`,
  };
}

const LISTS = ['appeared', 'worse', 'better', 'gone', 'flapping'] as const;

/** Every change that the messages report after the first message. */
function reported({ messages }: Simulation): readonly { run: number; kind: string; target: string }[] {
  return messages.flatMap(({ run, changes }) =>
    LISTS.flatMap((kind) =>
      (changes[kind] as readonly DigestFinding[]).map(({ finding }) => ({
        run,
        kind,
        target: finding.target,
      })),
    ),
  );
}

const indexOf = (target: string) => Number(target.split('-')[1]);

describe.each([
  ['quiet', true],
  ['not quiet', false],
])('an hourly digest over 30 days that is %s', (_, isQuiet) => {
  let simulation: Simulation;
  beforeAll(() => {
    simulation = simulated(isQuiet);
  }, WORLD_TEST_TIMEOUT_MS);

  test('reports every real change of a steady finding exactly once, and nothing else about it', () => {
    const keyOf = ({ kind, target }: { readonly kind: string; readonly target: string }) =>
      `${target} ${kind}`;
    const said = reported(simulation)
      .filter(({ target }) => !isFlapping(indexOf(target)))
      .map(keyOf);

    expect(said.toSorted()).toEqual(simulation.real.map(keyOf).toSorted());
  });

  test('reports a real change for the worse in the first run that sees it', () => {
    const urgent = simulation.real.filter(({ kind }) => kind === 'appeared' || kind === 'worse');
    const said = reported(simulation);

    for (const { run, kind, target } of urgent) expect(said).toContainEqual({ run, kind, target });
  });

  test('reports a flapping finding once per episode, and not again until it is stable', () => {
    const said = reported(simulation).filter(({ target }) => isFlapping(indexOf(target)));
    for (let at = 0; at < FLAPPING; at++)
      for (const [from, to] of EPISODES) {
        const mine = said.filter(({ run, target }) => target === nameOf(at) && run >= from && run < to + 20);
        const flapping = mine.findIndex(({ kind }) => kind === 'flapping');
        // Flapping can be detected only after the finding has disappeared three times.
        expect(mine.filter(({ kind }) => kind === 'flapping')).toHaveLength(1);
        expect(mine.slice(0, flapping).filter(({ kind }) => kind === 'appeared')).toHaveLength(2);
        expect(mine.slice(flapping + 1)).toEqual([]);
        // After a day away it counts as gone, and then as new.
        const later = said.filter(
          ({ run, target }) => target === nameOf(at) && run >= to + 20 && run <= to + AWAY + 24,
        );
        const kinds = isQuiet ? ['appeared'] : ['gone', 'appeared'];
        expect(later.map(({ kind }) => kind)).toEqual(staysAway(at) ? kinds : []);
      }
  });

  test('leaves its reader with exactly the current findings', () => {
    const known = new Set<string>();
    for (const { changes } of simulation.messages) {
      for (const { finding } of [...changes.appeared, ...(changes.isFirst ? changes.steady : [])])
        known.add(finding.target);
      for (const { finding } of changes.gone) known.delete(finding.target);
    }
    const found = simulation.last.filter((one) => one.isFound).map(({ at }) => nameOf(at));

    expect([...known].toSorted()).toEqual(found.toSorted());
  });
});

test('a quiet digest posts at most once per hour with real changes, once per start of flapping, and once each for the first and the last run', () => {
  const { messages, real } = simulated(true);
  const hoursOfChanges = new Set(real.map(({ run }) => run)).size;
  const outages = 4;
  // Findings with a period of two hours and of three hours are detected as flapping at different hours.
  const untilFlapping = EPISODES.length * 2 * 3;
  const backForGood = EPISODES.length;

  expect(messages.length).toBeLessThanOrEqual(hoursOfChanges + outages + untilFlapping + backForGood + 2);
  // One message per change would be over a hundred, and one per appearance of a flapping finding over a
  // thousand.
  expect(messages.length).toBeLessThan(real.length / 2);
});

test('a run without changes is a single line that says so', () => {
  const { messages } = simulated(false);

  expect(messages).toHaveLength(RUNS);
  expect(messages.filter(({ changes }) => changes.hasNews).length).toBeLessThan(50);
});
