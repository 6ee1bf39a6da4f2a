import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DigestChanges, type DigestFinding, compareDigest, snapshotOf } from './compare-digest.ts';
import { type DigestPart, type DigestRun, type DigestSnapshot, digestSnapshotSchema } from './digest-run.ts';
import type { Finding, Gap, Offer, Report } from './finding.ts';
import type { TrackedFinding } from './tracked-finding.ts';

const MONDAY = '2026-11-23T07:30:00.000Z';
const TUESDAY = '2026-11-24T07:30:00.000Z';
const WEDNESDAY = '2026-11-25T07:30:00.000Z';

const QUESTION = { check: 'certs/expiring', environment: 'prod', args: { within: '30d' } };
const GAP: Gap = { what: 'vault', because: 'timeout', kind: 'unreachable' };

function found(target: string, more: Partial<TrackedFinding> = {}): TrackedFinding {
  return {
    reason: 'certificate-expiring',
    target,
    state: 'found',
    severity: 'warning',
    summary: `${target} expires soon`,
    since: MONDAY,
    lastFound: MONDAY,
    ...more,
  };
}

const gone = (target: string, more: Partial<TrackedFinding> = {}) =>
  found(target, { state: 'gone', goneAt: TUESDAY, ...more });

function reportOf(tracked: readonly TrackedFinding[], more: Partial<Report> = {}): Report {
  const findings = tracked
    .filter(({ state }) => state === 'found')
    .map(({ reason, target, severity, summary, targets }): Finding<Offer> => ({
      reason,
      target,
      severity,
      summary,
      ...(targets && { targets }),
    }));
  return {
    ...QUESTION,
    status:
      findings.length > 0 ? 'found' : more.gaps?.some(({ unrelated }) => !unrelated) ? 'unknown' : 'clear',
    verdict: 'verdict',
    examined: 41,
    findings,
    gaps: [],
    coverage: [],
    at: MONDAY,
    durationMs: 1,
    ...more,
  };
}

function partOf(tracked: TrackedFinding[], more: Partial<Report> = {}): DigestPart {
  const report = reportOf(tracked, more);
  return {
    check: report.check,
    environment: report.environment,
    args: { ...report.args },
    report,
    tracked,
  };
}

const failedPart = (tracked: TrackedFinding[]): DigestPart => ({
  ...QUESTION,
  failure: 'no answer',
  tracked,
});

function runOf(at: string, ...parts: DigestPart[]): DigestRun {
  return { name: 'nightly', due: at, at, durationMs: 1_000, isQuiet: true, parts, endedSilences: [] };
}

const LISTS = [
  'appeared',
  'worse',
  'better',
  'gone',
  'flapping',
  'stillFlapping',
  'steady',
  'unseen',
  'noLongerChecked',
  'silenced',
] as const;

/** The lists that are not empty, with their targets. */
function listsOf(changes: DigestChanges): Partial<Record<(typeof LISTS)[number], string[]>> {
  return Object.fromEntries(
    LISTS.flatMap((list) => {
      const targets = (changes[list] as readonly DigestFinding[]).map(({ finding }) => finding.target);
      return targets.length > 0 ? [[list, targets]] : [];
    }),
  );
}

/** The changes of a second run, if the first one was posted. */
function second(first: DigestPart[], then: DigestPart[]): DigestChanges {
  return compareDigest(snapshotOf(runOf(MONDAY, ...first), undefined), runOf(TUESDAY, ...then));
}

test('the first run lists all findings, and none of them is new', () => {
  const changes = compareDigest(undefined, runOf(MONDAY, partOf([found('a'), found('b'), gone('c')])));

  expect(listsOf(changes)).toEqual({ steady: ['a', 'b'] });
  expect(changes).toMatchObject({ isFirst: true, hasNews: true, isWorthPosting: true });
});

test('a first quiet run without findings has no news', () => {
  expect(compareDigest(undefined, runOf(MONDAY, partOf([]))).isWorthPosting).toBe(false);
});

test.each([
  ['equal', [found('a')], [found('a')], { steady: ['a'] }, false],
  [
    'another one',
    [found('a')],
    [found('a'), found('b', { since: TUESDAY })],
    { appeared: ['b'], steady: ['a'] },
    true,
  ],
  ['more severe', [found('a')], [found('a', { severity: 'critical' })], { worse: ['a'] }, true],
  ['less severe', [found('a')], [found('a', { severity: 'info' })], { better: ['a'] }, false],
  [
    'another target',
    [found('a', { targets: ['x'] })],
    [found('a', { targets: ['x', 'y'] })],
    { worse: ['a'] },
    true,
  ],
  [
    'a target replaced',
    [found('a', { targets: ['x'] })],
    [found('a', { targets: ['y'] })],
    { worse: ['a'] },
    true,
  ],
  [
    'one target fewer',
    [found('a', { targets: ['x', 'y'] })],
    [found('a', { targets: ['x'] })],
    { better: ['a'] },
    false,
  ],
  [
    'less severe on more targets',
    [found('a', { targets: ['x'] })],
    [found('a', { severity: 'info', targets: ['x', 'y'] })],
    { worse: ['a'] },
    true,
  ],
  [
    'targets named now that there are several',
    [found('a')],
    [found('a', { targets: ['x', 'y'] })],
    { worse: ['a'] },
    true,
  ],
  ['one target, named now', [found('a')], [found('a', { targets: ['x'] })], { steady: ['a'] }, false],
  [
    'the order of targets',
    [found('a', { targets: ['x', 'y'] })],
    [found('a', { targets: ['y', 'x'] })],
    { steady: ['a'] },
    false,
  ],
  ['proven gone', [found('a')], [gone('a')], { gone: ['a'] }, false],
  ['unseen behind a gap', [found('a')], [found('a', { state: 'unseen' })], { unseen: ['a'] }, true],
  ['gone and back in between', [found('a')], [found('a', { since: TUESDAY })], { appeared: ['a'] }, true],
  [
    'began to flap',
    [found('a')],
    [found('a', { since: TUESDAY, flappingSince: MONDAY })],
    { flapping: ['a'] },
    true,
  ],
  [
    'began to flap and is gone now',
    [found('a')],
    [gone('a', { flappingSince: MONDAY })],
    { flapping: ['a'] },
    true,
  ],
  [
    'appeared and was gone again',
    [],
    [gone('a', { since: '2026-11-23T20:00:00.000Z' })],
    { gone: ['a'] },
    false,
  ],
  ['gone before the first run', [], [gone('a')], {}, false],
  [
    'found by a run that was not posted, unseen now',
    [],
    [found('a', { state: 'unseen' })],
    { appeared: ['a'] },
    true,
  ],
  [
    'replaced by a more severe finding',
    [found('a')],
    [
      gone('a', { replacedBy: { reason: 'certificate-expired', target: 'a' } }),
      found('a', { reason: 'certificate-expired', severity: 'critical', since: TUESDAY }),
    ],
    { worse: ['a'] },
    true,
  ],
  [
    'replaced by one of equal severity',
    [found('a')],
    [
      gone('a', { replacedBy: { reason: 'other', target: 'b' } }),
      found('b', { reason: 'other', since: TUESDAY }),
    ],
    { appeared: ['b'] },
    true,
  ],
  ['no longer in the history', [found('a')], [], { gone: ['a'] }, false],
])('%s', (_, before, now, lists, isWorthPosting) => {
  const changes = second([partOf(before)], [partOf(now)]);

  expect(listsOf(changes)).toEqual(lists);
  expect(changes.isWorthPosting).toBe(isWorthPosting);
});

describe('nothing is gone unless a run proved it', () => {
  test.each([
    ['the check failed', failedPart([found('a')])],
    ['the check failed, and its history is lost', failedPart([])],
    ['the check failed after another run found it gone', failedPart([gone('a')])],
    ['the history is lost, and there is a gap', partOf([], { gaps: [GAP] })],
    ['the history is lost, and nothing was examined', partOf([], { examined: 0, status: 'unknown' })],
    ['neither a report nor a reason', { ...QUESTION, tracked: [] }],
  ])('%s', (_, part) => {
    const changes = second([partOf([found('a')])], [part]);

    expect(listsOf(changes)).toEqual({ unseen: ['a'] });
    expect(changes.unchecked).toHaveLength(1);
    expect(changes.isWorthPosting).toBe(true);
  });

  const LATE: Gap = { what: 'certs/expiring', because: 'not finished within 120 s', kind: 'unfinished' };
  const covered = (...sources: string[]) => sources.map((source) => ({ source, examined: 1 }));
  test.each([
    ['the same deadline cut it off both times', { gaps: [LATE] }, { gaps: [LATE] }],
    ['the same gap names its folder', { gaps: [GAP] }, { gaps: [GAP] }],
    ['its source is no longer examined', { coverage: covered('a', 'b') }, { coverage: covered('b') }],
  ])('the history is lost, and %s', (_, then, now) => {
    const first = snapshotOf(runOf(MONDAY, partOf([found('vault:a')], then)), undefined);
    const next = runOf(TUESDAY, partOf([], now));
    expect(listsOf(compareDigest(first, next))).toEqual({ unseen: ['vault:a'] });

    const later = compareDigest(snapshotOf(next, first), runOf(WEDNESDAY, partOf([], now)));
    expect(listsOf(later)).toEqual({ unseen: ['vault:a'] });
  });

  test('a gap hides a finding that was unseen when the last message was posted, as long as the gap exists', () => {
    const first = snapshotOf(runOf(MONDAY, partOf([found('a')])), undefined);
    const withGap = runOf(TUESDAY, partOf([found('a', { state: 'unseen' })], { gaps: [GAP] }));
    const then = snapshotOf(withGap, first);

    expect(listsOf(compareDigest(then, runOf(WEDNESDAY, partOf([], { gaps: [GAP] }))))).toEqual({
      unseen: ['a'],
    });
    expect(listsOf(compareDigest(then, runOf(WEDNESDAY, partOf([]))))).toEqual({ gone: ['a'] });
  });

  test('an unseen finding that is found again unchanged is no news', () => {
    const first = snapshotOf(runOf(MONDAY, partOf([found('a')])), undefined);
    const then = snapshotOf(runOf(TUESDAY, failedPart([found('a')])), first);

    const changes = compareDigest(then, runOf(WEDNESDAY, partOf([found('a')])));

    expect(listsOf(changes)).toEqual({ steady: ['a'] });
    expect(changes.hasNews).toBe(false);
  });

  test('a finding that got worse while it was unseen is worse', () => {
    const first = snapshotOf(runOf(MONDAY, partOf([found('a')])), undefined);
    const then = snapshotOf(runOf(TUESDAY, failedPart([found('a', { severity: 'critical' })])), first);

    expect(
      listsOf(compareDigest(then, runOf(WEDNESDAY, partOf([found('a', { severity: 'critical' })])))),
    ).toEqual({
      worse: ['a'],
    });
  });
});

describe('what could not be checked', () => {
  const gaps = (...all: Gap[]) => partOf([], { gaps: all });
  test.each([
    ['a new gap', gaps(), gaps(GAP), true],
    ['the same gap for another reason', gaps(GAP), gaps({ ...GAP, because: 'refused' }), false],
    ['another gap', gaps(GAP), gaps({ ...GAP, what: 'other' }), true],
    ['a gap that covers more places', gaps({ ...GAP, places: 3 }), gaps({ ...GAP, places: 30 }), true],
    ['a gap that covers fewer places', gaps({ ...GAP, places: 30 }), gaps({ ...GAP, places: 3 }), false],
    ['an unrelated gap', gaps(), gaps({ ...GAP, unrelated: true }), false],
    ['a failed check', gaps(), failedPart([]), true],
    ['a check that failed before', failedPart([]), failedPart([]), false],
    ['part of a check that failed before', failedPart([]), gaps(GAP), false],
    ['a check that failed, of which a part was unchecked before', gaps(GAP), failedPart([]), true],
    ['nothing examined', gaps(), partOf([], { examined: 0, status: 'unknown' }), true],
  ])('%s', (_, before, now, isNew) => {
    const changes = second([before], [now]);

    expect(changes.unchecked.some((one) => one.isNew)).toBe(isNew);
    expect(changes.isWorthPosting).toBe(isNew);
  });

  test('is news in a first run, even of a quiet digest', () => {
    expect(compareDigest(undefined, runOf(MONDAY, failedPart([]))).isWorthPosting).toBe(true);
  });
});

describe('silences', () => {
  const silence = {
    id: 's0123456789',
    by: 'U0ADA',
    at: MONDAY,
    until: '2026-12-01T00:00:00.000Z',
    because: 'known',
  };

  test('a silenced finding is counted and in no list', () => {
    const changes = second([partOf([])], [partOf([found('a', { silence, since: TUESDAY })])]);

    expect(listsOf(changes)).toEqual({ silenced: ['a'] });
    expect(changes.isWorthPosting).toBe(false);
  });

  test.each([
    ['ends as it was', found('a'), { steady: ['a'] }],
    ['ends more severe', found('a', { severity: 'critical' }), { worse: ['a'] }],
    ['ends less severe', found('a', { severity: 'info' }), { better: ['a'] }],
    ['ends because it is gone', gone('a'), { gone: ['a'] }],
  ])('a finding whose silence %s is not new', (_, now, lists) => {
    const first = snapshotOf(runOf(MONDAY, partOf([found('a')])), undefined);
    const silenced = found('a', { ...now, state: 'found', silence });
    const then = snapshotOf(runOf(TUESDAY, partOf([silenced])), first);

    expect(listsOf(compareDigest(then, runOf(WEDNESDAY, partOf([now]))))).toEqual(lists);
  });

  test.each([
    ['', [partOf([found('a', { silence })])]],
    [', and could not be checked meanwhile', [partOf([found('a', { silence })]), failedPart([found('a')])]],
    [' twice', [partOf([found('a', { silence })]), partOf([found('a', { silence })])]],
  ])('a finding that no message has listed because it was silenced%s is new when that ends', (_, parts) => {
    const posted = parts.reduce<DigestSnapshot | undefined>(
      (before, part) => snapshotOf(runOf(MONDAY, part), before),
      undefined,
    );
    const changes = compareDigest(posted, runOf(TUESDAY, partOf([found('a')])));

    expect(listsOf(changes)).toEqual({ appeared: ['a'] });
    expect(changes.isWorthPosting).toBe(true);
    const again = snapshotOf(runOf(TUESDAY, partOf([found('a')])), posted);
    expect(listsOf(compareDigest(again, runOf(WEDNESDAY, partOf([found('a')]))))).toEqual({ steady: ['a'] });
  });

  const { until: _, ...endless } = silence;
  test.each([
    ['has no end, and the finding is critical', endless, 'critical' as const, false],
    ['has no end', endless, 'warning' as const, true],
    ['is over', { ...silence, until: '2026-11-24T00:00:00.000Z' }, 'warning' as const, false],
    ['has an end', silence, 'critical' as const, true],
  ])('a silence that %s', (_words, applied, severity, hides) => {
    const changes = second(
      [partOf([])],
      [partOf([found('a', { severity, since: TUESDAY, silence: applied })])],
    );

    expect(changes.silenced.length === 1).toBe(hides);
    expect(changes.isWorthPosting).toBe(!hides);
  });

  test('never hides that something could not be checked', () => {
    const changes = second([partOf([found('a', { silence })])], [failedPart([found('a', { silence })])]);

    expect(changes.unchecked).toHaveLength(1);
    expect(changes.isWorthPosting).toBe(true);
  });

  test.each([
    ['worse', true],
    ['spread', true],
    ['gone', false],
    ['expired', false],
  ] as const)('the end of one because of %s is mentioned once', (because, isWorthPosting) => {
    const first = snapshotOf(runOf(MONDAY, partOf([])), undefined);
    const run = {
      ...runOf(TUESDAY, partOf([])),
      endedSilences: [{ id: 's1', about: 'a', by: 'U0ADA', at: TUESDAY, because }],
    };

    const changes = compareDigest(first, run);
    const again = compareDigest(snapshotOf(run, first), { ...run, at: WEDNESDAY });

    expect(changes).toMatchObject({ hasNews: true, isWorthPosting, endedSilences: [{ id: 's1' }] });
    expect(again).toMatchObject({ hasNews: false, endedSilences: [] });
  });
});

describe('flapping', () => {
  const flaps = { flappingSince: TUESDAY };
  const before = snapshotOf(
    runOf(TUESDAY, partOf([found('a', flaps)])),
    snapshotOf(runOf(MONDAY, partOf([found('a')])), undefined),
  );

  test.each([
    ['goes', gone('a', flaps), { stillFlapping: ['a'] }, false],
    ['comes again', found('a', { ...flaps, since: WEDNESDAY }), { stillFlapping: ['a'] }, false],
    ['is unseen', found('a', { ...flaps, state: 'unseen' }), { stillFlapping: ['a'] }, false],
    ['gets worse', found('a', { ...flaps, severity: 'critical' }), { worse: ['a'] }, true],
    ['gets better', found('a', { ...flaps, severity: 'info' }), { stillFlapping: ['a'] }, false],
    ['is there for a day', found('a', { since: TUESDAY, lastFound: WEDNESDAY }), { steady: ['a'] }, false],
    [
      'was gone for a day and is back',
      found('a', { since: WEDNESDAY, lastFound: WEDNESDAY }),
      { appeared: ['a'] },
      true,
    ],
    ['is gone for a day', gone('a'), { gone: ['a'] }, false],
    ['flaps again after a stable day', found('a', { flappingSince: WEDNESDAY }), { flapping: ['a'] }, true],
  ])('a finding that was reported as flapping %s', (_, now, lists, isWorthPosting) => {
    const changes = compareDigest(before, runOf(WEDNESDAY, partOf([now])));

    expect(listsOf(changes)).toEqual(lists);
    expect(changes.isWorthPosting).toBe(isWorthPosting);
  });

  test('the same severity again is not worse again', () => {
    const critical = partOf([found('a', { ...flaps, severity: 'critical' })]);
    const warning = partOf([found('a', flaps)]);
    let posted = snapshotOf(runOf(WEDNESDAY, critical), before);
    posted = snapshotOf(runOf(WEDNESDAY, warning), posted);

    expect(listsOf(compareDigest(posted, runOf(WEDNESDAY, critical)))).toEqual({ stillFlapping: ['a'] });
  });
});

describe('a changed configuration', () => {
  const other = (tracked: TrackedFinding[], question: Partial<Report>) => partOf(tracked, question);

  test('findings of a removed check are no longer checked', () => {
    const changes = second(
      [partOf([found('a')]), other([found('b')], { check: 'node/disk' })],
      [partOf([found('a')])],
    );

    expect(listsOf(changes)).toEqual({ steady: ['a'], noLongerChecked: ['b'] });
    expect(changes).toMatchObject({ hasNews: true, isWorthPosting: false });
  });

  test('the same finding under other arguments is neither new nor gone', () => {
    const changes = second(
      [partOf([found('a'), found('b')])],
      [other([found('a', { since: TUESDAY })], { args: { within: '7d' } })],
    );

    expect(listsOf(changes)).toEqual({ steady: ['a'], noLongerChecked: ['b'] });
  });

  test('findings of a check that was added are new', () => {
    const changes = second([partOf([])], [partOf([]), other([found('b')], { check: 'node/disk' })]);

    expect(listsOf(changes)).toEqual({ appeared: ['b'] });
  });

  test('the order of arguments does not matter', () => {
    const changes = second(
      [other([found('a')], { args: { within: '30d', match: 'x' } })],
      [other([found('a')], { args: { match: 'x', within: '30d' } })],
    );

    expect(listsOf(changes)).toEqual({ steady: ['a'] });
  });
});

test('a requested run is posted, quiet or not', () => {
  const posted = snapshotOf(runOf(MONDAY, partOf([])), undefined);
  const { due: _, ...asked } = runOf(TUESDAY, partOf([]));

  expect(compareDigest(posted, asked)).toMatchObject({ hasNews: false, isWorthPosting: true });
});

test.each([
  ['one fewer', '200 others (aaaaaa)', '199 others (bbbbbb)', { better: ['ca'] }],
  ['one more', '200 others (aaaaaa)', '201 others (bbbbbb)', { worse: ['ca'] }],
  ['as many, but others', '200 others (aaaaaa)', '200 others (bbbbbb)', { worse: ['ca'] }],
  ['the same', '200 others (aaaaaa)', '200 others (aaaaaa)', { steady: ['ca'] }],
])('of very many targets, %s', (_, before, now, lists) => {
  const first = partOf([found('ca', { targets: ['b', 'c', before] })]);
  const then = partOf([found('ca', { targets: before === now ? ['b', 'c', now] : ['c', 'd', now] })]);

  expect(listsOf(second([first], [then]))).toEqual(lists);
});

describe('a posted finding that was replaced by another', () => {
  const expiring = found('a');
  const expired = found('a', { reason: 'certificate-expired', severity: 'critical', since: TUESDAY });
  const { reason, target } = expired;
  const replaced = gone('a', { replacedBy: { reason, target } });
  const first = snapshotOf(runOf(MONDAY, partOf([expiring])), undefined);

  test('that is not more severe, and is gone as well: both are gone', () => {
    const lesser = gone('a', { reason: 'certificate-expired', severity: 'info', since: TUESDAY });
    const changes = compareDigest(first, runOf(WEDNESDAY, partOf([replaced, lesser])));

    expect(listsOf(changes)).toEqual({ gone: ['a', 'a'] });
  });

  test('that could not be checked when it was posted: it is not forgotten', () => {
    const unseen = runOf(TUESDAY, failedPart([replaced, { ...expired, state: 'unseen' }]));
    const then = snapshotOf(unseen, first);

    expect(listsOf(compareDigest(then, runOf(WEDNESDAY, partOf([replaced, expired]))))).toEqual({
      worse: ['a'],
    });
    const lost = compareDigest(then, runOf(WEDNESDAY, failedPart([])));
    expect(lost.unseen.map(({ finding }) => finding.reason)).toContain(reason);
  });
});

describe('a finding with many targets that is named after another of them', () => {
  const both = found('a', { targets: ['a', 'b'] });

  test.each<[string, TrackedFinding[], TrackedFinding[], Partial<Record<string, string[]>>]>([
    [
      'because the first can’t be seen: no news',
      [both],
      [{ ...both, state: 'unseen' }, found('b', { since: TUESDAY })],
      { steady: ['b'], unseen: ['a'] },
    ],
    [
      'because the first is gone: it has fewer targets',
      [both],
      [gone('a', { replacedBy: { reason: both.reason, target: 'b' } }), found('b', { since: TUESDAY })],
      { better: ['b'] },
    ],
    [
      'because another one has it now: it has more targets',
      [found('b')],
      [gone('b', { replacedBy: { reason: both.reason, target: 'a' } }), { ...both, since: TUESDAY }],
      { worse: ['a'] },
    ],
    [
      'in two findings: no news',
      [found('a', { targets: ['a', 'b', 'c'] })],
      [found('a', { targets: ['a', 'b'] }), found('c', { since: TUESDAY })],
      { steady: ['a', 'c'] },
    ],
    [
      'and has another target as well: that is worse',
      [both],
      [{ ...both, state: 'unseen' }, found('b', { since: TUESDAY, targets: ['b', 'c'] })],
      { worse: ['b'], unseen: ['a'] },
    ],
    [
      'with another reason: that is new',
      [both],
      [{ ...both, state: 'unseen' }, found('b', { since: TUESDAY, reason: 'other' })],
      { appeared: ['b'], unseen: ['a'] },
    ],
  ])('%s', (_, before, now, lists) => {
    expect(listsOf(second([partOf(before)], [partOf(now)]))).toEqual(lists);
  });
});

test('a finding that was listed as less severe while it could not be checked is worse when it is found as before', () => {
  const critical = found('a', { severity: 'critical' });
  const first = snapshotOf(runOf(MONDAY, partOf([critical])), undefined);
  const then = snapshotOf(runOf(TUESDAY, failedPart([found('a', { state: 'unseen' })])), first);

  expect(listsOf(compareDigest(then, runOf(WEDNESDAY, partOf([critical]))))).toEqual({ worse: ['a'] });
});

test('a finding that is not in the history is taken from the report', () => {
  const part = { ...partOf([found('a')]), tracked: [] };

  expect(listsOf(second([partOf([])], [part]))).toEqual({ appeared: ['a'] });
});

test('persistent findings are listed oldest first, and new ones most severe first', () => {
  const old = found('old', { severity: 'info', since: '2026-11-01T00:00:00.000Z' });
  const fresh = [found('w', { since: TUESDAY }), found('c', { since: TUESDAY, severity: 'critical' })];

  expect(listsOf(second([partOf([found('young'), old])], [partOf([found('young'), old, ...fresh])]))).toEqual(
    {
      appeared: ['c', 'w'],
      steady: ['old', 'young'],
    },
  );
});

const time = fc.integer({ min: 0, max: 5 }).map((hour) => `2026-11-24T0${hour}:00:00.000Z`);
const tracked: fc.Arbitrary<TrackedFinding> = fc
  .record({
    state: fc.constantFrom('found' as const, 'gone' as const, 'unseen' as const),
    severity: fc.constantFrom('critical' as const, 'warning' as const, 'info' as const),
    targets: fc.option(fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { minLength: 1 }), { nil: undefined }),
    since: time,
    flappingSince: fc.option(time, { nil: undefined }),
    isSilenced: fc.boolean(),
  })
  .map(({ state, severity, targets, since, flappingSince, isSilenced }) => ({
    ...found('?', { state, severity, since }),
    ...(targets && { targets }),
    ...(flappingSince && { flappingSince }),
    ...(state === 'gone' && { goneAt: since }),
    ...(isSilenced && {
      silence: { id: 's1', by: 'U1', at: since, until: '2027-01-01T00:00:00.000Z', because: 'x' },
    }),
  }));
const part: fc.Arbitrary<DigestPart> = fc
  .record({
    check: fc.constantFrom('a/b', 'a/c'),
    args: fc.constantFrom({}, { within: '1d' }),
    findings: fc.array(tracked, { maxLength: 4 }),
    gaps: fc.constantFrom([], [GAP], [{ ...GAP, what: 'b', places: 3 }]),
    isFailed: fc.boolean(),
  })
  .map(({ check, args, findings, gaps, isFailed }) => {
    const named = findings.map((one, at) => ({ ...one, target: `t${at}` }));
    return isFailed
      ? { check, environment: 'prod', args, failure: 'x', tracked: named }
      : partOf(named, { check, args, gaps });
  });
const run = (at: string) =>
  fc
    .uniqueArray(part, {
      minLength: 1,
      maxLength: 3,
      selector: ({ check, args }) => JSON.stringify([check, args]),
    })
    .map((parts) => runOf(at, ...parts));

test('an equal run after a posted one has no news, for any earlier posts', () => {
  fc.assert(
    fc.property(run(MONDAY), run(TUESDAY), (first, now) => {
      const before = snapshotOf(first, undefined);
      const changes = compareDigest(snapshotOf(now, before), { ...now, at: WEDNESDAY });

      expect(listsOf({ ...changes, steady: [], stillFlapping: [], unseen: [], silenced: [] })).toEqual({});
      expect(changes).toMatchObject({ hasNews: false, isWorthPosting: false });
    }),
    { numRuns: 2_000 },
  );
});

test('for any posts and runs: no finding is lost, none is in two lists, and only proven ones are gone', () => {
  fc.assert(
    fc.property(run(MONDAY), run(TUESDAY), (first, now) => {
      const posted = snapshotOf(first, undefined);
      const changes = compareDigest(posted, now);
      const listed = LISTS.flatMap((list) => [...(changes[list] as readonly DigestFinding[])]);
      const keyOf = ({ question, finding }: Pick<DigestFinding, 'question' | 'finding'>) =>
        JSON.stringify([question.check, question.args, finding.target]);

      expect(new Set(listed.map(keyOf)).size).toBe(listed.length);
      const foundNow = now.parts.flatMap(({ report, tracked: all, ...question }) =>
        report ? all.filter(({ state }) => state === 'found').map((finding) => ({ question, finding })) : [],
      );
      expect(listed.map(keyOf)).toEqual(expect.arrayContaining(foundNow.map(keyOf)));
      for (const one of changes.gone) {
        const asked = now.parts.find(
          ({ check, args }) => check === one.question.check && args === one.question.args,
        );
        expect(asked?.report).toBeDefined();
        expect(one.finding.state).toBe('gone');
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a snapshot is valid', () => {
  const snapshot: DigestSnapshot = snapshotOf(
    runOf(MONDAY, partOf([found('a')], { gaps: [GAP] })),
    undefined,
  );

  expect(digestSnapshotSchema.parse(snapshot)).toEqual(snapshot);
});
