import { describe, expect, test } from 'vitest';
import {
  anOffer,
  OBSERVED_GONE,
  hashOf,
  OBSERVATION,
  PLAN,
  POLICY,
} from '../../../../test/world/remediation.ts';
import { countSteps, type Observation, type RemediationRecord, REMEDIATION_STATES } from '../record.ts';
import {
  finishExecution,
  startExecution,
  unlessExpired,
  recordSettling,
  recordStep,
  failExecution,
  interruptExecution,
  pauseExecution,
  requestPause,
  recordRecheck,
  recordVerification,
  endOverdue,
} from './execution.ts';
import { type Change, denialOf, isoTime, isRefused, type Transition } from './common.ts';

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

function changeBy(transition: Transition, before: RemediationRecord, nowMs = NOW): Change {
  const change = transition(before, nowMs);
  if (isRefused(change)) throw new Error(denialOf(change).because);
  return change;
}

const applying = changeBy(startExecution(7, OBSERVATION, POLICY, LEASE_MS), approved).next;
const done = changeBy(recordStep(7, 'restarted', LEASE_MS), applying).next;
const settling = changeBy(finishExecution(7, LEASE_MS), done).next;

test('Redis refuses to start after the approval has expired, while frozen, and beyond the caps', () => {
  expect(startExecution(7, OBSERVATION, POLICY, LEASE_MS)(approved, NOW)).toMatchObject({
    notAfter: approved.until,
    unlessFrozen: true,
    caps: { perHour: 20, perRun: 20 },
    next: { state: 'applying', token: 7 },
  });
});

test('an expired approval ends as expired, regardless of other decisions', () => {
  const start = unlessExpired(POLICY, startExecution(7, OBSERVATION, POLICY, LEASE_MS));
  const untilMs = Date.parse(approved.until ?? '');

  expect(changeBy(start, approved, untilMs)).toMatchObject({ next: { state: 'applying' } });
  expect(changeBy(start, approved, untilMs + 1)).toMatchObject({
    onlyIfOverdue: true,
    next: { state: 'expired' },
  });
  // The deadline of a later state is a lease.
  expect(start({ ...approved, state: 'applying' }, untilMs + 1)).toBe("it's being applied");
});

test('a remediation that was disabled after its approval does not start', () => {
  const off = { ...POLICY, off: ['etcd/doppler:restart'] };

  expect(startExecution(7, OBSERVATION, off, LEASE_MS)(approved, NOW)).toMatch(/`remediations.off` lists/);
});

test('what a fix waits for is recorded without an audit entry, keeps its locks, and ends with it', () => {
  const verified = changeBy(finishExecution(7, LEASE_MS, { withinSeconds: 90, everySeconds: 5 }), done).next;
  const until = isoTime(NOW + 90_000);
  expect(verified.settling).toEqual({ until, everySeconds: 5 });
  const report = { isWhole: true, findings: [], more: 0 };
  const tick = recordSettling(7, { ...OBSERVATION, report }, LEASE_MS);

  const change = changeBy(tick, verified, NOW + 5_000);
  expect(change).toEqual({
    next: {
      ...verified,
      until: isoTime(NOW + 5_000 + LEASE_MS),
      settling: { until, everySeconds: 5, observed: { ...OBSERVATION, at: isoTime(NOW + 5_000) } },
    },
    lockTargetsForMs: LEASE_MS * 2,
  });
  const ended = changeBy(recordVerification(7, OBSERVED_GONE, undefined), change.next);
  expect(ended.next).not.toHaveProperty('settling');
  expect(isRefused(tick(ended.next, NOW))).toBe(true);
  expect(isRefused(tick({ ...verified, token: 8 }, NOW))).toBe(true);
  expect(isRefused(tick(applying, NOW))).toBe(true);
  // Its worker is older: there is nothing to count down.
  expect(changeBy(tick, settling).next).not.toHaveProperty('settling');
});

test('a remediation is fixed only if the finding is gone afterwards', () => {
  expect(changeBy(recordVerification(7, OBSERVED_GONE, undefined), settling)).toMatchObject({
    next: { state: 'fixed', steps: [{ line: 'restarted' }] },
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
      changeBy(recordVerification(7, { ...OBSERVED_GONE, finding }, 'still there'), settling).next.state,
    ).toBe('unverified');
});

test('a mitigation is never fixed: it is mitigated once its measure proves it, and otherwise unverified', () => {
  const mitigation: RemediationRecord = { ...settling, mitigates: true };
  const stateAfter = (after: Observation) =>
    changeBy(recordVerification(7, after, undefined), mitigation).next.state;

  expect(stateAfter({ ...OBSERVATION, isMitigated: true })).toBe('mitigated');
  expect(stateAfter(OBSERVATION)).toBe('unverified');
  expect(stateAfter(OBSERVED_GONE)).toBe('unverified');
  const interrupted = { ...mitigation, state: 'interrupted' as const };
  const recheck = recordRecheck('U0KATE', { ...OBSERVATION, isMitigated: true });
  expect(changeBy(recheck, interrupted)).toMatchObject({
    next: { state: 'mitigated' },
    entry: { outcome: 'mitigated' },
  });
});

test.each<[string, Transition]>([
  ['records a step', recordStep(6, 'x', LEASE_MS)],
  ['finishes the execution', finishExecution(6, LEASE_MS)],
  ['fails the execution', failExecution(6, 'x', undefined)],
  ['interrupts the execution', interruptExecution(6, 'x')],
])('a worker with an older fencing token no longer %s', (_, transition) => {
  expect(transition(applying, NOW)).toBe("this worker has lost its lease; it's being applied");
});

test('a worker with an older fencing token does not record the verification either', () => {
  expect(recordVerification(6, OBSERVED_GONE, undefined)(settling, NOW)).toBe(
    "this worker has lost its lease; it's being verified",
  );
});

test.each<[RemediationRecord['state'], RemediationRecord['state'], string]>([
  ['planning', 'expired', 'no worker made a plan in time'],
  ['planned', 'expired', 'no one approved it in time'],
  ['approved', 'expired', 'no worker applied it before the approval expired'],
  ['applying', 'interrupted', 'the worker was lost while it was applying the plan'],
  ['settling', 'unverified', 'the worker was lost before it could verify the fix'],
])('%s becomes %s when it times out by the clock of Redis', (state, end, because) => {
  const change = changeBy(endOverdue(POLICY), { ...done, state, shownAt: OBSERVATION.at });

  expect(change).toMatchObject({ onlyIfOverdue: true, next: { state: end, because }, entry: { because } });
  expect(change.next).not.toHaveProperty('until');
  expect(change).not.toHaveProperty('lockTargetsForMs');
});

test('a plan that is not posted yet gets more time, and is withdrawn after a day', () => {
  const planned = {
    ...approved,
    state: 'planned' as const,
    requested: { by: 'U0ADA', at: isoTime(NOW - 3_600_000) },
  };

  const change = changeBy(endOverdue(POLICY), planned);

  expect(change).toMatchObject({ onlyIfOverdue: true, next: { state: 'planned' } });
  expect(Date.parse(change.next.until ?? '') - NOW).toBe(POLICY.approveWithinMinutes * 60_000);
  expect(change.entry).toBeUndefined();
  const aDayLater = changeBy(endOverdue(POLICY), planned, NOW + 86_400_000);
  expect(aDayLater).toMatchObject({
    next: { state: 'refused', because: "its plan couldn't be posted for a day" },
    entry: { kind: 'refused' },
  });
});

test('an interrupted remediation keeps its steps, and can only be rechecked', () => {
  const interrupted = changeBy(interruptExecution(7, 'the worker was stopped'), done).next;

  expect(interrupted).toMatchObject({ state: 'interrupted', steps: [{ line: 'restarted' }] });
  expect(changeBy(recordRecheck('U0KATE', OBSERVED_GONE), interrupted)).toMatchObject({
    next: { state: 'fixed' },
    entry: { kind: 'outcome', outcome: 'fixed', who: ['U0KATE'] },
  });
  expect(changeBy(recordRecheck('U0KATE', OBSERVATION), interrupted).next).toMatchObject({
    state: 'interrupted',
    because: 'the worker was stopped',
  });
});

/** The states from which each transition is possible, with the right fencing token. */
const ALLOWED_STATES: readonly (readonly [string, Transition, readonly string[]])[] = [
  ['starting', startExecution(7, OBSERVATION, POLICY, LEASE_MS), ['approved']],
  ['recording a step', recordStep(7, 'x', LEASE_MS), ['applying']],
  ['finishing', finishExecution(7, LEASE_MS), ['applying']],
  ['verifying', recordVerification(7, OBSERVED_GONE, undefined), ['settling']],
  ['failing', failExecution(7, 'x', OBSERVATION), ['applying']],
  ['interrupting', interruptExecution(7, 'x'), ['applying']],
  ['timing out', endOverdue(POLICY), ['planning', 'planned', 'approved', 'applying', 'settling']],
  ['rechecking', recordRecheck('U0KATE', OBSERVED_GONE), ['unverified', 'failed', 'interrupted']],
];

test.each(ALLOWED_STATES)('%s is possible only from these states', (_, transition, from) => {
  expect(
    REMEDIATION_STATES.filter((state) => typeof transition({ ...applying, state }, NOW) !== 'string'),
  ).toEqual(from);
});

describe('pausing', () => {
  const start = startExecution(7, OBSERVATION, POLICY, LEASE_MS, { pausable: true });
  const pausable = changeBy(recordStep(7, 'batch 1', LEASE_MS), changeBy(start, approved).next).next;
  const pausing = changeBy(requestPause('U0KATE'), pausable).next;

  test('a request to pause is audited and leaves the lease to the worker', () => {
    const change = changeBy(requestPause('U0KATE'), pausable);

    expect(change).toMatchObject({
      next: { state: 'applying', pause: { by: 'U0KATE' }, until: pausable.until, token: 7 },
      entry: { kind: 'pausing', who: ['U0KATE'] },
      keepsLease: true,
    });
  });

  test('only a fix that is being applied and can be paused is paused, once', () => {
    expect(requestPause('U0KATE')(applying, NOW)).toBe("it can't be paused");
    expect(requestPause('U0KATE')(settling, NOW)).toBe("it's being verified");
    expect(requestPause('U0ADA')(pausing, NOW)).toMatch(/already be paused/);
  });

  test('only the worker with the current token ends it as paused, with its steps in the audit', () => {
    expect(changeBy(pauseExecution(7), pausing)).toMatchObject({
      next: { state: 'paused', endedAt: isoTime(NOW) },
      entry: { kind: 'outcome', outcome: 'paused', deeds: ['batch 1'] },
    });
    expect(pauseExecution(6)(pausing, NOW)).toMatch(/lost its lease/);
  });

  test('if its worker is lost while pausing, it is unknown what was applied', () => {
    expect(changeBy(endOverdue(POLICY), pausing, NOW + 2 * LEASE_MS).next.state).toBe('interrupted');
  });

  test('of many steps it keeps the last few and the number of the others, which the audit has too', () => {
    let record = pausable;
    for (let batch = 2; batch <= 612; batch++)
      record = changeBy(recordStep(7, `batch ${batch}`, LEASE_MS), record).next;

    expect(record.steps.map(({ line }) => line)).toEqual(
      Array.from({ length: 10 }, (_, at) => `batch ${603 + at}`),
    );
    expect(countSteps(record)).toBe(612);
    expect(changeBy(pauseExecution(7), record).entry?.deeds).toEqual([
      '602 earlier steps',
      ...record.steps.map(({ line }) => line),
    ]);
  });

  test('a fix that cannot be paused keeps all steps', () => {
    let record = applying;
    for (let at = 0; at < 30; at++) record = changeBy(recordStep(7, `step ${at}`, LEASE_MS), record).next;

    expect(record.steps).toHaveLength(30);
  });
});
