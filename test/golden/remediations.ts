import { planHashOf, remediationIdOf, type RemediationRecord } from '../../src/store/remediation/record.ts';

/** A remediation in each state: the restart of a doppler that runs but lost its key in etcd. */

const params = { instance: 'doppler_z2/0', job: 'doppler' };
const target = 'doppler_z2/0';
const plan = {
  lines: [
    'Restart the job doppler of doppler_z2/0 through the director bosh (deployment cf), one instance, without touching its disk',
    'Wait until monit says that it is running and its key is back under /healthstatus/doppler in etcd',
  ],
  targets: ['bosh:cf/doppler_z2/0', 'bosh:cf/doppler_z2/0/doppler'],
  precondition: { pid: '4711', 'etcd index': '8812' },
  impact: 'Stops 1 of 3 dopplers until it has restarted; 2 others are registered',
  safety: ['At least one other doppler is registered in etcd'],
  untilVerified: ['It should register within 5 s of starting.'],
};
const named = { check: 'etcd/doppler', environment: 'prod', remediation: 'restart', params };
const before = {
  at: '2026-11-20T14:03:07.000Z',
  finding: 'found' as const,
  verdict: '1 of 3 dopplers is running but not registered',
  measures: [
    { label: 'doppler_z2', value: 0, unit: 'registered' },
    { label: 'metron_agent', value: 0, of: 12, unit: 'running' },
  ],
  gaps: [],
  reasons: ['doppler-not-registered'],
};
const whole = [
  { label: 'doppler_z2', value: 1, unit: 'registered' },
  { label: 'metron_agent', value: 12, of: 12, unit: 'running' },
];

export const offered: RemediationRecord = {
  ...named,
  id: remediationIdOf('run-7f3a2c91', 'doppler-not-registered', target, 'restart', { params }),
  runId: 'run-7f3a2c91',
  args: {},
  asked: {
    by: 'U0123ADA',
    teamId: 'T0123DEMO',
    channelId: 'C0123INCIDENT',
    as: '/etcd doppler',
    at: '2026-11-20T14:03:00.000Z',
  },
  title: 'Restart doppler_z2/0',
  about: 'Restarts the job of one instance',
  risk: 'disruptive',
  finding: {
    reason: 'doppler-not-registered',
    target,
    summary: 'doppler_z2/0 is running but not registered; the other two are',
  },
  state: 'offered',
  until: '2026-11-20T16:03:00.000Z',
  approvals: [],
  steps: [],
  before,
};

const { until: _, ...taken } = offered;
const asked = { ...taken, requested: { by: 'U0123ADA', at: '2026-11-20T14:04:10.000Z' } };

export const planning: RemediationRecord = { ...asked, state: 'planning' };

export const planned: RemediationRecord = {
  ...asked,
  state: 'planned',
  plan,
  planHash: planHashOf(named, plan),
  approvalsNeeded: 1,
  until: '2026-11-20T14:34:12.000Z',
};

const { until: __, ...shown } = planned;
const agreed = { ...shown, approvals: [{ by: 'U0123GRACE', at: '2026-11-20T14:05:02.000Z' }] };
const steps = [
  { at: '2026-11-20T14:05:04.000Z', line: 'Task 4182: restart of doppler_z2/0 started' },
  { at: '2026-11-20T14:05:21.000Z', line: 'Task 4182 is done: doppler_z2/0 is running' },
];

export const approved: RemediationRecord = { ...agreed, state: 'approved' };
export const applying: RemediationRecord = { ...agreed, state: 'applying', token: 7, steps: steps.slice(0, 1) };
export const settling: RemediationRecord = { ...agreed, state: 'settling', token: 7, steps };

export const settlingSlowly: RemediationRecord = {
  ...settling,
  settling: {
    until: '2026-11-20T14:06:51.000Z',
    everySeconds: 5,
    observed: {
      ...before,
      at: '2026-11-20T14:05:31.200Z',
      measures: [whole[0]!, { label: 'metron_agent', value: 7, of: 12, unit: 'running' }],
      finding: 'gone',
      reasons: [],
      verdict: 'All 3 dopplers are running and registered',
    },
  },
};

export const fixed: RemediationRecord = {
  ...settling,
  state: 'fixed',
  endedAt: '2026-11-20T14:05:32.400Z',
  after: {
    at: '2026-11-20T14:05:32.000Z',
    finding: 'gone',
    verdict: 'All 3 dopplers are running and registered',
    measures: whole,
    gaps: [],
    reasons: [],
  },
};

export const unverified: RemediationRecord = {
  ...settling,
  state: 'unverified',
  endedAt: '2026-11-20T14:07:21.000Z',
  because: 'still not verified after 120 s',
  after: { ...before, at: '2026-11-20T14:07:20.000Z' },
};

export const failed: RemediationRecord = {
  ...settling,
  state: 'failed',
  steps: steps.slice(0, 1),
  endedAt: '2026-11-20T14:05:40.000Z',
  because: "task 4182 ended in error: 'doppler_z2/0 (i-07)' is not running after update",
};

const batches = Array.from({ length: 10 }, (_, at) => ({
  at: `2026-11-20T14:${String(6 + at).padStart(2, '0')}:00.000Z`,
  line: `Batch ${at + 31}: archived 1,000 rows; ${at + 31},000 so far`,
}));
const inBatches: RemediationRecord = {
  ...agreed,
  state: 'applying',
  token: 7,
  risk: 'destructive',
  title: 'Archive rows of nova.instances',
  finding: { reason: 'records-deleted', target: 'nova.instances', summary: '61,240 rows are marked as deleted' },
  plan: {
    lines: ['Run nova-manage db archive_deleted_rows for rows deleted before 2025-11-20, 1,000 at a time'],
    targets: ['nova:instances'],
    precondition: { newest: '2025-11-19' },
    impact: 'Moves up to 61,240 rows to shadow tables',
    irreversible: ['Rows are not moved back.'],
  },
  steps: batches,
  earlierSteps: 30,
  pausable: true,
};

export const applyingInBatches: RemediationRecord = inBatches;
const pause = { by: 'U0123GRACE', at: '2026-11-20T14:15:10.000Z' };
export const pausing: RemediationRecord = { ...inBatches, pause };
export const paused: RemediationRecord = {
  ...inBatches,
  state: 'paused',
  pause,
  endedAt: '2026-11-20T14:15:40.000Z',
};

export const interrupted: RemediationRecord = {
  ...settling,
  state: 'interrupted',
  steps: steps.slice(0, 1),
  endedAt: '2026-11-20T14:06:10.000Z',
  because: 'the worker was lost while it applied the plan',
};

export const rejected: RemediationRecord = {
  ...shown,
  state: 'rejected',
  endedAt: '2026-11-20T14:05:02.000Z',
  rejected: { by: 'U0123GRACE', at: '2026-11-20T14:05:02.000Z' },
};

export const expired: RemediationRecord = { ...shown, state: 'expired', endedAt: '2026-11-20T14:34:12.000Z' };

export const skipped: RemediationRecord = {
  ...agreed,
  state: 'skipped',
  endedAt: '2026-11-20T14:05:03.000Z',
  because: 'the finding is gone: all 3 dopplers are running and registered',
};

export const refused: RemediationRecord = {
  ...asked,
  state: 'refused',
  endedAt: '2026-11-20T14:04:12.000Z',
  because: 'the deployment cf is locked by task 4180 (update deployment)',
};

export const mitigated: RemediationRecord = {
  ...settling,
  state: 'mitigated',
  mitigates: true,
  title: 'Cordon node-b',
  finding: { reason: 'disk-nearly-full', target: 'node-b', summary: 'node-b: 8 % of the disk is free' },
  endedAt: '2026-11-20T14:05:32.400Z',
  after: {
    at: '2026-11-20T14:05:32.000Z',
    finding: 'found',
    verdict: 'node-b: 8 % of the disk is free',
    measures: [{ label: 'node-b', value: 0, unit: 'schedulable' }],
    gaps: [],
    reasons: ['disk-nearly-full'],
  },
  before: { ...before, measures: [{ label: 'node-b', value: 1, unit: 'schedulable' }] },
};

const certificates = Array.from(
  { length: 13 },
  (_, at) => `vault:secret/cf/diego-cell-${at}/tls:certificate`,
);
const finding = {
  reason: 'certificate-expiring',
  target: 'CN=cf-internal-ca',
  targets: certificates,
  summary: '13 certificates of cf-internal-ca expire in 4 days',
};
const renewAll = { check: 'certs/expiring', remediation: 'renew', title: 'Renew all 13', risk: 'safe' } as const;

export const plannedForMany: RemediationRecord = {
  ...planned,
  ...renewAll,
  finding,
  approvalsNeeded: 0,
  plan: {
    lines: certificates.slice(1).map((_, at) => `Renew cell-${at + 1} in secret/cf/diego-cell-${at + 1}/tls`),
    targets: ['vault:secret/cf/ca:certificate', ...certificates.slice(1)],
    precondition: {},
    parts: certificates.slice(1).map((certificate, at) => ({
      target: certificate,
      line: `Renew cell-${at + 1} in secret/cf/diego-cell-${at + 1}/tls`,
      precondition: { fingerprint: `${at}`.padStart(64, 'c') },
    })),
    leftOut: [{ target: certificates[0] ?? '', because: 'no private key next to it' }],
    impact: 'Writes new versions of 13 secrets in vault; deploys nothing',
    afterwards: ['Deploy what uses these 12 certificates.'],
  },
};

const containers = [1, 2, 3].map((at) => `builders:build-2/job-${at}`);

/** Irreversible, for three targets, with one of two approvals. */
export const plannedDestructive: RemediationRecord = {
  ...planned,
  check: 'node/leftovers',
  remediation: 'remove-containers',
  title: 'Remove 3 containers (2.4 GB)',
  risk: 'destructive',
  finding: {
    reason: 'leftover-containers',
    target: 'builders:build-2',
    targets: containers,
    summary: '3 stopped containers without an owner have written 2.4 GB',
  },
  approvalsNeeded: 2,
  approvals: [{ by: 'U0123GRACE', at: '2026-11-20T14:05:02.000Z' }],
  plan: {
    impact: 'Deletes 3 stopped containers (2.4 GB); keeps their volumes',
    irreversible: ['Everything that was written outside of volumes is lost.'],
    safety: ['Not running, and no volume is used by another container'],
    lines: containers.map(
      (_, at) => `Remove job-${at + 1} (0123456789ab), image base:209, finished 2026-11-17 12:00 UTC: 812 MB (812,345,678 bytes)`,
    ),
    targets: containers,
    precondition: {},
    bytes: 2_437_037_034,
    parts: containers.map((container, at) => ({
      target: container,
      line: `Remove job-${at + 1} (0123456789ab), image base:209, finished 2026-11-17 12:00 UTC: 812 MB (812,345,678 bytes)`,
      precondition: { id: `${at}`.padStart(64, 'c') },
      safety: ['Not running, and no volume is used by another container'],
    })),
    untilVerified: ['Wrench waits up to 30 seconds for a new measurement.'],
  },
};

/** A safe fix, which the click that requested it confirmed. */
export const fixedSafe: RemediationRecord = {
  ...fixed,
  ...renewAll,
  title: 'Renew bbs/locket/tls',
  finding: {
    reason: 'certificate-expired',
    target: 'vault:secret/cf/bbs/locket/tls',
    summary: 'The certificate of bbs.service.cf.internal has expired',
  },
  approvals: [{ by: 'U0123ADA', at: '2026-11-20T14:04:10.000Z' }],
  plan: {
    impact: 'Writes a new version of secret/cf/bbs/locket/tls in vault; deploys nothing',
    lines: ['Issue a new certificate for bbs.service.cf.internal in secret/cf/bbs/locket/tls'],
    targets: ['vault:secret/cf/bbs/locket/tls:certificate'],
    precondition: { fingerprint: 'c'.repeat(64) },
    afterwards: ['Deploy what uses secret/cf/bbs/locket/tls, then check with `/certs show secret/cf/bbs/locket/tls`.'],
  },
  steps: [{ at: '2026-11-20T14:04:12.000Z', line: 'bbs.service.cf.internal renewed in secret/cf/bbs/locket/tls until 2027-11-20' }],
  endedAt: '2026-11-20T14:04:14.000Z',
  before: { ...before, measures: [] },
  after: {
    at: '2026-11-20T14:04:14.000Z',
    finding: 'gone',
    verdict: 'All 41 certificates are valid for more than 30 days',
    measures: [],
    gaps: [],
    reasons: [],
  },
};

export const applyingForMany: RemediationRecord = {
  ...plannedForMany,
  state: 'applying',
  token: 7,
  steps: [1, 2].map((at) => ({ at: '2026-11-20T14:05:04.000Z', line: `cell-${at} renewed until 2027-11-20` })),
};

export const settlingForMany: RemediationRecord = {
  ...applyingForMany,
  state: 'settling',
  settling: {
    until: '2026-11-20T14:05:34.000Z',
    everySeconds: 5,
    observed: {
      ...before,
      at: '2026-11-20T14:05:20.000Z',
      verdict: '5 of 41 certificates expire in 4 days',
      measures: [],
      targets: certificates.slice(0, 5),
    },
  },
};

export const unverifiedForMany: RemediationRecord = {
  ...unverified,
  ...renewAll,
  finding,
  plan: plannedForMany.plan!,
  because: '30 s after the last step: 1 of 41 certificates expires in 4 days',
  after: {
    ...before,
    verdict: '1 of 41 certificates expires in 4 days',
    measures: [],
    targets: certificates.slice(0, 1),
  },
  steps: certificates
    .slice(1)
    .map((_, at) => ({ at: '2026-11-20T14:05:04.000Z', line: `cell-${at + 1} renewed until 2027-11-20` })),
};
