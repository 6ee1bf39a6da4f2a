import { expect, test } from 'vitest';
import { POLICY } from '../../../test/world/remediation.ts';
import { tooManyLines } from './policy.ts';

const remove = { check: 'node/leftovers', remediation: 'remove' };

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
