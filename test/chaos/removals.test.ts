import { expect, test } from 'vitest';
import { planHashOf, type RemediationRecord } from '../../src/store/remediation/record.ts';
import { APPROVER, ASKER, click, FIXED, ID, iso, record, START_MS, violated } from './clean-evidence.ts';
import type { Removal } from './engines.ts';
import type { AuditRecord, Evidence } from './evidence.ts';
import type { FixEvent } from './fix-log.ts';
import { APPROVERS } from './people.ts';
import { removalsAsFixes } from './removals-as-fixes.ts';

/** Each invariant of removals must hold for a clean run, and report a violation. */

const [, , , SECOND = ''] = APPROVERS;
const FINISHED = '2026-01-04T08:00:00.000000001Z';
const NAMES = ['happy_curie_0', 'happy_curie_1'];
const idOf = (at: number) => String(at).padStart(64, '0');
const PARTS = NAMES.map((name, at) => ({
  target: `lab-0/${name}`,
  line: `Remove ${name}`,
  precondition: { id: idOf(at), state: 'exited', finished: FINISHED },
}));
const PLAN: RemediationRecord['plan'] = {
  lines: PARTS.map(({ line }) => line),
  targets: PARTS.map(({ target }) => target),
  precondition: {},
  parts: PARTS,
};
const { params: _, ...OF_MANY } = FIXED;
const WHAT = {
  ...OF_MANY,
  check: 'node/leftovers',
  remediation: 'remove-containers',
  each: PARTS.map(({ target }, at) => ({ target, params: { id: idOf(at) } })),
};
const HASH = planHashOf(WHAT, PLAN);
const STEPS = NAMES.map((name) => `${name} removed`);
const RECORD: RemediationRecord = {
  ...WHAT,
  title: 'Remove 2 containers',
  risk: 'destructive',
  approvalsNeeded: 2,
  finding: {
    reason: 'stopped-containers',
    target: 'lab-0',
    targets: PARTS.map(({ target }) => target),
    summary: '2 containers have stopped',
  },
  plan: PLAN,
  planHash: HASH,
  steps: STEPS.map((line, at) => ({ at: iso(4_600 + at * 400), line })),
};

const step = (afterMs: number, kind: AuditRecord['entry']['kind'], who: string, more = {}) =>
  record(afterMs, kind, who, { planHash: HASH, ...more });
const LIFE: readonly AuditRecord[] = [
  step(1_000, 'asked', ASKER),
  step(2_000, 'planned', ASKER),
  step(3_000, 'approved', APPROVER),
  step(3_500, 'approved', SECOND),
  step(4_000, 'applying', ASKER),
  step(5_500, 'applied', ASKER, { deeds: STEPS }),
  step(6_000, 'outcome', ASKER, { outcome: 'fixed', deeds: STEPS }),
];

/** Each line takes 400 ms: it is checked, started, passed to Wrench, inspected, and removed. */
const lineMs = (at: number) => START_MS + 4_100 + at * 400;
const begun = (at: number, afterMs: number): FixEvent => ({
  remediationId: ID,
  line: at + 1,
  action: 'remove',
  thing: `lab-0/${NAMES[at]}`,
  version: FINISHED,
  checkedAtMs: lineMs(at),
  atMs: lineMs(at) + afterMs,
  pid: 1,
});
const END = { state: 'exited', finishedAt: FINISHED };
const removal = (at: number, more: Partial<Removal> = {}): Removal => ({
  thing: `lab-0/${NAMES[at]}`,
  name: NAMES[at] ?? '',
  id: idOf(at),
  atMs: lineMs(at) + 300,
  isRemoved: true,
  was: END,
  inspected: { ...END, atMs: lineMs(at) + 250 },
  ...more,
});
const STARTED = [begun(0, 50), begun(1, 50)];

const removing = (removals: readonly Removal[], changed: Partial<Evidence> = {}): readonly string[] =>
  violated({
    remediations: [RECORD],
    entries: LIFE,
    started: STARTED,
    removing: [begun(0, 200), begun(1, 200)],
    removals,
    applied: removalsAsFixes(removals, STARTED),
    clicks: [
      click(ASKER, 'request', ID),
      ...[APPROVER, SECOND].map((userId) => click(userId, 'approve', `${ID} ${HASH}`)),
    ],
    ...changed,
  });

test('a clean removal of two containers violates no invariant', () => {
  expect(removing([removal(0), removal(1)])).toEqual([]);
});

test.each([
  ['without a started removal', { thing: 'lab-0/web_0', name: 'web_0' }],
  ['that has another id than in the plan', { id: idOf(9) }],
  ['before it was approved', { atMs: START_MS + 3_200 }],
])('reports the removal of a container %s', (_name, changed) => {
  expect(removing([removal(0), removal(1), removal(1, changed)])).toContain(
    'removals not in an approved plan',
  );
});

test('reports a removal that only one person approved', () => {
  const entries = LIFE.filter(({ entry }) => entry.kind !== 'approved' || entry.who[0] !== SECOND);
  expect(removing([removal(0), removal(1)], { entries })).toEqual(
    expect.arrayContaining(['fixes without a valid approval', 'removals not in an approved plan']),
  );
});

test('reports the removal of a container that ran, or that was last inspected as running or as ended again', () => {
  const changed = ['removals of changed containers'];
  const running = { state: 'running', finishedAt: FINISHED };
  const inspected = { ...END, atMs: lineMs(1) + 250 };
  expect(removing([removal(0), removal(1, { was: running })])).toEqual(changed);
  expect(removing([removal(0), removal(1, { inspected: { ...inspected, state: 'running' } })])).toEqual(
    changed,
  );
  const again = { ...inspected, finishedAt: iso(0) };
  expect(removing([removal(0), removal(1, { inspected: again })])).toEqual(changed);
});

test('accepts the removal of a container that ended again after its last inspection', () => {
  expect(removing([removal(0), removal(1, { was: { ...END, finishedAt: iso(4_790) } })])).toEqual([]);
});

test('reports a container that was not inspected right before its removal', () => {
  const { inspected: _never, ...unseen } = removal(1);
  const early = removal(1, { inspected: { ...END, atMs: lineMs(1) } });
  expect(removing([removal(0), unseen])).toEqual(['removals without a final inspection']);
  expect(removing([removal(0), early])).toEqual(['removals without a final inspection']);
});

test('reports a removal that was sent again', () => {
  const again = removal(1, { isRemoved: false, atMs: lineMs(1) + 310 });
  expect(removing([removal(0), removal(1), again])).toEqual(['removals requested twice']);
});

test('reports a request that changes anything else', () => {
  const otherRequests = ['lab-0: POST /v1.47/containers/prune'];
  expect(removing([removal(0), removal(1)], { otherRequests })).toEqual(['other changes to engines']);
});
