import { describe, expect, test } from 'vitest';
import type { Finding, Report } from '../../check/finding.ts';
import { baselineOf, observationOf, provenOutcome } from './observation.ts';

const report = (findings: readonly Partial<Finding<never>>[], more: Partial<Report> = {}): Report => ({
  check: 'certs/expiring',
  environment: 'prod',
  args: {},
  status: 'found',
  verdict: 'some are broken',
  examined: 20,
  findings: findings.map((finding) => ({
    reason: 'expiring',
    severity: 'warning',
    target: 'a',
    summary: 'about to expire',
    ...finding,
  })),
  gaps: [],
  coverage: [],
  at: '2026-11-20T14:03:07.000Z',
  durationMs: 1,
  ...more,
});

const single = { finding: { reason: 'expiring', target: 'a', summary: '' } };
const group = { finding: { reason: 'expiring', target: 'issuer', targets: ['a', 'b'], summary: '' } };

test('a finding that is reported again is found, and otherwise gone', () => {
  expect(observationOf(report([{ target: 'a' }]), single)).toMatchObject({ finding: 'found' });
  expect(observationOf(report([{ target: 'b' }]), single)).toMatchObject({ finding: 'gone', reasons: [] });
});

test('a finding that has joined others with the same cause is not gone', () => {
  const joined = report([{ target: 'issuer', targets: ['a', 'c', 'd'] }]);

  expect(observationOf(joined, single)).toMatchObject({ finding: 'found', reasons: ['expiring'] });
});

test('a group is gone only when none of its targets is found, alone or in any group', () => {
  expect(observationOf(report([{ target: 'issuer', targets: ['b', 'c'] }]), group)).toMatchObject({
    finding: 'found',
    targets: ['b'],
  });
  expect(observationOf(report([{ target: 'a' }]), group)).toMatchObject({ finding: 'found', targets: ['a'] });
  expect(observationOf(report([{ target: 'other issuer', targets: ['a', 'b'] }]), group)).toMatchObject({
    finding: 'found',
    targets: ['a', 'b'],
  });
});

test('a group is gone although its cause still has other targets', () => {
  const others = report([{ target: 'issuer', targets: ['c', 'd'] }]);

  expect(observationOf(others, group)).toMatchObject({ finding: 'gone', targets: [] });
});

test('a fix for the finding itself has not worked while its cause has any target, for any reason', () => {
  const own = { finding: { reason: 'expiring', target: 'issuer', targets: ['issuer'], summary: '' } };
  const before = observationOf(report([{ target: 'issuer', targets: ['a', 'b'] }]), own);
  expect(before).toMatchObject({ finding: 'found', targets: ['issuer'] });

  const others = report([{ target: 'issuer', targets: ['c', 'd'] }]);
  expect(observationOf(others, own, before)).toMatchObject({ finding: 'found', targets: ['issuer'] });
  const changed = report([{ target: 'issuer', targets: ['c'], reason: 'expired' }]);
  expect(observationOf(changed, own, before)).toMatchObject({ finding: 'found' });
  expect(observationOf(report([{ target: 'another' }]), own, before)).toMatchObject({ finding: 'gone' });
});

test('a new reason for one of the targets means that the fault has only changed', () => {
  const before = observationOf(report([{ target: 'issuer', targets: ['a', 'b'] }]), group);
  const changed = report([{ target: 'b', reason: 'key-mismatch' }]);

  expect(observationOf(changed, group, before)).toMatchObject({ finding: 'found', targets: ['b'] });
});

test('a finding may be hidden by a gap that was not there before', () => {
  const gap = { what: 'vault', because: 'sealed', kind: 'unreachable' } as const;
  const before = observationOf(report([{ target: 'a' }], { gaps: [gap] }), single);

  expect(observationOf(report([], { gaps: [gap] }), single)).toMatchObject({ finding: 'unseen' });
  expect(observationOf(report([], { gaps: [gap] }), single, before)).toMatchObject({ finding: 'gone' });
  expect(observationOf(report([], { examined: 0 }), single)).toMatchObject({ finding: 'unseen' });
});

test('a target whose reason changed before the fix is not gone while it is found for that reason', () => {
  const before = observationOf(report([{ target: 'a' }, { target: 'b', reason: 'expired' }]), group);
  expect(before).toMatchObject({ finding: 'found', targets: ['a', 'b'], changed: ['b'] });

  const left = report([{ target: 'b', reason: 'expired' }]);
  expect(observationOf(left, group, before)).toMatchObject({ finding: 'found', targets: ['b'] });
});

test('a finding is gone although its target still has another fault from before the fix', () => {
  const before = observationOf(
    report([
      { target: 'issuer', targets: ['a', 'b'] },
      { target: 'b', reason: 'weak' },
    ]),
    group,
  );

  const weak = report([{ target: 'b', reason: 'weak' }]);
  expect(observationOf(weak, group, before)).toMatchObject({ finding: 'gone' });
});

test('a target that is found again is not gone, for any reason of the new finding', () => {
  const before = observationOf(report([{ target: 'a' }, { target: 'a', reason: 'weak' }]), group);

  const other = report([{ target: 'b', reason: 'weak' }]);
  expect(observationOf(other, group, before)).toMatchObject({ finding: 'found' });
});

test('each of a thousand gaps is compared', () => {
  const gap = (at: number) => ({ what: `place ${at}`, because: 'sealed', kind: 'unreachable' }) as const;
  const gaps = Array.from({ length: 999 }, (_, at) => gap(at));
  const before = observationOf(report([{ target: 'a' }], { gaps }), single);

  expect(observationOf(report([], { gaps }), single, before)).toMatchObject({ finding: 'gone' });
  const more = report([], { gaps: [...gaps, gap(999)] });
  expect(observationOf(more, single, before)).toMatchObject({ finding: 'unseen' });
});

describe('the observation right before many targets are fixed', () => {
  const gap = { what: 'vault', because: 'sealed', kind: 'unreachable' } as const;
  const gone = report([], { gaps: [gap] });
  const both = { target: 'issuer', targets: ['a', 'b'] };
  const afterGaps = (planned: Report, now: Report) =>
    observationOf(
      gone,
      group,
      baselineOf(observationOf(now, group), observationOf(planned, group), group.finding),
    );

  test('may lack a target because of a gap, which then also hides it afterwards', () => {
    const now = report([{ target: 'a' }], { gaps: [gap] });

    expect(afterGaps(report([both]), now)).toMatchObject({ finding: 'unseen' });
    expect(afterGaps(report([{ target: 'a' }], { gaps: [gap] }), now)).toMatchObject({ finding: 'unseen' });
  });

  test('lacks a target that is gone if the plan found it despite the same gaps', () => {
    const now = report([{ target: 'a' }], { gaps: [gap] });

    expect(afterGaps(report([both], { gaps: [gap] }), now)).toMatchObject({ finding: 'gone' });
  });

  test('with all targets, its gaps hide none', () => {
    expect(afterGaps(report([both]), report([both], { gaps: [gap] }))).toMatchObject({ finding: 'gone' });
  });
});

test('a verification records everything that the run found, the most severe first', () => {
  const before = observationOf(report([{ target: 'a' }]), single);
  const after = observationOf(
    report([{ target: 'b' }, { target: 'issuer', targets: ['c', 'd'], severity: 'critical' }]),
    single,
    before,
  );

  expect(before.report).toBeUndefined();
  expect(after.report).toEqual({
    isWhole: true,
    findings: [
      {
        reason: 'expiring',
        severity: 'critical',
        target: 'issuer',
        targets: ['c', 'd'],
        summary: 'about to expire',
      },
      { reason: 'expiring', severity: 'warning', target: 'b', summary: 'about to expire' },
    ],
    more: 0,
  });
});

test('a verification says if something could not be checked, unless that is unrelated', () => {
  const before = observationOf(report([{ target: 'a' }]), single);
  const gap = { what: 'vault', because: 'no response', kind: 'unreachable' as const };
  const seen = (more: Partial<Report>) => observationOf(report([], more), single, before).report?.isWhole;

  expect(seen({ gaps: [gap] })).toBe(false);
  expect(seen({ gaps: [{ ...gap, unrelated: true }] })).toBe(true);
  expect(seen({ examined: 0 })).toBe(false);
});

test('a verification counts the findings that it leaves out', () => {
  const before = observationOf(report([{ target: 'a' }]), single);
  const many = Array.from({ length: 40 }, (_, at) => ({ target: `t${at}` }));
  const wide = [{ target: 'issuer', targets: Array.from({ length: 400 }, (_, at) => `t${at}`) }];

  expect(observationOf(report(many), single, before).report).toMatchObject({ more: 10 });
  expect(observationOf(report(wide), single, before).report).toMatchObject({ findings: [], more: 1 });
});

test('a finding that is gone proves nothing before the plan says so, also for someone who checks again', () => {
  const plan = { lines: [], targets: [], precondition: {}, provenAfterSeconds: 265 };
  const record = { plan, steps: [{ at: '2026-11-20T14:03:00.000Z', line: 'raised' }] };
  const gone = (at: string) => ({ at, finding: 'gone' as const });

  expect(provenOutcome(record, gone('2026-11-20T14:07:24.000Z'))).toBeUndefined();
  expect(provenOutcome(record, gone('2026-11-20T14:07:25.000Z'))).toBe('fixed');
  const { provenAfterSeconds: _, ...immediate } = plan;
  expect(provenOutcome({ ...record, plan: immediate }, gone('2026-11-20T14:03:00.000Z'))).toBe('fixed');
});
