import type { AuditEvent } from '../../src/store/audit/entry.ts';
import { FINAL_STATES, planHashOf, type RemediationRecord } from '../../src/store/remediation/record.ts';
import type { Evidence, AuditRecord } from './evidence.ts';
import type { FixEvent } from './fix-log.ts';
import { checkInvariants } from './invariants.ts';
import type { Post } from './posts.ts';
import { APPROVERS, APPROVER_GROUP, REQUESTERS } from './people.ts';

/** A run without violations in which one fix was requested, approved and applied. */

export const [ASKER = ''] = REQUESTERS;
export const [, , APPROVER = ''] = APPROVERS;
export const ID = 'm0123456789abcdef';
const PLAN: RemediationRecord['plan'] = {
  lines: ['Mend pump-0-1'],
  targets: ['lab:pump-0-1'],
  precondition: { version: '0.0' },
};
const PLANNED = {
  check: 'lab/things',
  environment: 'prod',
  remediation: 'mend',
  params: { thing: 'pump-0-1' },
};
const HASH = planHashOf(PLANNED, PLAN);
export const VALUE = `${ID} ${HASH}`;
export const CHANNEL = 'C0CHAOS0';
export const START_MS = Date.parse('2026-01-05T08:00:00.000Z');
export const iso = (afterMs: number) => new Date(START_MS + afterMs).toISOString();

export const record = (
  afterMs: number,
  kind: AuditEvent['kind'],
  who: string,
  more: Partial<AuditEvent> = {},
): AuditRecord => ({
  atMs: START_MS + afterMs,
  entry: {
    kind,
    at: iso(afterMs),
    who: [who],
    what: 'Mend pump-0-1',
    remediation: ID,
    planHash: HASH,
    ...more,
  },
});

export const LIFE: readonly AuditRecord[] = [
  record(1_000, 'asked', ASKER),
  record(2_000, 'planned', ASKER),
  record(3_000, 'approved', APPROVER),
  record(4_000, 'applying', ASKER),
  record(5_000, 'applied', ASKER, { deeds: ['mended pump-0-1'] }),
  record(6_000, 'outcome', ASKER, { outcome: 'fixed', deeds: ['mended pump-0-1'] }),
];

export const FIXED: RemediationRecord = {
  id: ID,
  runId: 'r0123456789abcdef',
  ...PLANNED,
  args: {},
  asked: { by: ASKER, teamId: 'T0123DEMO', channelId: CHANNEL, as: '/lab things', at: iso(0) },
  title: 'Mend pump-0-1',
  about: 'Mends one thing',
  risk: 'disruptive',
  finding: { reason: 'thing-broken', target: 'lab:pump-0-1', summary: 'pump-0-1 is broken' },
  state: 'fixed',
  requested: { by: ASKER, at: iso(1_000) },
  plan: PLAN,
  planHash: HASH,
  shownAt: iso(2_000),
  approvalsNeeded: 1,
  approvals: [{ by: APPROVER, at: iso(3_000) }],
  steps: [{ at: iso(4_500), line: 'mended pump-0-1' }],
};

export const click = (userId: string, button: 'request' | 'approve', value: string) => ({
  userId,
  channelId: CHANNEL,
  button,
  value,
  deliveries: 1,
  atMs: START_MS,
  isForged: false,
  isAcknowledged: true,
});

export const FIX: FixEvent = {
  remediationId: ID,
  line: 1,
  action: 'mend',
  thing: 'pump-0-1',
  version: '0.0',
  atMs: START_MS + 4_500,
  pid: 1,
};

const post = (part: string, ts: string, text: string): Post => ({
  runId: FIXED.runId,
  part,
  fence: 1,
  channel: CHANNEL,
  ts,
  threadTs: '1.0',
  text,
  isLost: false,
});

/** For a remediation that ends in any of these states. */
const POSTED = [
  post(
    `card-${ID}`,
    '1.000010',
    `<!subteam^${APPROVER_GROUP}>: <@${ASKER}> asks you to approve: Mend pump-0-1 in prod`,
  ),
  ...[...FINAL_STATES].map((state, at) =>
    post(`outcome-${ID}-${state}`, `1.00000${at}`, `:x: ${state.toUpperCase()} · Mend pump-0-1`),
  ),
];

export const CLEAN: Evidence = {
  remediations: [FIXED],
  entries: LIFE,
  chain: { kind: 'intact', entries: LIFE.length },
  applied: [FIX],
  started: [FIX],
  failed: [],
  removing: [],
  removals: [],
  otherRequests: [],
  disturbances: [],
  locks: [],
  cards: [{ word: 'FIXED', id: ID }],
  cardEdits: [],
  buttons: [],
  clicks: [click(ASKER, 'request', ID), click(APPROVER, 'approve', VALUE)],
  notTaken: [],
  shown: { posts: POSTED, messages: [] },
  crashes: [],
  counted: {},
  faults: { workerKills: 0, redisKills: 0, malformed: 0, freezes: [], leftAtMs: undefined },
  limits: {
    approveWithinSeconds: 30,
    applyWithinSeconds: 10,
    membershipSeconds: 20,
    takeOverSeconds: 3,
    perRun: 4,
    perHour: 8,
    lines: { 'lab/things:shield': 3 },
  },
  idleAfterMs: 0,
};

/** The violated invariants. */
export const violated = (changed: Partial<Evidence>) =>
  checkInvariants({ ...CLEAN, ...changed })
    .filter(({ cases }) => cases.length > 0)
    .map(({ what }) => what);
