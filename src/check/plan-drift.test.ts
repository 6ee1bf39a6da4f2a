import { expect, test } from 'vitest';
import { planDrift } from './plan-drift.ts';

const approved = {
  lines: ['Restart doppler_z2/0'],
  targets: ['bosh:cf/doppler_z2/0'],
  precondition: { pid: '812' },
  impact: 'Stops 1 of 3 dopplers; 1 other is registered',
  irreversible: ['Its buffer is lost'],
  safety: ['At least one other doppler is registered', 'Its etcd has a quorum'],
  untilVerified: ['It should register within 5 s'],
  details: { scope: 'instance' },
};

test('a plan that is made again without a change has not drifted', () => {
  expect(planDrift(approved, structuredClone(approved))).toBeUndefined();
});

test.each([
  ['more stays up', { impact: 'Stops 1 of 3 dopplers; 2 others are registered' }],
  ['another condition holds too', { safety: ['All dopplers have a disk', ...approved.safety] }],
  ['less is lost', { irreversible: [] }],
  ['people have less to do', { untilVerified: [], afterwards: [] }],
  ['it takes longer to prove', { settlesWithinSeconds: 265 }],
])('a plan does the same if %s', (_, changed) => {
  expect(planDrift(approved, { ...approved, ...changed })).toBeUndefined();
});

test.each([
  [
    'a condition that approvers relied on',
    {
      safety: ['Its etcd has a quorum'],
      impact: 'Stops 1 of 3 dopplers; no other is registered',
      lines: ['Another'],
    },
    'no longer true: At least one other doppler is registered (now: Stops 1 of 3 dopplers; no other is registered)',
  ],
  [
    'all conditions',
    { safety: [] },
    'no longer true: At least one other doppler is registered; Its etcd has a quorum',
  ],
  [
    'the target',
    { precondition: { pid: '1043' } },
    'it has changed since the plan was approved (pid: 812 -> 1043)',
  ],
  ['the steps', { lines: ['Restart', 'Wait'] }, 'its plan has changed: Restart; Wait'],
  ['what is changed', { targets: [...approved.targets, 'bosh:cf/etcd/0'] }, 'its plan has changed'],
  ['how it is applied', { details: { scope: 'process' } }, 'its plan has changed'],
  ['how much is affected', { bytes: 12 }, 'its plan has changed'],
  [
    'what is lost',
    { irreversible: [...approved.irreversible, 'Its disk is deleted'] },
    "this can't be undone either: Its disk is deleted",
  ],
])('says that %s changed', (_, changed, because) => {
  expect(planDrift(approved, { ...approved, ...changed })).toBe(because);
});
