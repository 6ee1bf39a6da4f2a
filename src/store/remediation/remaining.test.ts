import { expect, test } from 'vitest';
import { anOffer, OBSERVATION, OBSERVED_GONE } from '../../../test/world/remediation.ts';
import type { FoundFinding, Observation, RemediationRecord } from './record.ts';
import { remainingFindings } from './remaining.ts';

/** A doppler is not registered, and metron_agent is down because of it. */
const doppler: FoundFinding = {
  reason: 'not-registered',
  severity: 'critical',
  target: 'doppler_z2/0',
  summary: 'doppler_z2/0 is not registered',
};
const metron: FoundFinding = {
  reason: 'metron-down',
  severity: 'critical',
  target: 'metron_agent',
  summary: 'metron_agent is down on 12 of 12 VMs',
};
const group: FoundFinding = {
  reason: 'expired',
  severity: 'critical',
  target: 'issuer',
  targets: ['a', 'b'],
  summary: '2 certificates have expired',
};

const time = (second: number) => new Date(Date.UTC(2026, 10, 20, 14, 5, second)).toISOString();
const nothing = { isWhole: true, findings: [], more: 0 };

/** A run of the check after a fix, and everything that it found. */
const sawAt = (
  second: number,
  report: Partial<NonNullable<Observation['report']>> = {},
  more: Partial<Observation> = {},
): Observation => ({ ...OBSERVED_GONE, at: time(second), report: { ...nothing, ...report }, ...more });

const fixOf = (finding: FoundFinding, changed: Partial<RemediationRecord>, only?: string[]) => {
  const { reason, target, targets, summary } = finding;
  const named = only ?? targets;
  return anOffer({
    finding: { reason, target, summary, ...(named && { targets: named }) },
    state: 'fixed',
    ...changed,
  });
};

test('nothing remains after the only finding is fixed', () => {
  const fixes = [fixOf(doppler, { after: sawAt(1), endedAt: time(2) })];

  expect(remainingFindings([doppler], fixes)).toEqual({
    resolved: [doppler],
    left: [],
    isAllFixed: true,
    unchecked: [],
  });
});

test('a symptom is gone if the run that verified the fix checked everything and did not find it', () => {
  const fixes = [fixOf(doppler, { after: sawAt(1), endedAt: time(2) })];

  expect(remainingFindings([doppler, metron], fixes)).toMatchObject({ left: [], isAllFixed: true });
});

test('a symptom that is still found remains, in the words of the newest run', () => {
  const now: FoundFinding = {
    ...metron,
    severity: 'warning',
    summary: 'metron_agent is down on 3 of 12 VMs',
  };
  const fixes = [fixOf(doppler, { after: sawAt(1, { findings: [now] }), endedAt: time(2) })];

  expect(remainingFindings([doppler, metron], fixes)).toMatchObject({
    resolved: [doppler],
    left: [now],
    isAllFixed: false,
  });
});

test.each([
  ['something could not be checked', { isWhole: false }],
  ['the run found more than was recorded', { more: 1 }],
])('a symptom remains if %s', (_, report) => {
  const fixes = [fixOf(doppler, { after: sawAt(1, report, { gaps: ['bosh'] }), endedAt: time(2) })];

  expect(remainingFindings([doppler, metron], fixes)).toMatchObject({
    resolved: [doppler],
    left: [metron],
    isAllFixed: false,
  });
});

test('a group is fixed by one fix for the finding itself, although its targets have other names by then', () => {
  const fixes = [fixOf(group, { after: sawAt(1), endedAt: time(2) }, ['issuer'])];
  expect(remainingFindings([group], fixes)).toMatchObject({ left: [], isAllFixed: true });

  const replaced: FoundFinding = { ...group, targets: ['c'] };
  const again = [fixOf(group, { after: sawAt(1, { findings: [replaced] }), endedAt: time(2) }, ['issuer'])];
  expect(remainingFindings([group], again)).toMatchObject({ resolved: [], isAllFixed: false });
});

test('after a fix that was verified despite a gap, the gap is named', () => {
  const after = sawAt(1, { isWhole: false }, { gaps: ['doppler_z1'] });

  expect(remainingFindings([doppler], [fixOf(doppler, { after, endedAt: time(2) })])).toMatchObject({
    isAllFixed: true,
    unchecked: ['doppler_z1'],
  });
});

test('it is unknown what remains if an older worker did not record it', () => {
  expect(remainingFindings([doppler], [fixOf(doppler, { after: OBSERVED_GONE })])).toMatchObject({
    resolved: [],
    left: [doppler],
    isAllFixed: false,
  });
});

test('what only the verification found remains', () => {
  const broken: FoundFinding = { ...doppler, target: 'doppler_z1/0', summary: 'doppler_z1/0 is down' };
  const fixes = [fixOf(doppler, { after: sawAt(1, { findings: [broken] }), endedAt: time(2) })];

  expect(remainingFindings([doppler], fixes)).toMatchObject({
    resolved: [doppler],
    left: [broken],
    isAllFixed: false,
  });
});

test('not all is fixed while a number is below its total', () => {
  const measures = [{ label: 'metron_agent', value: 11, of: 12, unit: 'running' }];
  const fixes = [fixOf(doppler, { after: sawAt(1, {}, { measures }), endedAt: time(2) })];

  expect(remainingFindings([doppler], fixes)).toMatchObject({ resolved: [doppler], isAllFixed: false });
});

test('a finding that a later run found again is not fixed', () => {
  const fixes = [
    fixOf(doppler, { after: sawAt(1, { findings: [metron] }), endedAt: time(2) }),
    fixOf(metron, { after: sawAt(5, { findings: [doppler] }), endedAt: time(6) }),
  ];

  expect(remainingFindings([doppler, metron], fixes)).toMatchObject({
    resolved: [metron],
    left: [doppler],
    isAllFixed: false,
  });
});

test('a finding with a new reason for the same target is not fixed', () => {
  const changed: FoundFinding = { ...doppler, reason: 'not-running', summary: 'doppler_z2/0 is not running' };
  const fixes = [fixOf(metron, { after: sawAt(1, { findings: [changed] }), endedAt: time(2) })];

  const { resolved, left } = remainingFindings([doppler, metron], fixes);

  expect(resolved).toEqual([metron]);
  expect(left).toMatchObject([{ target: 'doppler_z2/0', summary: 'doppler_z2/0 is not running' }]);
});

test.each(['mitigated', 'unverified', 'failed', 'interrupted'] as const)(
  'a finding remains after a later fix for it has ended as %s, until a run that began later does not find it',
  (state) => {
    const first = fixOf(doppler, { after: sawAt(1), endedAt: time(2) });
    const second = fixOf(metron, { state, endedAt: time(5), after: sawAt(4) });

    expect(remainingFindings([doppler, metron], [first, second])).toMatchObject({
      left: [metron],
      isAllFixed: false,
    });
    const third = fixOf(metron, { after: sawAt(8), endedAt: time(9) });
    expect(remainingFindings([doppler, metron], [first, second, third])).toMatchObject({ isAllFixed: true });
  },
);

test.each(['applying', 'settling'] as const)('a finding remains while a fix for it is %s', (state) => {
  const fixes = [fixOf(doppler, { after: sawAt(9), endedAt: time(9) }), fixOf(metron, { state })];

  expect(remainingFindings([doppler, metron], fixes)).toMatchObject({ left: [metron], isAllFixed: false });
});

test.each(['mitigated', 'unverified', 'failed', 'interrupted', 'rejected'] as const)(
  'everything remains if the only fix has ended as %s, even if its run found nothing',
  (state) => {
    const fixes = [fixOf(doppler, { state, after: sawAt(1), endedAt: time(2) })];

    expect(remainingFindings([doppler, metron], fixes)).toMatchObject({
      resolved: [],
      left: [doppler, metron],
      isAllFixed: false,
    });
  },
);

test('a finding with many targets remains until the last of them is fixed', () => {
  const one = fixOf(
    group,
    {
      after: sawAt(1, { findings: [{ ...group, target: 'b', targets: [], summary: 'b has expired' }] }),
      endedAt: time(2),
    },
    ['a'],
  );
  const other = fixOf(group, { after: sawAt(5), endedAt: time(6) }, ['b']);

  expect(remainingFindings([group], [one])).toMatchObject({
    resolved: [],
    left: [{ target: 'issuer', summary: 'b has expired' }],
    isAllFixed: false,
  });
  expect(remainingFindings([group], [one, other])).toMatchObject({ resolved: [group], isAllFixed: true });
});

test('a fix for one of many targets does not fix the finding if the rest could not be checked', () => {
  const after = sawAt(1, { isWhole: false }, { gaps: ['vault'] });
  const one = fixOf(group, { after, endedAt: time(2) }, ['a']);

  expect(remainingFindings([group], [one])).toMatchObject({ resolved: [], left: [group], isAllFixed: false });
});

test('a finding that has joined another is not fixed', () => {
  const single: FoundFinding = {
    reason: 'expired',
    severity: 'warning',
    target: 'a',
    summary: 'a has expired',
  };
  const fixes = [fixOf(doppler, { after: sawAt(1, { findings: [group] }), endedAt: time(2) })];

  expect(remainingFindings([doppler, single], fixes)).toMatchObject({
    resolved: [doppler],
    isAllFixed: false,
  });
});

test('a run from before a fix proves nothing', () => {
  const fixes = [anOffer({ state: 'skipped', before: OBSERVATION }), anOffer({ state: 'offered' })];

  expect(remainingFindings([doppler], fixes)).toMatchObject({ resolved: [], isAllFixed: false });
});

test('a finding remains if it was found again to plan a fix for it, although an earlier run did not find it', () => {
  const first = fixOf(doppler, { after: sawAt(1), endedAt: time(2) });
  const { report: _, ...found } = sawAt(5, {}, { finding: 'found' });

  for (const state of ['planned', 'approved', 'rejected', 'expired', 'refused'] as const)
    expect(
      remainingFindings([doppler, metron], [first, fixOf(metron, { state, before: found })]),
    ).toMatchObject({ resolved: [doppler], left: [metron], isAllFixed: false });
  expect(
    remainingFindings([doppler, metron], [first, fixOf(metron, { state: 'skipped', after: found })]),
  ).toMatchObject({ resolved: [doppler], left: [metron], isAllFixed: false });
});

test('a finding is resolved by a run that began after a fix for it was planned', () => {
  const planned = fixOf(metron, { state: 'planned', before: sawAt(0, {}, { finding: 'found' }) });
  const first = fixOf(doppler, { after: sawAt(1), endedAt: time(2) });

  expect(remainingFindings([doppler, metron], [first, planned])).toMatchObject({ isAllFixed: true });
});

test('it is unknown whether all is fixed if the newest run is that of an older worker', () => {
  const { report: _, ...unrecorded } = sawAt(5);
  const first = fixOf(doppler, { after: sawAt(1), endedAt: time(2) });
  const second = fixOf(metron, { after: unrecorded, endedAt: time(6) });

  expect(remainingFindings([doppler, metron], [first, second])).toMatchObject({ isAllFixed: false });
  const third = fixOf(metron, { after: sawAt(8), endedAt: time(9) });
  expect(remainingFindings([doppler, metron], [first, second, third])).toMatchObject({ isAllFixed: true });
});

test('a target that joins later keeps a finding whose own targets are fixed', () => {
  const joined: FoundFinding = { ...group, targets: ['c'], summary: 'c has expired' };
  const fixes = [fixOf(group, { after: sawAt(1, { findings: [joined] }), endedAt: time(2) })];

  expect(remainingFindings([group], fixes)).toMatchObject({
    resolved: [],
    left: [{ target: 'issuer', summary: 'c has expired' }],
    isAllFixed: false,
  });
});
