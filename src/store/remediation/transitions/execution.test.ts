import { expect, test } from 'vitest';
import {
  anOffer,
  OBSERVED_GONE,
  hashOf,
  OBSERVATION,
  PLAN,
  POLICY,
} from '../../../../test/world/remediation.ts';
import { type Remediation, STATES } from '../record.ts';
import type { Decide, Move } from '../remediations.ts';
import { applied, begin, did, fail, interrupt, lookedAgain, settle, timeOut } from './execution.ts';
import { iso } from './common.ts';

const NOW = Date.UTC(2026, 10, 20, 14, 4);
const LEASE_MS = 30_000;
const approved: Remediation = anOffer({
  state: 'approved',
  requested: { by: 'U0ADA', at: OBSERVATION.at },
  plan: PLAN,
  planHash: hashOf(anOffer()),
  approvalsNeeded: 1,
  approvals: [{ by: 'U0GRACE', at: OBSERVATION.at }],
  until: new Date(NOW + 60_000).toISOString(),
});

function moved(decide: Decide, before: Remediation): Move {
  const decided = decide(before);
  if (typeof decided === 'string') throw new Error(decided);
  return decided;
}

const applying = moved(begin(7, OBSERVATION, POLICY, LEASE_MS, NOW), approved).next;
const done = moved(did(7, 'restarted', LEASE_MS, NOW), applying).next;
const settling = moved(applied(7, LEASE_MS, NOW), done).next;

test('to begin is refused past its time, while frozen and above the caps, all by Redis', () => {
  expect(begin(7, OBSERVATION, POLICY, LEASE_MS, NOW)(approved)).toMatchObject({
    notAfter: approved.until,
    unlessFrozen: true,
    caps: { perHour: 20, perRun: 20 },
    next: { state: 'applying', token: 7 },
  });
});

test('what was turned off since it was approved is not begun', () => {
  const off = { ...POLICY, off: ['etcd/doppler:restart'] };

  expect(begin(7, OBSERVATION, off, LEASE_MS, NOW)(approved)).toMatch(/`remediations.off` names/);
});

test('it is fixed only where looking again found it gone', () => {
  expect(moved(settle(7, OBSERVED_GONE, undefined, NOW), settling)).toMatchObject({
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
    expect(moved(settle(7, { ...OBSERVED_GONE, finding }, 'still there', NOW), settling).next.state).toBe(
      'unverified',
    );
});

test.each<[string, Decide]>([
  ['remembers a deed', did(6, 'x', LEASE_MS, NOW)],
  ['says that it is applied', applied(6, LEASE_MS, NOW)],
  ['fails it', fail(6, 'x', undefined, NOW)],
  ['interrupts it', interrupt(6, 'x', NOW)],
])('who was overtaken by another worker no longer %s', (_, decide) => {
  expect(decide(applying)).toBe('it is applying, and no longer ours');
});

test('who was overtaken does not settle it either', () => {
  expect(settle(6, OBSERVED_GONE, undefined, NOW)(settling)).toBe('it is settling, and no longer ours');
});

test.each<[Remediation['state'], Remediation['state'], string]>([
  ['planning', 'expired', 'no worker made a plan in time'],
  ['planned', 'expired', 'nobody approved it in time'],
  ['approved', 'expired', 'no worker took it up while the approval was good'],
  ['applying', 'interrupted', 'the worker was lost while it acted'],
  ['settling', 'unverified', 'the worker was lost after the deed, before it had looked again'],
])('%s that nobody ended in time is %s, if its time is over by Redis', (state, end, because) => {
  const move = moved(timeOut(NOW, POLICY), { ...done, state, shownAt: OBSERVATION.at });

  expect(move).toMatchObject({ onlyIfOverdue: true, next: { state: end, because }, entry: { because } });
  expect(move.next).not.toHaveProperty('until');
  expect(move).not.toHaveProperty('holdMs');
});

test('a plan that nobody could see yet gets more time, and is withdrawn after a day', () => {
  const planned = {
    ...approved,
    state: 'planned' as const,
    requested: { by: 'U0ADA', at: iso(NOW - 3_600_000) },
  };

  const move = moved(timeOut(NOW, POLICY), planned);

  expect(move).toMatchObject({ onlyIfOverdue: true, next: { state: 'planned' } });
  expect(Date.parse(move.next.until ?? '') - NOW).toBe(POLICY.approveWithinMinutes * 60_000);
  expect(move.entry).toBeUndefined();
  const aDayLater = moved(timeOut(NOW + 86_400_000, POLICY), planned);
  expect(aDayLater).toMatchObject({
    next: { state: 'refused', because: 'its plan could not be posted for a day' },
    entry: { kind: 'refused' },
  });
});

test('what was interrupted keeps what was done by then, and leads to nothing but looking again', () => {
  const interrupted = moved(interrupt(7, 'the worker was stopped', NOW), done).next;

  expect(interrupted).toMatchObject({ state: 'interrupted', deeds: [{ line: 'restarted' }] });
  expect(moved(lookedAgain('U0KATE', OBSERVED_GONE, NOW), interrupted)).toMatchObject({
    next: { state: 'fixed' },
    entry: { kind: 'outcome', outcome: 'fixed', who: ['U0KATE'] },
  });
  expect(moved(lookedAgain('U0KATE', OBSERVATION, NOW), interrupted).next).toMatchObject({
    state: 'interrupted',
    because: 'the worker was stopped',
  });
});

/** From which states each leads on, for who holds the token; from all others it must not. */
const LEADS_ON: readonly (readonly [string, Decide, readonly string[]])[] = [
  ['beginning', begin(7, OBSERVATION, POLICY, LEASE_MS, NOW), ['approved']],
  ['a deed', did(7, 'x', LEASE_MS, NOW), ['applying']],
  ['being applied', applied(7, LEASE_MS, NOW), ['applying']],
  ['settling', settle(7, OBSERVED_GONE, undefined, NOW), ['settling']],
  ['failing', fail(7, 'x', OBSERVATION, NOW), ['applying']],
  ['interrupting', interrupt(7, 'x', NOW), ['applying']],
  ['time', timeOut(NOW, POLICY), ['planning', 'planned', 'approved', 'applying', 'settling']],
  ['looking again', lookedAgain('U0KATE', OBSERVED_GONE, NOW), ['unverified', 'failed', 'interrupted']],
];

test.each(LEADS_ON)('%s leads on from nowhere but where it should', (_, decide, from) => {
  expect(STATES.filter((state) => typeof decide({ ...applying, state }) !== 'string')).toEqual(from);
});
