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
import { denialOf, isRefused, type Transition } from './common.ts';
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
function after(transition: Transition, before: RemediationRecord, nowMs = NOW): RemediationRecord {
  const change = transition(before, nowMs);
  if (isRefused(change)) throw new Error(denialOf(change).because);
  return change.next;
}

const asked = after(requestPlan('U0ADA', POLICY), anOffer());
const planned = after(recordPlan(PLAN, OBSERVATION, POLICY), asked);
const HASH = hashOf(planned);
const approvedOnce = after(approve('U0GRACE', HASH, POLICY), planned);

test('from an offer to an approved plan: requested by one person, approved by another', () => {
  expect(asked).toMatchObject({ state: 'planning', requested: { by: 'U0ADA' } });
  expect(planned).toMatchObject({ state: 'planned', planHash: HASH, approvalsNeeded: 1 });
  expect(approvedOnce).toMatchObject({ state: 'approved', approvals: [{ by: 'U0GRACE' }] });
});

test.each<[string, Transition, RemediationRecord, RegExp]>([
  [
    'requested a second time',
    requestPlan('U0KATE', POLICY),
    asked,
    /already requested by <@U0ADA>; its plan isn't ready yet/,
  ],
  [
    'requested when the report is too old',
    requestPlan('U0ADA', POLICY),
    anOffer({ until: OVER }),
    /report is too old/,
  ],
  [
    'requested although the configuration disables it',
    requestPlan('U0ADA', { ...POLICY, off: ['etcd/doppler:restart'] }),
    anOffer(),
    /`remediations.off` lists/,
  ],
  [
    'requested if it is destructive and not enabled by name',
    requestPlan('U0ADA', POLICY),
    anOffer({ risk: 'destructive' }),
    /destructive, and disabled unless/,
  ],
  [
    'requested if no one can approve it',
    requestPlan('U0ADA', { ...POLICY, roles: { ...POLICY.roles, approver: [] } }),
    anOffer(),
    /no one can approve it/,
  ],
  ['planned a second time', recordPlan(PLAN, OBSERVATION, POLICY), planned, /it's waiting for approval/],
  [
    'approved by its requester',
    approve('U0ADA', HASH, POLICY),
    planned,
    /people can't approve their own request; someone else must/,
  ],
  ['approved a second time', approve('U0KATE', HASH, POLICY), approvedOnce, /it's already approved/],
  [
    'approved on a card of another plan',
    approve('U0GRACE', hashOf(planned, { ...PLAN, lines: ['x'] }), POLICY),
    planned,
    /this card shows a different plan/,
  ],
  [
    'approved without a plan hash',
    approve('U0GRACE', '', POLICY),
    planned,
    /this card shows a different plan/,
  ],
  ['approved too late', approve('U0GRACE', HASH, POLICY), { ...planned, until: OVER }, /it has expired/],
  ['approved before there is a plan', approve('U0GRACE', HASH, POLICY), asked, /its plan isn't ready yet/],
  [
    'approved after the configuration disabled it',
    approve('U0GRACE', HASH, { ...POLICY, off: ['etcd/doppler:restart'] }),
    planned,
    /`remediations.off` lists/,
  ],
  [
    'approved by its request although it is not safe',
    approveSafe(POLICY),
    planned,
    /it's waiting for approval/,
  ],
  [
    'rejected on a card of another plan',
    reject('U0KATE', 'f'.repeat(64)),
    planned,
    /this card shows a different plan/,
  ],
  ['rejected too late', reject('U0KATE', HASH), { ...planned, until: OVER }, /it has expired/],
  [
    'approved after it was rejected',
    approve('U0GRACE', HASH, POLICY),
    after(reject('U0KATE', HASH), planned),
    /it was rejected/,
  ],
  [
    'rejected after it was rejected',
    reject('U0GRACE', HASH),
    after(reject('U0KATE', HASH), planned),
    /it was rejected/,
  ],
])('a remediation is not %s', (_, transition, before, because) => {
  const result = transition(before, NOW);

  expect(isRefused(result) && denialOf(result).because).toMatch(because);
});

test('everyone with a role may reject, before and after approval, including the requester', () => {
  expect(after(reject('U0ADA', HASH), planned)).toMatchObject({
    state: 'rejected',
    rejected: { by: 'U0ADA' },
  });
  expect(after(reject('U0KATE', HASH), approvedOnce)).toMatchObject({
    state: 'rejected',
    rejected: { by: 'U0KATE' },
  });
});

test('a destructive remediation needs two other people; two approvals of one person are not enough', () => {
  const policy: Policy = { ...POLICY, destructive: ['etcd/doppler:restart'] };
  const both = after(
    recordPlan(PLAN, OBSERVATION, policy),
    after(requestPlan('U0ADA', policy), anOffer({ risk: 'destructive' })),
  );
  const one = after(approve('U0GRACE', HASH, policy), both);

  expect(one).toMatchObject({ state: 'planned', approvals: [{ by: 'U0GRACE' }], until: both.until });
  expect(approve('U0GRACE', HASH, policy)(one, NOW)).toEqual({
    because: 'this person already approved it',
    toPerson: 'you already approved it',
  });
  expect(approve('U0ADA', HASH, policy)(one, NOW)).toEqual({
    because: "people can't approve their own request; someone else must",
    toPerson: "you can't approve your own request; someone else must",
  });
  expect(after(approve('U0KATE', HASH, policy), one)).toMatchObject({ state: 'approved' });
});

test('a safe remediation is approved by the click that requested it', () => {
  const safe = after(
    recordPlan(PLAN, OBSERVATION, POLICY),
    after(requestPlan('U0ADA', POLICY), anOffer({ risk: 'safe' })),
  );

  expect(after(approveSafe(POLICY), safe)).toMatchObject({
    state: 'approved',
    approvals: [{ by: 'U0ADA' }],
  });
});

test('Redis refuses to request and to approve while frozen, and to approve after the deadline', () => {
  expect(requestPlan('U0ADA', POLICY)(anOffer(), NOW)).toMatchObject({ unlessFrozen: true });
  expect(approve('U0GRACE', HASH, POLICY)(planned, NOW)).toMatchObject({
    unlessFrozen: true,
    notAfter: planned.until,
  });
});

test('a rejection unlocks the targets, an approval keeps them locked', () => {
  expect(reject('U0KATE', HASH)(planned, NOW)).not.toHaveProperty('lockTargetsForMs');
  expect(approve('U0GRACE', HASH, POLICY)(planned, NOW)).toHaveProperty('lockTargetsForMs', 120_000);
});

test('each transition has its own kind of audit entry, with the people and the plan', () => {
  expect(requestPlan('U0ADA', POLICY)(anOffer(), NOW)).toMatchObject({
    entry: { kind: 'asked', who: ['U0ADA'] },
  });
  expect(recordPlan(PLAN, OBSERVATION, POLICY)(asked, NOW)).toMatchObject({
    entry: { kind: 'planned', planHash: HASH, targets: PLAN.targets },
  });
  expect(approve('U0GRACE', HASH, POLICY)(planned, NOW)).toMatchObject({
    entry: { kind: 'approved', who: ['U0GRACE'], planHash: HASH },
  });
  expect(reject('U0KATE', HASH)(planned, NOW)).toMatchObject({
    entry: { kind: 'rejected', who: ['U0KATE'] },
  });
  expect(skipRemediation('it is gone', OBSERVED_GONE)(approvedOnce, NOW)).toMatchObject({
    entry: { kind: 'skipped', who: ['U0ADA', 'U0GRACE'], because: 'it is gone' },
  });
});

/** The states from which each transition is possible if everything else is valid. */
const ALLOWED_STATES: readonly (readonly [string, Transition, readonly string[]])[] = [
  ['requesting', requestPlan('U0KATE', POLICY), ['offered']],
  ['planning', recordPlan(PLAN, OBSERVATION, POLICY), ['planning']],
  ['approving', approve('U0GRACE', HASH, POLICY), ['planned']],
  ['rejecting', reject('U0GRACE', HASH), ['planned', 'approved']],
  ['refusing', refuseRemediation('no'), ['planning', 'planned', 'approved']],
  ['skipping', skipRemediation('no'), ['planning', 'planned', 'approved']],
];

test.each(ALLOWED_STATES)('%s is possible only from these states', (_, transition, from) => {
  const allowed = REMEDIATION_STATES.filter(
    (state) => typeof transition({ ...planned, state, until: LATER }, NOW) !== 'string',
  );

  expect(allowed).toEqual(from);
});

test('the time for approval starts when the plan is posted, if posting took long', () => {
  const wholeMs = POLICY.approveWithinMinutes * 60_000;
  const until = (nowMs: number) => Date.parse(after(markPlanShown(POLICY), planned, nowMs).until ?? '');

  expect(until(NOW + 1_000)).toBe(NOW + wholeMs);
  expect(until(NOW + wholeMs / 2)).toBe(NOW + wholeMs * 1.5);
  expect(markPlanShown(POLICY)(after(markPlanShown(POLICY), planned), NOW)).toBe(
    'its plan was already posted',
  );
  expect(markPlanShown(POLICY)(asked, NOW)).toBe("its plan isn't ready yet");
});

test('an approved plan counts as posted, even if the bot has not recorded that yet', () => {
  const until = new Date(NOW + 60_000).toISOString();
  const waiting = { ...planned, until };
  const posted = { ...waiting, shownAt: new Date(NOW - 1_000).toISOString() };

  expect(after(approve('U0GRACE', HASH, POLICY), waiting).shownAt).toBe(new Date(NOW).toISOString());
  expect(after(approve('U0GRACE', HASH, POLICY), posted).shownAt).toBe(posted.shownAt);
});

test('a plan that cannot be posted is withdrawn, and one that was posted is not', () => {
  expect(after(withdrawPlan('not_in_channel'), planned)).toMatchObject({
    state: 'refused',
    because: 'not_in_channel',
  });
  expect(withdrawPlan('not_in_channel')(after(markPlanShown(POLICY), planned), NOW)).toBe(
    "it's waiting for approval",
  );
  expect(withdrawPlan('not_in_channel')(approvedOnce, NOW)).toBe("it's already approved");
});

test('if a reason is required, no one requests or approves without one, and it is in the vote and the audit', () => {
  const policy = { ...POLICY, requireReason: true };

  expect(requestPlan('U0ADA', policy)(anOffer(), NOW)).toBe('a reason is required');
  expect(approve('U0GRACE', HASH, policy)(planned, NOW)).toBe('a reason is required');
  const given = [
    requestPlan('U0ADA', policy, 'INC-42')(anOffer(), NOW),
    approve('U0GRACE', HASH, policy, 'seen by the network team')(planned, NOW),
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
  expect(given[1]).not.toHaveProperty('entry.confirmed');
});

test('a safe remediation is approved with the reason of its request', () => {
  const policy = { ...POLICY, requireReason: true };
  const safe = after(requestPlan('U0ADA', policy, 'INC-42'), anOffer({ risk: 'safe' }));
  const ready = after(recordPlan(PLAN, OBSERVATION, policy), safe);

  expect(approveSafe(policy)(ready, NOW)).toMatchObject({
    next: { approvals: [{ by: 'U0ADA', reason: 'INC-42' }] },
    entry: { kind: 'approved', because: 'INC-42', confirmed: true },
  });
});
