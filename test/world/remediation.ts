import type { Plan } from '../../src/check/define-remediation.ts';
import type { Policy } from '../../src/store/remediation/policy.ts';
import {
  type Observation,
  planHashOf,
  type RemediationRecord,
  remediationIdOf,
} from '../../src/store/remediation/record.ts';

/** One remediation for tests of its lifecycle: the restart of a doppler. */

export const OBSERVATION: Observation = {
  at: '2026-11-20T14:03:07.000Z',
  finding: 'found',
  reasons: ['not-registered'],
  verdict: '1 of 3 dopplers is not registered',
  measures: [],
  gaps: [],
};

export const OBSERVED_GONE: Observation = {
  ...OBSERVATION,
  finding: 'gone',
  reasons: [],
  verdict: '3 of 3 dopplers are registered',
};

export const PLAN: Plan = {
  lines: ['Restart doppler_z2/0'],
  targets: ['bosh:cf/doppler_z2/0'],
  precondition: { pid: '4711' },
};

export const POLICY: Policy = {
  destructive: [],
  off: [],
  approvals: { disruptive: 1, destructive: 2 },
  approveWithinMinutes: 15,
  applyWithinSeconds: 120,
  perRun: 20,
  perHour: 20,
  lines: {},
  requireReason: false,
  membershipSeconds: 300,
  notify: 'mention',
  remind: { alsoNotify: [] },
  roles: { requester: ['U0ADA'], approver: ['U0GRACE', 'U0KATE'], auditor: [] },
};

/** An offer with changes. Another `runId` or target makes a different one. */
export function anOffer(changed: Partial<RemediationRecord> = {}): RemediationRecord {
  const {
    runId = 'r1',
    finding = { reason: 'not-registered', target: 'doppler_z2/0', summary: 'It is not.' },
  } = changed;
  return {
    id: remediationIdOf(runId, finding.reason, finding.target, 'restart', {}),
    runId,
    check: 'etcd/doppler',
    environment: 'prod',
    args: {},
    asked: {
      by: 'U0ADA',
      teamId: 'T0DEMO',
      channelId: 'C0INCIDENT',
      as: '/etcd doppler',
      at: '2026-11-20T14:03:00.000Z',
    },
    remediation: 'restart',
    title: `Restart ${finding.target}`,
    about: 'Restarts the job of one instance',
    risk: 'disruptive',
    params: {},
    finding,
    state: 'offered',
    approvals: [],
    steps: [],
    ...changed,
  };
}

/** The hash on its card once it has that plan. */
export function hashOf(remediation: RemediationRecord, plan: Plan = PLAN): string {
  return planHashOf(remediation, plan);
}
