import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding, Gap, Report } from '../../check/finding.ts';
import type { TrackedFinding } from '../../check/tracked-finding.ts';
import {
  MAX_FINDINGS,
  NO_HISTORY,
  type QuestionHistory,
  questionHistorySchema,
  trackedFindings,
  trackFindings,
} from './track-findings.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const RETENTION_MS = 30 * DAY_MS;
const START_MS = Date.parse('2026-03-01T03:00:00Z');

const LOCKET = {
  reason: 'certificate-expiring',
  severity: 'warning',
  target: 'vault:cf/locket',
  summary: 'cf/locket expires in 6 days',
} as const satisfies Finding;
const ROUTER = { ...LOCKET, target: 'vault:cf/router', summary: 'cf/router expires in 6 days' } as const;

const unreachable = (what: string, more: Partial<Gap> = {}): Gap => ({
  what,
  because: 'connection timed out',
  kind: 'unreachable',
  ...more,
});

function reportOf(findings: readonly Finding<never>[], more: Partial<Report> = {}): Report {
  return {
    check: 'certs/expiring',
    environment: 'prod',
    args: {},
    status: 'found',
    verdict: 'as found',
    examined: 41,
    findings,
    gaps: [],
    coverage: [{ source: 'vault', examined: 41 }],
    at: new Date(START_MS).toISOString(),
    durationMs: 0,
    ...more,
  };
}

const clear = reportOf([]);

interface Step {
  readonly atMs: number;
  readonly report: Report;
}

function track(history: QuestionHistory, { atMs, report }: Step, nowMs = atMs): QuestionHistory {
  return trackFindings(history, { report, startedMs: atMs, nowMs, retentionMs: RETENTION_MS });
}

/** The history after runs an hour apart. */
function afterRuns(...reports: readonly Report[]): QuestionHistory {
  return reports.reduce(
    (history, report, run) => track(history, { atMs: START_MS + run * HOUR_MS, report }),
    NO_HISTORY,
  );
}

const at = (hours: number) => new Date(START_MS + hours * HOUR_MS).toISOString();

function findingsOf(
  history: QuestionHistory,
  nowMs = history.lastRunMs ?? START_MS,
): readonly TrackedFinding[] {
  return trackedFindings(history, nowMs, RETENTION_MS);
}

function stateOf(
  history: QuestionHistory,
  { reason, target }: Pick<Finding, 'reason' | 'target'> = LOCKET,
): TrackedFinding | undefined {
  return findingsOf(history).find((one) => one.reason === reason && one.target === target);
}

test('a new finding is found since its first run', () => {
  expect(findingsOf(afterRuns(reportOf([LOCKET])))).toEqual([
    { ...LOCKET, state: 'found', since: at(0), lastFound: at(0) },
  ]);
});

test('a finding that is found again keeps its start, and has the text of the last run', () => {
  const worse = { ...LOCKET, severity: 'critical', summary: 'cf/locket has expired' } as const;

  expect(findingsOf(afterRuns(reportOf([LOCKET]), reportOf([worse])))).toEqual([
    { ...worse, state: 'found', since: at(0), lastFound: at(1) },
  ]);
});

test('a finding that is not found any more is gone since the first run that did not find it, with how it was resolved', () => {
  const summary = 'renewed, now valid until 3 March 2027';
  const { reason, target } = LOCKET;
  const resolved = reportOf([], { resolved: [{ reason, target, summary }] });

  expect(findingsOf(afterRuns(reportOf([LOCKET]), resolved, clear))).toEqual([
    { ...LOCKET, state: 'gone', since: at(0), lastFound: at(0), goneAt: at(1), resolution: summary },
  ]);
});

test('a finding that comes back is a new one: found since it came back, and not resolved', () => {
  const { reason, target } = LOCKET;
  const resolved = reportOf([], { resolved: [{ reason, target, summary: 'renewed' }] });

  expect(findingsOf(afterRuns(reportOf([LOCKET]), resolved, reportOf([LOCKET])))).toEqual([
    { ...LOCKET, state: 'found', since: at(2), lastFound: at(2) },
  ]);
});

describe('a finding that a run does not find', () => {
  const gapless = reportOf([LOCKET]);
  const withGap = reportOf([LOCKET], { gaps: [unreachable('vault:cf/bbs', { places: 3 })] });
  const twoSources = reportOf([LOCKET], {
    coverage: [
      { source: 'vault', examined: 41 },
      { source: 'edge', examined: 3 },
    ],
  });
  const partly = reportOf([LOCKET], { gaps: [unreachable('vault')] });

  test.each<[string, Report, Partial<Report>]>([
    ['there is a new gap', gapless, { gaps: [unreachable('vault:cf/bbs')] }],
    ['access was refused', gapless, { gaps: [unreachable('vault:cf', { kind: 'refused' })] }],
    [
      'a source is no longer configured',
      gapless,
      { gaps: [unreachable('etcd', { kind: 'not-configured' })] },
    ],
    ['the data is malformed', gapless, { gaps: [unreachable('vault:cf/locket', { kind: 'malformed' })] }],
    ['nothing was examined', gapless, { examined: 0, coverage: [] }],
    ['a known gap stands for more places', withGap, { gaps: [unreachable('vault:cf/bbs', { places: 4 })] }],
    [
      'a known gap is joined by another',
      withGap,
      { gaps: [unreachable('vault:cf/bbs', { places: 3 }), unreachable('x')] },
    ],
    [
      'a gap used to be unrelated',
      reportOf([LOCKET], { gaps: [unreachable('x', { unrelated: true })] }),
      { gaps: [unreachable('x')] },
    ],
    [
      'the deadline cut it off again',
      reportOf([LOCKET], { gaps: [unreachable('vault', { kind: 'unfinished' })] }),
      { gaps: [unreachable('vault', { kind: 'unfinished' })] },
    ],
    ['a source is no longer covered', twoSources, {}],
    [
      'a source was not covered at all',
      twoSources,
      {
        coverage: [
          { source: 'vault', examined: 41 },
          { source: 'edge', examined: 0 },
        ],
      },
    ],
    [
      'a smaller part of a source was read',
      partly,
      { gaps: [unreachable('vault')], coverage: [{ source: 'vault', examined: 40 }] },
    ],
    [
      'the same outage stops the scan of its folder again',
      reportOf([LOCKET], { gaps: [unreachable('vault:cf')] }),
      { gaps: [unreachable('vault:cf')] },
    ],
    ['the source could not be read completely both times', partly, { gaps: [unreachable('vault')] }],
    [
      'as many places as before could not be checked, but different ones',
      reportOf([LOCKET], { gaps: [unreachable('5 nodes', { places: 5, placesId: 'a' })] }),
      { gaps: [unreachable('5 nodes', { places: 5, placesId: 'b' })] },
    ],
  ])('is unseen, and not gone, if %s', (_, before, now) => {
    const history = afterRuns(before, reportOf([], now));

    expect(stateOf(history)).toEqual({ ...LOCKET, state: 'unseen', since: at(0), lastFound: at(0) });
  });

  test.each<[string, Report, Partial<Report>]>([
    ['everything is checked', gapless, {}],
    ['the same gap was there when it was found', withGap, { gaps: withGap.gaps }],
    ['a known gap stands for fewer places', withGap, { gaps: [unreachable('vault:cf/bbs', { places: 2 })] }],
    [
      'a known gap has another reason',
      withGap,
      { gaps: [unreachable('vault:cf/bbs', { places: 3, kind: 'refused' })] },
    ],
    [
      'the same gap is in another folder whose name begins in the same way',
      reportOf([LOCKET], { gaps: [unreachable('vault:cf/lock')] }),
      { gaps: [unreachable('vault:cf/lock')] },
    ],
    [
      'the same places could not be checked',
      reportOf([LOCKET], { gaps: [unreachable('5 nodes', { places: 5, placesId: 'a' })] }),
      { gaps: [unreachable('5 nodes', { places: 5, placesId: 'a' })] },
    ],
    ['the only gap is unrelated', gapless, { gaps: [unreachable('x', { unrelated: true })] }],
    ['it was found despite more gaps', withGap, {}],
    [
      'there is one certificate less because it was removed',
      withGap,
      { gaps: withGap.gaps, coverage: [{ source: 'vault', examined: 40 }] },
    ],
    ['another source is covered as well', gapless, { coverage: twoSources.coverage }],
  ])('is gone if %s', (_, before, now) => {
    expect(stateOf(afterRuns(before, reportOf([], now)))).toMatchObject({ state: 'gone', goneAt: at(1) });
  });

  test('is compared with the run that last found it, however many have seen nothing since', () => {
    const blind = reportOf([], { gaps: [unreachable('vault:cf')] });

    expect(stateOf(afterRuns(gapless, blind, blind))).toMatchObject({ state: 'unseen' });
    expect(stateOf(afterRuns(gapless, blind, blind, clear))).toMatchObject({ state: 'gone', goneAt: at(3) });
    expect(stateOf(afterRuns(gapless, blind, gapless))).toMatchObject({ state: 'found', since: at(0) });
  });

  test('stays gone if a later run sees nothing', () => {
    expect(stateOf(afterRuns(gapless, clear, reportOf([], { examined: 0 })))).toMatchObject({
      state: 'gone',
      goneAt: at(1),
    });
  });
});

describe('a target of a finding that a run does not find', () => {
  const of = (...names: readonly string[]) => ({ ...LOCKET, target: 'ca:internal', targets: names });
  const gaps = [unreachable('vault:cf')];
  const targetsAfter = (...reports: readonly Report[]) => stateOf(afterRuns(...reports), of('a'))?.targets;

  test('is kept while it may be hidden, however often, and until a run could have found it', () => {
    const [all, part] = [reportOf([of('a', 'b', 'c')]), reportOf([of('a')], { gaps })];

    expect(targetsAfter(all, part)).toEqual(['a', 'b', 'c']);
    expect(targetsAfter(all, part, part)).toEqual(['a', 'b', 'c']);
    expect(targetsAfter(all, part, reportOf([of('b')], { gaps }))).toEqual(['b', 'c']);
    expect(targetsAfter(all, part, part, reportOf([of('a')]))).toEqual(['a']);
    expect(targetsAfter(all, reportOf([], { gaps }), part)).toEqual(['a', 'b', 'c']);
    expect(targetsAfter(all, part, reportOf([], { gaps }), part)).toEqual(['a', 'b', 'c']);
  });

  test('is dropped if the run saw everything that was seen before', () => {
    expect(targetsAfter(reportOf([of('a', 'b')]), reportOf([of('a')]))).toEqual(['a']);
    expect(targetsAfter(reportOf([of('a', 'b')], { gaps }), reportOf([of('a')], { gaps }))).toEqual(['a']);
    expect(targetsAfter(reportOf([of('a', 'b')]), clear, reportOf([of('a')], { gaps }))).toEqual(['a']);
  });
});

describe('a fault that only changes is not gone', () => {
  const expired = { ...LOCKET, reason: 'certificate-expired', severity: 'critical' } as const;
  const group = { ...LOCKET, target: 'ca:internal', targets: [LOCKET.target, ROUTER.target] };
  const skew = { ...LOCKET, reason: 'name-missing' };

  test.each<[string, readonly Finding<never>[], readonly Finding<never>[], Finding<never>]>([
    ['its reason', [LOCKET], [expired], expired],
    ['to one of many', [LOCKET], [group], group],
    ['from many to one', [group], [ROUTER], ROUTER],
    ['its reason, for one of many', [group], [expired], expired],
  ])('%s', (_, before, now, by) => {
    const [first = LOCKET] = before;
    const history = afterRuns(reportOf(before), reportOf(now));

    expect(stateOf(history, first)).toMatchObject({
      state: 'gone',
      replacedBy: { reason: by.reason, target: by.target },
    });
    expect(stateOf(history, first)).not.toHaveProperty('resolution');
  });

  test('but it is gone if the other fault of its target was already there', () => {
    const gone = stateOf(afterRuns(reportOf([LOCKET, skew]), reportOf([skew])));

    expect(gone).toMatchObject({ state: 'gone' });
    expect(gone).not.toHaveProperty('replacedBy');
  });

  test('and it is found since the beginning once it is separate again', () => {
    const history = afterRuns(reportOf([LOCKET]), reportOf([group]), reportOf([LOCKET]));

    expect(stateOf(history)).toMatchObject({ state: 'found', since: at(0) });
  });

  test('and it is a new one if what had replaced it was gone in between', () => {
    const history = afterRuns(reportOf([LOCKET]), reportOf([group]), clear, reportOf([LOCKET]));

    expect(stateOf(history)).toMatchObject({ state: 'found', since: at(3) });
  });
});

describe('a finding that comes and goes', () => {
  const found = reportOf([LOCKET]);

  test('three times within a day is flapping since the first time it went', () => {
    const twice = afterRuns(found, clear, found, clear, found);
    expect(stateOf(twice)).not.toHaveProperty('flappingSince');

    const thrice = afterRuns(found, clear, found, clear, found, clear);
    expect(stateOf(thrice)).toMatchObject({ state: 'gone', flappingSince: at(1) });
    expect(stateOf(afterRuns(found, clear, found, clear, found, clear, found))).toMatchObject({
      state: 'found',
      since: at(6),
      flappingSince: at(1),
    });
  });

  test('once a day is not flapping', () => {
    let history = NO_HISTORY;
    for (let run = 0; run < 20; run++)
      history = track(history, {
        atMs: START_MS + run * 12 * HOUR_MS,
        report: run % 2 === 0 ? found : clear,
      });

    expect(stateOf(history)).not.toHaveProperty('flappingSince');
  });

  test('because a source cannot be read is not flapping', () => {
    const blind = reportOf([], { gaps: [unreachable('vault')] });

    expect(stateOf(afterRuns(found, blind, found, blind, found, blind, found))).toEqual({
      ...LOCKET,
      state: 'found',
      since: at(0),
      lastFound: at(6),
    });
  });

  test.each([
    ['found', found],
    ['gone', clear],
  ])('is flapping until it has been %s for a day', (_, stable) => {
    const flapping = afterRuns(found, clear, found, clear, found, clear, found, stable);
    const changedMs = START_MS + (stable === found ? 6 : 7) * HOUR_MS;
    const [before, after] = [changedMs + DAY_MS - MINUTE_MS, changedMs + DAY_MS];

    const still = track(flapping, { atMs: before, report: stable });
    expect(stateOf(still)).toMatchObject({ flappingSince: at(1) });
    expect(stateOf(track(still, { atMs: after, report: stable }))).not.toHaveProperty('flappingSince');
  });

  test('because another finding takes over its target again and again is flapping for as long as that goes on', () => {
    const expired = reportOf([{ ...LOCKET, reason: 'certificate-expired', severity: 'critical' }]);
    const runs = Array.from({ length: 60 }, (_, run) => (run % 2 === 0 ? found : expired));
    const history = afterRuns(...runs);
    expect(history.findings).toHaveLength(2);
    for (const one of history.findings) expect(one).toHaveProperty('flappingSinceMs');
  });

  test('is flapping again only after another three times', () => {
    const calm = track(afterRuns(found, clear, found, clear, found, clear), {
      atMs: START_MS + 5 * HOUR_MS + DAY_MS,
      report: clear,
    });
    const again = [found, clear, found, clear, found].reduce(
      (history, report) => track(history, { atMs: (history.lastRunMs ?? 0) + HOUR_MS, report }),
      calm,
    );

    expect(stateOf(again)).not.toHaveProperty('flappingSince');
    expect(stateOf(track(again, { atMs: (again.lastRunMs ?? 0) + HOUR_MS, report: clear }))).toHaveProperty(
      'flappingSince',
    );
  });
});

test('targets that are replaced all the time are only numbered', () => {
  const withPods = (...targets: string[]) =>
    reportOf([{ ...LOCKET, target: 'shop/web', targets, areTargetsReplaced: true }]);
  const history = afterRuns(withPods('web-1', 'web-2'), withPods('web-3', 'web-4', 'web-5'));
  const [tracked] = trackedFindings(history, START_MS + HOUR_MS, RETENTION_MS);
  expect(tracked?.targets).toEqual(['shop/web #1', 'shop/web #2', 'shop/web #3']);
});

describe('the level a day before', () => {
  const withLevel = (value: number, unit = '%') => reportOf([{ ...LOCKET, level: { value, unit } }]);
  const levels = (everyMs: number, runs: number) => {
    let history = NO_HISTORY;
    for (let run = 0; run < runs; run++)
      history = track(history, { atMs: START_MS + run * everyMs, report: withLevel(run) });
    return stateOf(history)?.before;
  };

  test.each([
    ['every minute for a week', MINUTE_MS, 7 * 24 * 60],
    ['hourly for a month', HOUR_MS, 30 * 24],
    ['daily for three months', DAY_MS, 90],
    ['every 13 hours for a month', 13 * HOUR_MS, 55],
  ])('is known if the check runs %s', (_, everyMs, runs) => {
    const before = levels(everyMs, runs);
    const agoMs = START_MS + (runs - 1) * everyMs - Date.parse(before?.at ?? '');

    expect(agoMs).toBeGreaterThanOrEqual(12 * HOUR_MS);
    expect(agoMs).toBeLessThanOrEqual(36 * HOUR_MS);
    expect(before).toMatchObject({ unit: '%', value: Math.round((runs * everyMs - agoMs) / everyMs) - 1 });
  });

  test.each([
    ['weekly', 7 * DAY_MS, 4],
    ['for the first time', HOUR_MS, 1],
    ['for less than half a day', HOUR_MS, 12],
  ])('is unknown if the check runs %s', (_, everyMs, runs) => {
    expect(levels(everyMs, runs)).toBeUndefined();
  });

  test('is unknown once its unit has changed, and for findings that are not found', () => {
    const day = (report: Report, days: number) => ({ atMs: START_MS + days * DAY_MS, report });
    const first = track(NO_HISTORY, day(withLevel(61), 0));

    expect(stateOf(track(first, day(withLevel(91), 1)))?.before).toEqual({ at: at(0), value: 61, unit: '%' });
    expect(stateOf(track(first, day(withLevel(91, 'bytes'), 1)))).not.toHaveProperty('before');
    expect(stateOf(track(first, day(clear, 1)))).not.toHaveProperty('before');
  });
});

describe('times', () => {
  test('a run that began before the last recorded one changes nothing', () => {
    const history = afterRuns(reportOf([]), reportOf([LOCKET]));

    expect(track(history, { atMs: START_MS + MINUTE_MS, report: clear }, START_MS + 2 * HOUR_MS)).toBe(
      history,
    );
  });

  test('a run that was recorded while a clock was ahead does not block later ones', () => {
    const ahead = track(NO_HISTORY, { atMs: START_MS + 365 * DAY_MS, report: reportOf([LOCKET]) });

    const found = track(ahead, { atMs: START_MS, report: reportOf([LOCKET, ROUTER]) }, START_MS + 1_000);
    expect(findingsOf(found)).toEqual([
      { ...LOCKET, state: 'found', since: at(0), lastFound: at(0) },
      { ...ROUTER, state: 'found', since: at(0), lastFound: at(0) },
    ]);
    expect(stateOf(track(ahead, { atMs: START_MS, report: clear }))).toMatchObject({
      state: 'gone',
      goneAt: at(0),
    });
  });

  test('gone findings are kept for the retention, unseen ones for 60 days more, and found ones as long as they are found', () => {
    const missing = { ...LOCKET, reason: 'name-missing', target: 'vault:cf/bbs' } as const;
    const later = afterRuns(reportOf([LOCKET, ROUTER, missing]), reportOf([LOCKET, ROUTER]));
    const blind = reportOf([ROUTER], { gaps: [unreachable('vault')] });
    const history = track(later, { atMs: START_MS + 2 * HOUR_MS, report: blind });
    const keptAt = (ms: number) => findingsOf(history, START_MS + HOUR_MS + ms).map(({ target }) => target);
    const unseenMs = RETENTION_MS + 60 * DAY_MS;

    expect(keptAt(RETENTION_MS - 1)).toEqual([ROUTER.target, LOCKET.target, missing.target]);
    expect(keptAt(RETENTION_MS)).toEqual([ROUTER.target, LOCKET.target]);
    expect(keptAt(unseenMs - 1)).toEqual([ROUTER.target, LOCKET.target]);
    expect(keptAt(unseenMs)).toEqual([ROUTER.target]);
    expect(
      track(history, { atMs: START_MS + HOUR_MS + unseenMs, report: blind }).findings.map(
        ({ target }) => target,
      ),
    ).toEqual([ROUTER.target]);
  });

  test('a finding is proven gone after more than a month without a run', () => {
    const later = (report: Report, days: number) => ({ atMs: START_MS + days * DAY_MS, report });
    const found = afterRuns(reportOf([LOCKET]));

    expect(stateOf(track(found, later(clear, 40)))).toMatchObject({ state: 'gone' });
    const blind = track(found, later(reportOf([], { examined: 0 }), 40));
    expect(stateOf(blind)).toMatchObject({ state: 'unseen', since: at(0) });
    expect(stateOf(track(blind, later(clear, 41)))).toMatchObject({ state: 'gone' });
  });
});

describe('bounds', () => {
  const many = (length: number, more: Partial<Finding<never>> = {}) =>
    Array.from({ length }, (_, number) => ({ ...LOCKET, target: `vault:${number}`, ...more }));

  test('of too many findings the worst are kept, and of these the oldest', () => {
    const first = many(1_500);
    const worse = { ...LOCKET, severity: 'critical' } as const;
    const history = afterRuns(
      reportOf(first),
      reportOf([...many(1_000).map((one) => ({ ...one, target: `new ${one.target}` })), worse, ...first]),
    );
    const kept = findingsOf(history);

    expect(kept).toHaveLength(MAX_FINDINGS);
    expect(kept[0]).toMatchObject(worse);
    expect(kept.filter(({ since }) => since === at(0))).toHaveLength(1_500);
  });

  test('gone findings are dropped before found ones', () => {
    const history = afterRuns(reportOf([LOCKET]), reportOf(many(MAX_FINDINGS)));

    expect(stateOf(history)).toBeUndefined();
    expect(findingsOf(history)).toHaveLength(MAX_FINDINGS);
  });

  test('findings with many targets and long texts stay within a few megabytes', () => {
    const targets = Array.from({ length: 2_000 }, (_, number) => `vault:${'x'.repeat(50)}/${number}`);
    const history = afterRuns(reportOf(many(1_000, { targets, summary: 'y'.repeat(10_000) })));

    expect(JSON.stringify(history).length).toBeLessThan(4_200_000);
    expect(history.findings.length).toBeGreaterThan(10);
  });

  test('of very many targets the rest is one entry, which changes if any of them does', () => {
    const targets = Array.from({ length: 5_000 }, (_, number) => `vault:${number}`);
    const [one, same, other] = [targets, targets.toReversed(), [...targets, 'vault:new']].map(
      (all) => stateOf(afterRuns(reportOf([{ ...LOCKET, targets: all }])))?.targets,
    );

    expect(one).toHaveLength(1_000);
    expect(same).toEqual(one);
    expect(other?.filter((target) => !one?.includes(target)).length).toBeGreaterThan(0);
  });

  test('gaps beyond a thousand always count as new', () => {
    const gaps = Array.from({ length: 1_001 }, (_, number) => unreachable(`vault:${number}`));

    expect(stateOf(afterRuns(reportOf([LOCKET], { gaps }), reportOf([], { gaps })))).toMatchObject({
      state: 'unseen',
    });
  });

  test('2,000 findings with a thousand gaps may all become one', () => {
    const gaps = Array.from({ length: 1_000 }, (_, number) => unreachable(`vault:${number}`));
    const all = many(MAX_FINDINGS);
    const group = { ...LOCKET, target: 'ca', targets: all.map(({ target }) => target) };

    const kept = findingsOf(afterRuns(reportOf(all, { gaps }), reportOf([group], { gaps })));

    expect(kept).toHaveLength(MAX_FINDINGS);
    expect(kept.filter(({ replacedBy }) => replacedBy?.target === 'ca')).toHaveLength(MAX_FINDINGS - 1);
  });
});

test('two findings with the same reason and target become the worse one', () => {
  const history = afterRuns(reportOf([LOCKET, { ...LOCKET, severity: 'critical' }, LOCKET]));

  expect(findingsOf(history)).toMatchObject([{ target: LOCKET.target, severity: 'critical' }]);
});

describe('for any reports', () => {
  const targets = ['a', 'b', 'c', 'd'];
  const finding = fc.record({
    reason: fc.constantFrom('bad', 'worse'),
    severity: fc.constantFrom('critical' as const, 'warning' as const, 'info' as const),
    target: fc.constantFrom(...targets),
    summary: fc.constant('it is bad'),
  });
  const gap = fc
    .record({
      what: fc.constantFrom('vault', 'vault:x', 'edge'),
      kind: fc.constantFrom('unreachable' as const, 'refused' as const, 'unfinished' as const),
      places: fc.integer({ min: 1, max: 3 }),
      isUnrelated: fc.boolean(),
    })
    .map(({ isUnrelated, ...one }): Gap => ({
      ...one,
      because: 'no',
      ...(isUnrelated && { unrelated: true }),
    }));
  const report = fc
    .record({
      findings: fc.uniqueArray(finding, { maxLength: 4, selector: (one) => `${one.reason} ${one.target}` }),
      gaps: fc.uniqueArray(gap, { maxLength: 2, selector: ({ what }) => what }),
      examined: fc.integer({ min: 0, max: 3 }),
    })
    .map(({ findings, ...more }) =>
      reportOf(findings, { ...more, coverage: [{ source: 'vault', examined: more.examined }] }),
    );
  const steps = fc
    .array(fc.record({ afterMs: fc.integer({ min: 1, max: 2 * DAY_MS }), report }), {
      minLength: 1,
      maxLength: 30,
    })
    .map((all) => {
      let atMs = START_MS;
      return all.map(({ afterMs, report: one }): Step => ({ atMs: (atMs += afterMs), report: one }));
    });
  const key = ({ reason, target }: Pick<Finding, 'reason' | 'target'>) => `${reason} ${target}`;
  /** The findings after each run. */
  const play = (all: readonly Step[]) => {
    let history = NO_HISTORY;
    return all.map((step) => {
      history = track(history, step);
      return { step, history, findings: findingsOf(history) };
    });
  };

  test('exactly the findings of a run are found, and a run that saw less than the last run that found a finding never makes it gone', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const lastFinder = new Map<string, Report>();
        let before = new Map<string, TrackedFinding>();
        for (const { step, findings } of play(all)) {
          const found = findings.filter(({ state }) => state === 'found').map(key);
          expect(new Set(found)).toEqual(new Set(step.report.findings.map(key)));
          const seen = (one: Report) =>
            new Set(one.gaps.filter(({ unrelated }) => !unrelated).map(({ what }) => what));
          for (const one of findings) {
            if (one.state !== 'gone' || before.get(key(one))?.state === 'gone') continue;
            const then = lastFinder.get(key(one));
            expect(step.report.examined).toBeGreaterThan(0);
            expect(then && seen(step.report).isSubsetOf(seen(then))).toBe(true);
            expect(
              step.report.gaps.filter(({ kind, unrelated }) => kind === 'unfinished' && !unrelated),
            ).toEqual([]);
          }
          for (const one of step.report.findings) lastFinder.set(key(one), step.report);
          before = new Map(findings.map((one) => [key(one), one]));
        }
      }),
    );
  });

  test('no finding disappears within the retention, and its times are in order', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const known = new Map<string, number>();
        for (const { step, history, findings } of play(all)) {
          for (const one of step.report.findings) known.set(key(one), step.atMs);
          const kept = new Set(findings.map(key));
          const within = [...known].filter(([, foundMs]) => foundMs > step.atMs - RETENTION_MS);
          expect(within.filter(([one]) => !kept.has(one))).toEqual([]);
          for (const { since, lastFound, goneAt, flappingSince, before, state } of findings) {
            expect(since <= lastFound).toBe(true);
            expect(goneAt === undefined || lastFound < goneAt).toBe(true);
            expect((goneAt !== undefined) === (state === 'gone')).toBe(true);
            for (const time of [lastFound, goneAt, flappingSince, before?.at])
              expect(time === undefined || Date.parse(time) <= step.atMs).toBe(true);
          }
          expect(questionHistorySchema.parse(JSON.parse(JSON.stringify(history)))).toEqual(history);
        }
      }),
    );
  });

  test('a run recorded twice, or after a later one, changes nothing', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (all, pick) => {
        const played = play(all);
        const last = played.at(-1);
        const late = all[pick % all.length];
        if (!last || !late) throw new Error('there is always a run');
        expect(findingsOf(track(last.history, last.step))).toEqual(last.findings);
        expect(findingsOf(track(last.history, late, last.step.atMs))).toEqual(last.findings);
      }),
    );
  });
});
