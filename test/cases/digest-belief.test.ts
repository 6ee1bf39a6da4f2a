import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareDigest, type DigestChanges, snapshotOf } from '../../src/check/compare-digest.ts';
import { digestHeadline } from '../../src/check/digest-in-words.ts';
import type { DigestPart, DigestRun, DigestSnapshot } from '../../src/check/digest-run.ts';
import {
  type Finding,
  type Gap,
  type Report,
  SEVERITIES,
  type Severity,
  worst,
} from '../../src/check/finding.ts';
import {
  NO_HISTORY,
  type QuestionHistory,
  trackedFindings,
  trackFindings,
} from '../../src/store/history/track-findings.ts';

/**
 * What a reader of only a digest's messages believes is broken, while things break and are fixed, sources
 * come and go, findings are silenced, messages are refused and the history is lost.
 */

const HOUR_MS = 3_600_000;
const RETENTION_MS = 30 * 24 * HOUR_MS;
const START_MS = Date.parse('2026-03-01T03:00:00Z');
const QUESTION = { check: 'lab/disk', environment: 'prod', args: {} };

const SOURCES = ['east', 'west'];
const PLACES = SOURCES.flatMap((source) => [`${source}:a`, `${source}:b`, `${source}:c`]);

/** The reason used for findings with a common cause. */
const SHARED = 'shared';

interface Step {
  /** Since the previous step. */
  readonly hours: number;
  /** What is broken. */
  readonly broken: Readonly<Record<string, { readonly severity: Severity; readonly reason: string }>>;
  /** Unreadable targets, and the sources that stop being read partway. */
  readonly unread: readonly string[];
  /** The target at which reading a source stops. */
  readonly cutBefore: number;
  readonly isFailed: boolean;
  readonly isRefused: boolean;
  readonly isForgotten: boolean;
  readonly silenced: readonly string[];
}

const seldom = fc.nat(5).map((dice) => dice === 0);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    hours: fc.constantFrom(1, 1, 5, 30),
    broken: fc.dictionary(
      fc.constantFrom(...PLACES),
      fc.record({
        severity: fc.constantFrom('critical' as const, 'warning' as const),
        reason: fc.constantFrom('full', 'full', 'read-only', SHARED, SHARED),
      }),
      { maxKeys: 3 },
    ),
    unread: fc.uniqueArray(fc.constantFrom(...PLACES, ...SOURCES), { maxLength: 2 }),
    cutBefore: fc.nat(2),
    isFailed: seldom,
    isRefused: seldom,
    isForgotten: seldom,
    silenced: fc.uniqueArray(fc.constantFrom(...PLACES), { maxLength: 1 }),
  }),
  { minLength: 2, maxLength: 12 },
);

interface Outcome {
  readonly changes: DigestChanges;
  readonly isPosted: boolean;
  /** The readable targets that are broken. */
  readonly seen: readonly Finding<never>[];
}

function play(all: readonly Step[], isQuiet: boolean): readonly Outcome[] {
  let nowMs = START_MS;
  let history: QuestionHistory = NO_HISTORY;
  let posted: DigestSnapshot | undefined;
  return all.map((one) => {
    nowMs += one.hours * HOUR_MS;
    const at = new Date(nowMs).toISOString();
    const isRead = (place: string) => !one.isFailed && !unreadPlaces(one).has(place);
    const seen = findingsOf(one, isRead);
    if (one.isForgotten) history = NO_HISTORY;
    const report = reportOf(one, seen, at);
    if (!one.isFailed)
      history = trackFindings(history, { report, startedMs: nowMs, nowMs, retentionMs: RETENTION_MS });
    const part = partOf(one, history, nowMs, report);
    const run: DigestRun = {
      name: 'nightly',
      due: at,
      at,
      durationMs: 0,
      isQuiet,
      parts: [part],
      endedSilences: [],
    };
    const changes = compareDigest(posted, run);
    const isPosted = changes.isWorthPosting && !one.isRefused;
    if (isPosted) posted = snapshotOf(run, posted);
    return { changes, isPosted, seen };
  });
}

/** Targets with a common cause share one finding. */
function findingsOf({ broken }: Step, isRead: (place: string) => boolean): readonly Finding<never>[] {
  const all = Object.entries(broken).filter(([place]) => isRead(place));
  const shared = all.filter(([, { reason }]) => reason === SHARED);
  const severity = worst(shared.map(([, one]) => one));
  return [
    ...all.flatMap(([target, one]): Finding<never>[] =>
      one.reason === SHARED ? [] : [{ ...one, target, summary: `${target} is ${one.reason}` }],
    ),
    ...(severity
      ? [
          {
            reason: SHARED,
            severity,
            target: 'ca',
            targets: shared.map(([place]) => place),
            summary: 'the CA is broken',
          },
        ]
      : []),
  ];
}

function unreadPlaces({ unread, cutBefore }: Step): ReadonlySet<string> {
  return new Set(
    unread.flatMap((what) =>
      SOURCES.includes(what)
        ? PLACES.filter((place) => place.startsWith(`${what}:`)).slice(cutBefore)
        : [what],
    ),
  );
}

function reportOf(one: Step, findings: readonly Finding<never>[], at: string): Report {
  const unread = unreadPlaces(one);
  const coverage = SOURCES.map((source) => ({
    source,
    examined: PLACES.filter((place) => place.startsWith(`${source}:`) && !unread.has(place)).length,
  }));
  const gaps = one.unread.map((what): Gap => ({ what, because: 'timeout', kind: 'unreachable' }));
  const nothingWrong = gaps.length > 0 ? 'unknown' : 'clear';
  return {
    ...QUESTION,
    status: findings.length > 0 ? 'found' : nothingWrong,
    verdict: 'as found',
    examined: coverage.reduce((sum, { examined }) => sum + examined, 0),
    findings,
    gaps,
    coverage,
    at,
    durationMs: 0,
  };
}

function partOf(one: Step, history: QuestionHistory, nowMs: number, report: Report): DigestPart {
  const silence = { id: 's1', by: 'U1', at: report.at, until: '2027-01-01T00:00:00.000Z', because: 'known' };
  const tracked = trackedFindings(history, nowMs, RETENTION_MS)
    .map((finding) =>
      one.isFailed && finding.state === 'found' ? { ...finding, state: 'unseen' as const } : finding,
    )
    .map((finding) =>
      one.silenced.includes(finding.target) && finding.state !== 'gone' ? { ...finding, silence } : finding,
    );
  return one.isFailed ? { ...QUESTION, failure: 'no answer', tracked } : { ...QUESTION, report, tracked };
}

const keyOf = ({ reason, target }: Pick<Finding, 'reason' | 'target'>) => `${reason} ${target}`;

function listed(changes: DigestChanges) {
  const { appeared, worse, better, steady, flapping, stillFlapping, unseen } = changes;
  return [appeared, worse, better, steady, flapping, stillFlapping, unseen]
    .flat()
    .map(({ finding }) => finding);
}

/** What the reader believes is broken, as last reported. */
type Belief = Map<string, Pick<Finding, 'severity' | 'targets'>>;

/** What is wrong in the messages of these steps. */
function lies(all: readonly Step[], isQuiet: boolean): readonly string[] {
  const believed: Belief = new Map();
  // The targets of a finding replaced by a common cause can change later, so its end is not always
  // mentioned.
  const hasShared = all.some(({ broken }) => Object.values(broken).some(({ reason }) => reason === SHARED));
  return play(all, isQuiet).flatMap((outcome) => {
    const { changes, isPosted, seen } = outcome;
    const wrong = [
      ...wrongConclusions(outcome),
      ...(changes.isWorthPosting ? [] : unreported(outcome, believed)),
      ...(isPosted ? missing(outcome, hasShared ? new Map() : believed) : []),
    ];
    if (!isPosted) return wrong;
    const present = listed(changes);
    const known = new Set([...present, ...changes.silenced.map(({ finding }) => finding)].map(keyOf));
    for (const key of believed.keys()) if (!known.has(key)) believed.delete(key);
    for (const finding of present) believed.set(keyOf(finding), finding);
    return wrong.map((what) => `${what}; found ${seen.map(keyOf).join(', ')}`);
  });
}

function silencedIn({ silenced }: DigestChanges): ReadonlySet<string> {
  return new Set(silenced.map(({ finding }) => keyOf(finding)));
}

function wrongConclusions({ changes, seen }: Outcome): readonly string[] {
  const silenced = silencedIn(changes);
  const headline = digestHeadline(changes);
  const isFound = seen.some((finding) => !silenced.has(keyOf(finding)));
  return [
    ...changes.gone
      .filter(({ finding }) => seen.some((one) => keyOf(one) === keyOf(finding)))
      .map(({ finding }) => `${keyOf(finding)} is reported as gone`),
    ...(isFound && headline !== 'CRITICAL' && headline !== 'WARNING' ? [`it says ${headline}`] : []),
    ...(headline === 'CLEAR' && (seen.length > 0 || changes.unchecked.length > 0) ? ['it says CLEAR'] : []),
  ];
}

/** What a quiet digest should have reported and did not. */
function unreported(
  { changes, seen }: Outcome,
  believed: ReadonlyMap<string, Pick<Finding, 'severity' | 'targets'>>,
): readonly string[] {
  const silenced = silencedIn(changes);
  return seen
    .filter((finding) => !silenced.has(keyOf(finding)))
    .flatMap((finding) => {
      const reported = believed.get(keyOf(finding));
      if (reported === undefined) return [`${keyOf(finding)} was never reported`];
      const isWorse =
        SEVERITIES.indexOf(finding.severity) < SEVERITIES.indexOf(reported.severity) ||
        finding.targets?.some((target) => !reported.targets?.includes(target));
      return isWorse ? [`${keyOf(finding)} is worse than reported`] : [];
    });
}

/** What a message leaves out. */
function missing(
  { changes, seen }: Outcome,
  believed: ReadonlyMap<string, Pick<Finding, 'severity' | 'targets'>>,
): readonly string[] {
  const silenced = changes.silenced.map(({ finding }) => finding);
  const present = [...listed(changes), ...silenced];
  const gone = changes.gone.flatMap(({ finding, was }) => [finding, ...(was ? [was] : [])]);
  const keys = new Set([...present, ...gone].map(keyOf));
  const targets = new Set(present.flatMap(({ target, targets: affected = [] }) => [target, ...affected]));
  return [
    ...seen.filter((finding) => !present.some((one) => keyOf(one) === keyOf(finding))).map(keyOf),
    ...[...believed]
      .filter(([key, { targets: affected }]) => {
        const places = affected ?? [key.split(' ')[1] ?? ''];
        return !keys.has(key) && !places.some((place) => targets.has(place));
      })
      .map(([key]) => key),
  ].map((key) => `${key} is not mentioned`);
}

test.each([
  ['a digest', false],
  ['a quiet digest', true],
])('a reader of only %s is never wrong about what is broken', (_, isQuiet) => {
  fc.assert(
    fc.property(steps, (all) => {
      expect(lies(all, isQuiet)).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
