import { expect, test } from 'vitest';
import {
  anOffer,
  OBSERVED_GONE,
  hashOf,
  OBSERVATION,
  PLAN,
  POLICY,
} from '../../../../test/world/remediation.ts';
import type { Policy } from '../policy.ts';
import { type RemediationRecord, REMEDIATION_STATES } from '../record.ts';
import type { Transition } from '../remediation-store.ts';
import {
  approve,
  approveSafe,
  recordPlan,
  refuseRemediation,
  reject,
  requestPlan,
  markPlanShown,
  skipRemediation,
  withdrawPlan,
} from './approval.ts';

const NOW = Date.UTC(2026, 10, 20, 14, 4);
const LATER = new Date(NOW + 60_000).toISOString();
const OVER = new Date(NOW - 1).toISOString();

/** What it becomes. */
function after(transition: Transition, before: RemediationRecord): RemediationRecord {
  const change = transition(before);
  if (typeof change === 'string') throw new Error(change);
  return change.next;
}

const asked = after(requestPlan('U0ADA', POLICY, NOW), anOffer());
const planned = after(recordPlan(PLAN, OBSERVATION, POLICY, NOW), asked);
const HASH = hashOf(planned);
const approvedOnce = after(approve('U0GRACE', HASH, POLICY, NOW), planned);

test('from an offer to an approved plan: requested by one person, approved by another', () => {
  expect(asked).toMatchObject({ state: 'planning', requested: { by: 'U0ADA' } });
  expect(planned).toMatchObject({ state: 'planned', planHash: HASH, approvalsNeeded: 1 });
  expect(approvedOnce).toMatchObject({ state: 'approved', approvals: [{ by: 'U0GRACE' }] });
});

test.each<[string, Transition, RemediationRecord, RegExp]>([
  [
    'requested a second time',
    requestPlan('U0KATE', POLICY, NOW),
    asked,
    /asked for already by <@U0ADA>, and is planning/,
  ],
  [
    'requested when the report is too old',
    requestPlan('U0ADA', POLICY, NOW),
    anOffer({ until: OVER }),
    /too old to act upon/,
  ],
  [
    'requested although the configuration disables it',
    requestPlan('U0ADA', { ...POLICY, off: ['etcd/doppler:restart'] }, NOW),
    anOffer(),
    /`remediations.off` names/,
  ],
  [
    'requested if it is destructive and not enabled by name',
    requestPlan('U0ADA', POLICY, NOW),
    anOffer({ risk: 'destructive' }),
    /destructive, and off until/,
  ],
  [
    'requested if nobody can approve it',
    requestPlan('U0ADA', { ...POLICY, roles: { ...POLICY.roles, approver: [] } }, NOW),
    anOffer(),
    /nobody may approve it/,
  ],
  ['planned a second time', recordPlan(PLAN, OBSERVATION, POLICY, NOW), planned, /it is planned/],
  [
    'approved by its requester',
    approve('U0ADA', HASH, POLICY, NOW),
    planned,
    /somebody else must approve it/,
  ],
  ['approved a second time', approve('U0KATE', HASH, POLICY, NOW), approvedOnce, /it is approved already/],
  [
    'approved on a card of another plan',
    approve('U0GRACE', hashOf(planned, { ...PLAN, lines: ['x'] }), POLICY, NOW),
    planned,
    /not the one on this card/,
  ],
  ['approved without a plan hash', approve('U0GRACE', '', POLICY, NOW), planned, /not the one on this card/],
  [
    'approved too late',
    approve('U0GRACE', HASH, POLICY, NOW),
    { ...planned, until: OVER },
    /its time is over/,
  ],
  ['approved before there is a plan', approve('U0GRACE', HASH, POLICY, NOW), asked, /it is planning/],
  [
    'approved after the configuration disabled it',
    approve('U0GRACE', HASH, { ...POLICY, off: ['etcd/doppler:restart'] }, NOW),
    planned,
    /`remediations.off` names/,
  ],
  ['approved by its request although it is not safe', approveSafe(POLICY, NOW), planned, /it is planned/],
  [
    'rejected on a card of another plan',
    reject('U0KATE', 'f'.repeat(64), NOW),
    planned,
    /not the one on this card/,
  ],
  ['rejected too late', reject('U0KATE', HASH, NOW), { ...planned, until: OVER }, /its time is over/],
  [
    'approved after it was rejected',
    approve('U0GRACE', HASH, POLICY, NOW),
    after(reject('U0KATE', HASH, NOW), planned),
    /it is rejected/,
  ],
  [
    'rejected after it was rejected',
    reject('U0GRACE', HASH, NOW),
    after(reject('U0KATE', HASH, NOW), planned),
    /it is rejected/,
  ],
])('a remediation is not %s', (_, transition, before, because) => {
  expect(transition(before)).toMatch(because);
});

test('everybody with a role may reject, before and after approval, including the requester', () => {
  expect(after(reject('U0ADA', HASH, NOW), planned)).toMatchObject({
    state: 'rejected',
    rejected: { by: 'U0ADA' },
  });
  expect(after(reject('U0KATE', HASH, NOW), approvedOnce)).toMatchObject({
    state: 'rejected',
    rejected: { by: 'U0KATE' },
  });
});

test('a destructive remediation needs two other people; two approvals of one person are not enough', () => {
  const policy: Policy = { ...POLICY, destructive: ['etcd/doppler:restart'] };
  const both = after(
    recordPlan(PLAN, OBSERVATION, policy, NOW),
    after(requestPlan('U0ADA', policy, NOW), anOffer({ risk: 'destructive' })),
  );
  const one = after(approve('U0GRACE', HASH, policy, NOW), both);

  expect(one).toMatchObject({ state: 'planned', approvals: [{ by: 'U0GRACE' }], until: both.until });
  expect(approve('U0GRACE', HASH, policy, NOW)(one)).toBe('you have approved it already');
  expect(approve('U0ADA', HASH, policy, NOW)(one)).toMatch(/somebody else/);
  expect(after(approve('U0KATE', HASH, policy, NOW), one)).toMatchObject({ state: 'approved' });
});

test('a safe remediation is approved by the click that requested it', () => {
  const safe = after(
    recordPlan(PLAN, OBSERVATION, POLICY, NOW),
    after(requestPlan('U0ADA', POLICY, NOW), anOffer({ risk: 'safe' })),
  );

  expect(after(approveSafe(POLICY, NOW), safe)).toMatchObject({
    state: 'approved',
    approvals: [{ by: 'U0ADA' }],
  });
});

test('Redis refuses to request and to approve while frozen, and to approve after the time for it', () => {
  expect(requestPlan('U0ADA', POLICY, NOW)(anOffer())).toMatchObject({ unlessFrozen: true });
  expect(approve('U0GRACE', HASH, POLICY, NOW)(planned)).toMatchObject({
    unlessFrozen: true,
    notAfter: planned.until,
  });
});

test('a rejection unlocks the targets, an approval keeps them locked', () => {
  expect(reject('U0KATE', HASH, NOW)(planned)).not.toHaveProperty('lockTargetsForMs');
  expect(approve('U0GRACE', HASH, POLICY, NOW)(planned)).toHaveProperty('lockTargetsForMs', 120_000);
});

test('each transition has its own kind of audit entry, with the people and the plan', () => {
  expect(requestPlan('U0ADA', POLICY, NOW)(anOffer())).toMatchObject({
    entry: { kind: 'asked', who: ['U0ADA'] },
  });
  expect(recordPlan(PLAN, OBSERVATION, POLICY, NOW)(asked)).toMatchObject({
    entry: { kind: 'planned', planHash: HASH, targets: PLAN.targets },
  });
  expect(approve('U0GRACE', HASH, POLICY, NOW)(planned)).toMatchObject({
    entry: { kind: 'approved', who: ['U0GRACE'], planHash: HASH },
  });
  expect(reject('U0KATE', HASH, NOW)(planned)).toMatchObject({
    entry: { kind: 'rejected', who: ['U0KATE'] },
  });
  expect(skipRemediation('it is gone', NOW, OBSERVED_GONE)(approvedOnce)).toMatchObject({
    entry: { kind: 'skipped', who: ['U0ADA', 'U0GRACE'], because: 'it is gone' },
  });
});

/** The states from which each transition is possible if everything else is valid. */
const ALLOWED_STATES: readonly (readonly [string, Transition, readonly string[]])[] = [
  ['requesting', requestPlan('U0KATE', POLICY, NOW), ['offered']],
  ['planning', recordPlan(PLAN, OBSERVATION, POLICY, NOW), ['planning']],
  ['approving', approve('U0GRACE', HASH, POLICY, NOW), ['planned']],
  ['rejecting', reject('U0GRACE', HASH, NOW), ['planned', 'approved']],
  ['refusing', refuseRemediation('no', NOW), ['planning', 'planned', 'approved']],
  ['skipping', skipRemediation('no', NOW), ['planning', 'planned', 'approved']],
];

test.each(ALLOWED_STATES)('%s is possible from these states only', (_, transition, from) => {
  const allowed = REMEDIATION_STATES.filter(
    (state) => typeof transition({ ...planned, state, until: LATER }) !== 'string',
  );

  expect(allowed).toEqual(from);
});

test('the time for approval starts when the plan is posted, if posting took long', () => {
  const wholeMs = POLICY.approveWithinMinutes * 60_000;
  const until = (nowMs: number) => Date.parse(after(markPlanShown(POLICY, nowMs), planned).until ?? '');

  expect(until(NOW + 1_000)).toBe(NOW + wholeMs);
  expect(until(NOW + wholeMs / 2)).toBe(NOW + wholeMs * 1.5);
  expect(markPlanShown(POLICY, NOW)(after(markPlanShown(POLICY, NOW), planned))).toBe(
    'its plan was posted already',
  );
  expect(markPlanShown(POLICY, NOW)(asked)).toBe('it is planning');
});

test('a plan that cannot be posted is withdrawn, and one that was posted is not', () => {
  expect(after(withdrawPlan('not_in_channel', NOW), planned)).toMatchObject({
    state: 'refused',
    because: 'not_in_channel',
  });
  expect(withdrawPlan('not_in_channel', NOW)(after(markPlanShown(POLICY, NOW), planned))).toBe(
    'it is planned',
  );
  expect(withdrawPlan('not_in_channel', NOW)(approvedOnce)).toBe('it is approved');
});

test('if a reason is required, nobody requests or approves without one, and it is in the vote and the audit', () => {
  const policy = { ...POLICY, requireReason: true };

  expect(requestPlan('U0ADA', policy, NOW)(anOffer())).toBe('a reason is required');
  expect(approve('U0GRACE', HASH, policy, NOW)(planned)).toBe('a reason is required');
  const given = [
    requestPlan('U0ADA', policy, NOW, 'INC-42')(anOffer()),
    approve('U0GRACE', HASH, policy, NOW, 'seen by the network team')(planned),
  ];
  expect(given).toEqual([
    expect.objectContaining({
      next: expect.objectContaining({
        requested: expect.objectContaining({ by: 'U0ADA', reason: 'INC-42' }),
      }),
      entry: expect.objectContaining({ kind: 'asked', because: 'INC-42' }),
    }),
    expect.objectContaining({
      next: expect.objectContaining({
        approvals: [expect.objectContaining({ by: 'U0GRACE', reason: 'seen by the network team' })],
      }),
      entry: expect.objectContaining({ kind: 'approved', because: 'seen by the network team' }),
    }),
  ]);
});

test('a safe remediation is approved with the reason of its request', () => {
  const policy = { ...POLICY, requireReason: true };
  const safe = after(requestPlan('U0ADA', policy, NOW, 'INC-42'), anOffer({ risk: 'safe' }));
  const ready = after(recordPlan(PLAN, OBSERVATION, policy, NOW), safe);

  expect(approveSafe(policy, NOW)(ready)).toMatchObject({
    next: { approvals: [{ by: 'U0ADA', reason: 'INC-42' }] },
    entry: { kind: 'approved', because: 'INC-42' },
  });
});
