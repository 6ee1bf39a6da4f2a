import { expect, test } from 'vitest';
import { recordFromJson, recordToJson, type RemediationRecord } from './record.ts';

const FIXED: RemediationRecord = {
  id: 'm0123456789abcdef',
  runId: 'r1',
  check: 'etcd/doppler',
  environment: 'prod',
  args: {},
  asked: {
    by: 'U0ADA',
    teamId: 'T0',
    channelId: 'C0OPS',
    as: '/etcd doppler',
    at: '2026-11-20T14:00:00.000Z',
  },
  remediation: 'restart',
  title: 'Restart doppler/0',
  about: 'Restarts one instance',
  risk: 'disruptive',
  params: {},
  finding: { reason: 'missing', target: 'doppler/0', summary: 'doppler/0 is missing' },
  state: 'fixed',
  approvals: [],
  steps: [{ at: '2026-11-20T14:03:00.000Z', line: 'restarted doppler/0' }],
};

test('the steps are stored under their name of 0.2, and read back', () => {
  const json = recordToJson(FIXED);
  const stored = JSON.parse(json) as Record<string, unknown>;

  expect(stored).toHaveProperty('deeds', FIXED.steps);
  expect(stored).not.toHaveProperty('steps');
  expect(recordFromJson(json)).toEqual(FIXED);
});

test.each(['{}', '{"deeds":[]}', '[]', 'null'])('rejects %s, which is not a record', (json) => {
  expect(() => recordFromJson(json)).toThrow('invalid_type');
});
