import { expect, test } from 'vitest';
import { planDrift } from './plan-drift.ts';

const approved = {
  lines: ['Restart doppler_z2/0'],
  precondition: { pid: '812' },
  impact: 'Stops 1 of 3 dopplers',
  safety: ['2 other dopplers are registered', 'The quorum is 2 of 3'],
};

test('a plan that is made again without a change has not drifted', () => {
  expect(planDrift(approved, { ...approved, precondition: { ...approved.precondition } })).toBeUndefined();
});

test('facts that the approved plan of an older version lacks are no drift', () => {
  const { safety: _, ...old } = approved;
  expect(planDrift(old, approved)).toBeUndefined();
});

test.each([
  [
    'a fact that approvers relied on',
    { safety: ['1 other doppler is registered', 'The quorum is 2 of 3'], lines: ['Another'] },
    'no longer true: 2 other dopplers are registered (now: 1 other doppler is registered)',
  ],
  [
    'facts that are gone',
    { safety: [] },
    'no longer true: 2 other dopplers are registered; The quorum is 2 of 3',
  ],
  ['the target', { precondition: { pid: '1043' } }, 'it has changed since the plan was approved (pid)'],
  ['the steps', { lines: ['Restart', 'Wait'] }, 'its plan has changed: Restart; Wait'],
  ['a new fact', { safety: [...approved.safety, 'New'] }, 'its plan has changed: New'],
  ['the impact', { impact: 'Stops all dopplers' }, 'its impact has changed: Stops all dopplers'],
])('says that %s changed', (_, changed, because) => {
  expect(planDrift(approved, { ...approved, ...changed })).toBe(because);
});
