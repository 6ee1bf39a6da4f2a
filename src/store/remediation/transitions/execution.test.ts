import { expect, test } from 'vitest';
import {
  anOffer,
  OBSERVED_GONE,
  hashOf,
  OBSERVATION,
  PLAN,
  POLICY,
} from '../../../../test/world/remediation.ts';
import { type RemediationRecord, REMEDIATION_STATES } from '../record.ts';
import type { Transition, Change } from '../remediation-store.ts';
import {
  finishExecution,
  startExecution,
  recordStep,
  failExecution,
  interruptExecution,
  recordRecheck,
  recordVerification,
  endOverdue,
} from './execution.ts';
import { isoTime } from './common.ts';

const NOW = Date.UTC(2026, 10, 20, 14, 4);
const LEASE_MS = 30_000;
const approved: RemediationRecord = anOffer({
  state: 'approved',
  requested: { by: 'U0ADA', at: OBSERVATION.at },
  plan: PLAN,
  planHash: hashOf(anOffer()),
  approvalsNeeded: 1,
  approvals: [{ by: 'U0GRACE', at: OBSERVATION.at }],
  until: new Date(NOW + 60_000).toISOString(),
});

function moved(decide: Transition, before: RemediationRecord): Change {
  const decided = decide(before);
  if (typeof decided === 'string') throw new Error(decided);
  return decided;
}

const applying = moved(startExecution(7, OBSERVATION, POLICY, LEASE_MS, NOW), approved).next;
const done = moved(recordStep(7, 'restarted', LEASE_MS, NOW), applying).next;
const settling = moved(finishExecution(7, LEASE_MS, NOW), done).next;

test('to begin is refused past its time, while frozen and above the caps, all by Redis', () => {
  expect(startExecution(7, OBSERVATION, POLICY, LEASE_MS, NOW)(approved)).toMatchObject({
    notAfter: approved.until,
    unlessFrozen: true,
    caps: { perHour: 20, perRun: 20 },
    next: { state: 'applying', token: 7 },
  });
});

test('what was turned off since it was approved is not begun', () => {
  const off = { ...POLICY, off: ['etcd/doppler:restart'] };

  expect(startExecution(7, OBSERVATION, off, LEASE_MS, NOW)(approved)).toMatch(/`remediations.off` names/);
});

test('it is fixed only where looking again found it gone', () => {
  expect(moved(recordVerification(7, OBSERVED_GONE, undefined, NOW), settling)).toMatchObject({
    next: { state: 'fixed', deeds: [{ line: 'restarted' }] },
    entry: {
      kind: 'outcome',
      outcome: 'fixed',
      who: ['U0ADA', 'U0GRACE'],
      before: OBSERVATION.verdict,
      after: OBSERVED_GONE.verdict,
      deeds: ['restarted'],
    },
  });
  for (const finding of ['found', 'unseen'] as const)
    expect(
      moved(recordVerification(7, { ...OBSERVED_GONE, finding }, 'still there', NOW), settling).next.state,
    ).toBe('unverified');
});

test.each<[string, Transition]>([
  ['remembers a deed', recordStep(6, 'x', LEASE_MS, NOW)],
  ['says that it is applied', finishExecution(6, LEASE_MS, NOW)],
  ['fails it', failExecution(6, 'x', undefined, NOW)],
  ['interrupts it', interruptExecution(6, 'x', NOW)],
])('who was overtaken by another worker no longer %s', (_, decide) => {
  expect(decide(applying)).toBe('it is applying, and no longer ours');
});

test('who was overtaken does not settle it either', () => {
  expect(recordVerification(6, OBSERVED_GONE, undefined, NOW)(settling)).toBe(
    'it is settling, and no longer ours',
  );
});

test.each<[RemediationRecord['state'], RemediationRecord['state'], string]>([
  ['planning', 'expired', 'no worker made a plan in time'],
  ['planned', 'expired', 'nobody approved it in time'],
  ['approved', 'expired', 'no worker took it up while the approval was good'],
  ['applying', 'interrupted', 'the worker was lost while it acted'],
  ['settling', 'unverified', 'the worker was lost after the deed, before it had looked again'],
])('%s that nobody ended in time is %s, if its time is over by Redis', (state, end, because) => {
  const move = moved(endOverdue(NOW, POLICY), { ...done, state, shownAt: OBSERVATION.at });

  expect(move).toMatchObject({ onlyIfOverdue: true, next: { state: end, because }, entry: { because } });
  expect(move.next).not.toHaveProperty('until');
  expect(move).not.toHaveProperty('lockTargetsForMs');
});

test('a plan that nobody could see yet gets more time, and is withdrawn after a day', () => {
  const planned = {
    ...approved,
    state: 'planned' as const,
    requested: { by: 'U0ADA', at: isoTime(NOW - 3_600_000) },
  };

  const move = moved(endOverdue(NOW, POLICY), planned);

  expect(move).toMatchObject({ onlyIfOverdue: true, next: { state: 'planned' } });
  expect(Date.parse(move.next.until ?? '') - NOW).toBe(POLICY.approveWithinMinutes * 60_000);
  expect(move.entry).toBeUndefined();
  const aDayLater = moved(endOverdue(NOW + 86_400_000, POLICY), planned);
  expect(aDayLater).toMatchObject({
    next: { state: 'refused', because: 'its plan could not be posted for a day' },
    entry: { kind: 'refused' },
  });
});

test('what was interrupted keeps what was done by then, and leads to nothing but looking again', () => {
  const interrupted = moved(interruptExecution(7, 'the worker was stopped', NOW), done).next;

  expect(interrupted).toMatchObject({ state: 'interrupted', deeds: [{ line: 'restarted' }] });
  expect(moved(recordRecheck('U0KATE', OBSERVED_GONE, NOW), interrupted)).toMatchObject({
    next: { state: 'fixed' },
    entry: { kind: 'outcome', outcome: 'fixed', who: ['U0KATE'] },
  });
  expect(moved(recordRecheck('U0KATE', OBSERVATION, NOW), interrupted).next).toMatchObject({
    state: 'interrupted',
    because: 'the worker was stopped',
  });
});

/** From which states each leads on, for who holds the token; from all others it must not. */
const LEADS_ON: readonly (readonly [string, Transition, readonly string[]])[] = [
  ['beginning', startExecution(7, OBSERVATION, POLICY, LEASE_MS, NOW), ['approved']],
  ['a deed', recordStep(7, 'x', LEASE_MS, NOW), ['applying']],
  ['being applied', finishExecution(7, LEASE_MS, NOW), ['applying']],
  ['settling', recordVerification(7, OBSERVED_GONE, undefined, NOW), ['settling']],
  ['failing', failExecution(7, 'x', OBSERVATION, NOW), ['applying']],
  ['interrupting', interruptExecution(7, 'x', NOW), ['applying']],
  ['time', endOverdue(NOW, POLICY), ['planning', 'planned', 'approved', 'applying', 'settling']],
  ['looking again', recordRecheck('U0KATE', OBSERVED_GONE, NOW), ['unverified', 'failed', 'interrupted']],
];

test.each(LEADS_ON)('%s leads on from nowhere but where it should', (_, decide, from) => {
  expect(REMEDIATION_STATES.filter((state) => typeof decide({ ...applying, state }) !== 'string')).toEqual(
    from,
  );
});
