import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SEVERITIES } from '../../check/finding.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';
import type { KnownFinding } from '../history/tracked-findings.ts';
import { isCovered } from './is-covered.ts';
import { beginningOf, endMsOf, followFindings, isSilencedBy, type StoredSilence } from './silence-rules.ts';
import type { SilenceScope } from './silences.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.parse('2026-11-20T12:00:00.000Z');
const hour = (hours: number) => new Date(START_MS + hours * HOUR_MS).toISOString();

function aFinding(changed: Partial<TrackedFinding> = {}): KnownFinding {
  return {
    check: 'certs/expiring',
    environment: 'prod',
    finding: {
      reason: 'expired',
      target: 'old/a',
      state: 'found',
      severity: 'warning',
      summary: 'old/a has expired',
      since: hour(-48),
      lastFound: hour(0),
      ...changed,
    },
  };
}
const gone = (atHour: number, changed: Partial<TrackedFinding> = {}) =>
  aFinding({ state: 'gone', goneAt: hour(atHour), ...changed });

const ONE: SilenceScope = {
  kind: 'finding',
  check: 'certs/expiring',
  environment: 'prod',
  reason: 'expired',
  target: 'old/a',
};
const PATTERN: SilenceScope = { kind: 'pattern', reason: 'expired', targetPattern: 'old/*' };

function silence(
  scope: SilenceScope,
  baseline: readonly KnownFinding[],
  changed: Partial<StoredSilence> = {},
): StoredSilence {
  const beginning = beginningOf(scope, baseline);
  if (!beginning) throw new Error('nothing to silence');
  return {
    id: 's0123456789',
    by: 'U0ADA',
    at: hour(1),
    because: 'known',
    scope,
    about: 'old/a has expired',
    ...beginning,
    ...changed,
  };
}

const outcome = (of: StoredSilence, findings: readonly KnownFinding[], atHour = 5) => {
  const followed = followFindings(of, findings, START_MS + atHour * HOUR_MS);
  return followed.kind === 'ended' ? followed.because : followed.kind;
};

describe('a silence of one finding', () => {
  const affected = silence(ONE, [aFinding({ targets: ['a', 'b'] })]);

  test.each<[string, StoredSilence, KnownFinding, string]>([
    ['the same again', affected, aFinding({ targets: ['a', 'b'], lastFound: hour(4) }), 'kept'],
    ['less severe', affected, aFinding({ severity: 'info' }), 'kept'],
    ['more severe', affected, aFinding({ severity: 'critical' }), 'worse'],
    ['one target more', affected, aFinding({ targets: ['a', 'b', 'c'] }), 'spread'],
    ['another target instead', affected, aFinding({ targets: ['a', 'c'] }), 'spread'],
    ['one target less', affected, aFinding({ targets: ['a'] }), 'kept'],
    ['worse and spread', affected, aFinding({ severity: 'critical', targets: ['c'] }), 'worse'],
    ['gone', affected, gone(4), 'gone'],
    ['gone, with a severity that was worse before', affected, gone(4, { severity: 'critical' }), 'gone'],
    ['gone before it was found last, by another question', affected, gone(-1), 'kept'],
    ['unseen', affected, aFinding({ state: 'unseen' }), 'kept'],
    ['unseen, and worse before', affected, aFinding({ state: 'unseen', severity: 'critical' }), 'kept'],
    ['unseen, and wider before', affected, aFinding({ state: 'unseen', targets: ['z'] }), 'kept'],
    ['another target', affected, aFinding({ target: 'old/b', severity: 'critical' }), 'kept'],
    ['another target that is gone', affected, gone(4, { target: 'old/b' }), 'kept'],
    ['from one target to two', silence(ONE, [aFinding()]), aFinding({ targets: ['old/a', 'b'] }), 'spread'],
  ])('%s', (_, of, finding, expected) => {
    expect(outcome(of, [finding])).toBe(expected);
  });

  test('a run without its findings keeps it', () => {
    expect(outcome(affected, [])).toBe('kept');
  });

  test('begins with an unseen finding, and ends when that is proven gone', () => {
    const unseen = silence(ONE, [aFinding({ state: 'unseen', lastFound: hour(-9) })]);

    expect(outcome(unseen, [aFinding({ state: 'unseen', lastFound: hour(-9) })])).toBe('kept');
    expect(outcome(unseen, [aFinding({ lastFound: hour(2) })])).toBe('kept');
    expect(outcome(unseen, [gone(2, { lastFound: hour(-9) })])).toBe('gone');
  });

  test('does not begin with a finding that is gone or of another environment', () => {
    expect(beginningOf(ONE, [])).toBeUndefined();
    expect(beginningOf(ONE, [gone(0)])).toBeUndefined();
    expect(beginningOf({ ...ONE, environment: 'staging' }, [aFinding()])).toBeUndefined();
  });

  test('it does not end as gone if the fault is now part of another finding', () => {
    const of = silence(ONE, [aFinding()]);
    const replaced = gone(4, { replacedBy: { reason: 'issuer-expired', target: 'issuer' } });
    const successor = (changed: Partial<TrackedFinding>) =>
      aFinding({ reason: 'issuer-expired', target: 'issuer', ...changed });

    expect(outcome(of, [replaced, successor({ severity: 'critical' })])).toBe('worse');
    expect(outcome(of, [replaced, successor({})])).toBe('spread');
    expect(outcome(of, [replaced, gone(5, { reason: 'issuer-expired', target: 'issuer' })])).toBe('gone');
  });

  test('ends as gone although a wrong clock found it in the future', () => {
    const of = silence(ONE, [aFinding({ lastFound: hour(9_000) })]);

    expect(outcome(of, [gone(4)])).toBe('gone');
  });

  test('without an end, it lasts as long as its finding is found, and 90 days more', () => {
    const of = silence(ONE, [aFinding()]);
    const followed = followFindings(of, [aFinding({ lastFound: hour(24) })], START_MS + DAY_MS);
    if (followed.kind === 'ended') throw new Error(followed.inWords);

    expect(endMsOf(of)).toBe(START_MS + HOUR_MS + 90 * DAY_MS);
    expect(endMsOf(followed.silence)).toBe(START_MS + 91 * DAY_MS);
  });
});

describe('a silence with a pattern', () => {
  const two = silence(PATTERN, [aFinding(), aFinding({ target: 'old/b', severity: 'info' })]);

  test.each<[string, readonly KnownFinding[], string]>([
    ['another match', [aFinding({ target: 'old/c' })], 'kept'],
    ['a match as severe as the worst was', [aFinding({ target: 'old/b' })], 'kept'],
    ['a more severe match', [aFinding({ target: 'old/c', severity: 'critical' })], 'worse'],
    [
      'a more severe finding that does not match',
      [aFinding({ target: 'new/c', severity: 'critical' })],
      'kept',
    ],
    ['one of two is gone', [gone(4)], 'kept'],
    ['both are gone', [gone(4), gone(4, { target: 'old/b' })], 'gone'],
    ['one is gone and one unseen', [gone(4), aFinding({ target: 'old/b', state: 'unseen' })], 'kept'],
    [
      'both are gone and there is another',
      [gone(4), gone(4, { target: 'old/b' }), aFinding({ target: 'old/c' })],
      'kept',
    ],
  ])('%s', (_, findings, expected) => {
    expect(outcome(two, findings)).toBe(expected);
  });

  test('ends when the last is gone, whichever run saw the others disappear', () => {
    const first = followFindings(two, [gone(4)], START_MS + 5 * HOUR_MS);
    if (first.kind === 'ended') throw new Error(first.inWords);

    expect(outcome(first.silence, [gone(6, { target: 'old/b' })], 7)).toBe('gone');
  });

  test('the same target in two environments is two findings', () => {
    const inStaging = { ...aFinding(), environment: 'staging' };
    const both = silence(PATTERN, [aFinding(), inStaging]);

    expect(outcome(both, [gone(4)])).toBe('kept');
  });

  test('that covers too many findings does not end as gone', () => {
    const many = Array.from({ length: 1_001 }, (_, at) => aFinding({ target: `old/${at}` }));
    const of = silence(PATTERN, many);
    const allButOne = many.slice(0, 1_000).map(({ finding: { target } }) => gone(4, { target }));

    expect(Object.keys(of.open)).toHaveLength(1_000);
    expect(outcome(of, allButOne)).toBe('kept');
  });
});

test('a finding that is found at every run is written once an hour', () => {
  const of = silence(ONE, [aFinding()]);
  const isChanged = (minutes: number) => {
    const lastFound = new Date(START_MS + minutes * 60_000).toISOString();
    const followed = followFindings(of, [aFinding({ lastFound })], START_MS + DAY_MS);
    return followed.kind === 'kept' && followed.isChanged;
  };

  expect([5, 59, 60].map(isChanged)).toEqual([false, false, true]);
});

const severity = fc.constantFrom(...SEVERITIES);
const affected = fc.option(fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }), {
  nil: undefined,
});
const anyFinding = fc
  .record({
    target: fc.constantFrom('old/a', 'old/b', 'new/a'),
    state: fc.constantFrom('found' as const, 'unseen' as const, 'gone' as const),
    severity,
    targets: affected,
    foundHour: fc.integer({ min: -5, max: 20 }),
    goneHour: fc.integer({ min: -5, max: 20 }),
  })
  .map(({ targets, foundHour, goneHour, ...rest }) =>
    aFinding({ ...rest, ...(targets && { targets }), lastFound: hour(foundHour), goneAt: hour(goneHour) }),
  );
const anyRuns = fc.array(fc.uniqueArray(anyFinding, { selector: ({ finding }) => finding.target }), {
  maxLength: 8,
});

test('after any runs, a silenced finding is neither worse nor wider than before, and never critical without an end', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(ONE, PATTERN),
      fc.boolean(),
      fc.array(anyFinding, { maxLength: 3 }),
      anyRuns,
      (scope, hasEnd, baseline, runs) => {
        if (!beginningOf(scope, baseline)) return;
        let current = silence(scope, baseline, hasEnd ? { until: hour(1_000) } : {});
        const began = baseline.filter((known) => isCovered(scope, known) && known.finding.state !== 'gone');
        const worstBefore = Math.min(...began.map(({ finding }) => SEVERITIES.indexOf(finding.severity)));
        const before = new Set(began.flatMap(({ finding: { target, targets } }) => targets ?? [target]));
        const isRightly = (known: KnownFinding): boolean => {
          const { state, severity: now, targets = [] } = known.finding;
          const isWider = scope.kind === 'finding' && targets.some((target) => !before.has(target));
          return (
            isCovered(scope, known) &&
            state !== 'gone' &&
            SEVERITIES.indexOf(now) >= worstBefore &&
            !isWider &&
            (now !== 'critical' || hasEnd)
          );
        };
        for (const [at, run] of runs.entries()) {
          const followed = followFindings(current, run, START_MS + at * HOUR_MS);
          const silenced = run.filter((known) => isSilencedBy(current, known));
          expect(silenced.filter((known) => !isRightly(known))).toEqual([]);
          if (followed.kind === 'ended') return;
          current = followed.silence;
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('runs with only gaps end no silence', () => {
  const unseen = anyFinding.map((known) => ({
    ...known,
    finding: { ...known.finding, state: 'unseen' as const },
  }));
  fc.assert(
    fc.property(fc.constantFrom(ONE, PATTERN), fc.array(unseen, { maxLength: 5 }), (scope, findings) => {
      expect(outcome(silence(scope, [aFinding()]), findings)).toBe('kept');
    }),
  );
});
