import { expect, test } from 'vitest';
import { POLICY } from '../../../test/world/remediation.ts';
import { disabledReason, remediationsSchema, reminderLeadMs, tooManyLines } from './policy.ts';

const remove = { check: 'node/leftovers', remediation: 'remove' };

test.each([
  [{}, 5],
  [{ approveWithinMinutes: 60 }, 20],
  [{ remind: { beforeMinutes: 2, alsoNotify: [] } }, 2],
  [{ remind: { beforeMinutes: 0, alsoNotify: [] } }, 0],
  [{ notify: 'direct' as const }, 5],
  [{ notify: 'none' as const }, 0],
])('with %o, approvers are reminded %d minutes before a plan expires', (changed, minutes) => {
  expect(reminderLeadMs({ ...POLICY, ...changed })).toBe(minutes * 60_000);
});

test('a reminder must come after its plan, and notifies ids, not names', () => {
  const problemsOf = (remind: object) =>
    remediationsSchema
      .safeParse({ remind })
      .error?.issues.map(({ path, message }) => [path.join('.'), message]);

  expect(problemsOf({ beforeMinutes: 14.9, alsoNotify: ['S0123LEADS', 'U0123ADA'] })).toBeUndefined();
  expect(problemsOf({ beforeMinutes: 15 })).toEqual([
    ['remind.beforeMinutes', 'must be less than `remediations.approveWithinMinutes`'],
  ]);
  expect(problemsOf({ alsoNotify: ['@leads'] })).toEqual([
    ['remind.alsoNotify.0', expect.stringContaining('must be the id of a person')],
  ]);
});

test.each([
  ['safe', 'D0123ADA', undefined],
  ['disruptive', 'D0123ADA', /no one else sees direct messages; run the check in a channel$/],
  ['disruptive', 'C0123INCIDENT', undefined],
  ['disruptive', 'G0123GROUP', undefined],
] as const)('a %s fix in the conversation %s is disabled: %s', (risk, channelId, words) => {
  const because = disabledReason(POLICY, { ...remove, risk, asked: { channelId } });

  expect(because ?? 'enabled').toMatch(words ?? /^enabled$/);
});

test('a plan within both caps may be applied', () => {
  expect(tooManyLines({ ...POLICY, perRun: 20, perHour: 30 }, remove, 20)).toBeUndefined();
});

test.each([
  [{ perRun: 20, perHour: 30 }, 'perRun', 20],
  [{ perRun: 20, perHour: 20 }, 'perRun', 20],
  [{ perRun: 40, perHour: 30 }, 'perHour', 30],
])('a plan above the lower cap of %o names the setting, and how to raise it', (caps, setting, cap) => {
  expect(tooManyLines({ ...POLICY, ...caps }, remove, 31)).toBe(
    `the plan has 31 lines, but \`remediations.${setting}\` allows ${cap}: raise it, or set a cap for \`node/leftovers:remove\` in \`remediations.lines\``,
  );
});

test('a separate cap replaces both, whether it is higher or lower', () => {
  const high = { ...POLICY, lines: { 'node/leftovers:remove': 500 } };
  const low = { ...POLICY, lines: { 'node/leftovers:remove': 2 } };

  expect(tooManyLines(high, remove, 500)).toBeUndefined();
  expect(tooManyLines(high, remove, 501)).toBe(
    'the plan has 501 lines, but `remediations.lines` allows 500 for `node/leftovers:remove`',
  );
  expect(tooManyLines(low, remove, 3)).toContain('`remediations.lines` allows 2');
  expect(tooManyLines(low, { check: 'etcd/doppler', remediation: 'restart' }, 3)).toBeUndefined();
});
