import { expect, test } from 'vitest';
import { planHashOf, type RemediationRecord } from '../../src/store/remediation/record.ts';
import {
  APPROVER,
  ASKER,
  CLEAN,
  click,
  FIXED,
  ID,
  iso,
  record,
  START_MS,
  violated,
} from './clean-evidence.ts';
import type { AuditRecord, Evidence } from './evidence.ts';
import type { FixEvent, InjectedDisturbance } from './fix-log.ts';

/** Each invariant of plans for many targets must hold for a clean run, and report a violation. */

const THINGS = ['valve-1-0', 'valve-1-1', 'valve-1-2'];
const PARTS = THINGS.map((thing) => ({
  target: `lab:${thing}`,
  line: `Mend ${thing}`,
  precondition: { version: '0.0' },
}));
const PLAN: RemediationRecord['plan'] = {
  lines: PARTS.map(({ line }) => line),
  targets: PARTS.map(({ target }) => target),
  precondition: {},
  parts: PARTS,
};
const SKIPPED = 'Skipped lab:valve-1-1: valve-1-1 was removed';
const STEPS = ['mended valve-1-0', SKIPPED, 'mended valve-1-2'];

const { params: _, ...OF_MANY } = FIXED;
const EACH = THINGS.map((thing) => ({ target: `lab:${thing}`, params: { thing } }));
const HASH = planHashOf({ ...OF_MANY, each: EACH }, PLAN);
const RECORD: RemediationRecord = {
  ...OF_MANY,
  title: 'Mend all 3',
  each: EACH,
  finding: {
    reason: 'thing-broken',
    target: 'lab:rack-1',
    targets: PARTS.map(({ target }) => target),
    summary: '3 things of rack 1 are broken',
  },
  plan: PLAN,
  planHash: HASH,
  steps: STEPS.map((line, at) => ({ at: iso(4_400 + at * 200), line })),
};

/** The record of a remediation with these steps. */
const lifeOf = (steps: readonly string[], ...ends: readonly string[]): readonly AuditRecord[] => {
  const step = (afterMs: number, kind: AuditRecord['entry']['kind'], who: string, more = {}) =>
    record(afterMs, kind, who, { planHash: HASH, ...more });
  const deeds = steps.length > 0 ? { deeds: [...steps] } : {};
  return [
    step(1_000, 'asked', ASKER),
    step(2_000, 'planned', ASKER),
    step(3_000, 'approved', APPROVER),
    step(4_000, 'applying', ASKER),
    ...(ends.length === 0 ? [step(5_000, 'applied', ASKER, deeds)] : []),
    ...(ends.length === 0 ? ['fixed'] : ends).map((outcome, at) =>
      step(6_000 + at, 'outcome', ASKER, { outcome, ...deeds }),
    ),
  ];
};

const eventOf = (line: number, more: Partial<FixEvent> = {}): FixEvent => ({
  remediationId: ID,
  line,
  action: 'mend',
  thing: THINGS[line - 1] ?? '',
  version: '0.0',
  atMs: START_MS + 4_000 + line * 200,
  checkedAtMs: START_MS + 3_950 + line * 200,
  pid: 1,
  ...more,
});

const VANISHED: InjectedDisturbance = {
  thing: 'valve-1-1',
  kind: 'vanish',
  fromMs: START_MS + 3_500,
  untilMs: START_MS + 3_501,
};

const MANY: Evidence = {
  ...CLEAN,
  remediations: [RECORD],
  entries: lifeOf(STEPS),
  applied: [eventOf(1), eventOf(3)],
  started: [eventOf(1), eventOf(3)],
  disturbances: [VANISHED],
  clicks: [click(ASKER, 'request', ID), click(APPROVER, 'approve', `${ID} ${HASH}`)],
};

const inMany = (changed: Partial<Evidence>) => violated({ ...MANY, ...changed });
const recorded = (lines: readonly string[], state: RemediationRecord['state'] = 'fixed') => ({
  ...RECORD,
  state,
  steps: lines.map((line, at) => ({ at: iso(4_400 + at * 200), line })),
});
/** It was stopped after these steps. */
const stopped = (state: 'failed' | 'interrupted', word: string, steps: readonly string[]) => ({
  remediations: [recorded(steps, state)],
  entries: lifeOf(steps, state),
  cards: [{ word, id: ID }],
});
const both = (one: FixEvent, ...more: readonly FixEvent[]) => ({
  applied: [one, ...more],
  started: [one, ...more],
});

test('a clean plan for many targets violates no invariant', () => {
  expect(inMany({})).toEqual([]);
});

test('reports a target that was applied twice, by one plan or by two', () => {
  expect(inMany(both(eventOf(1), eventOf(1), eventOf(3)))).toContain('fixes applied twice');
  const byAnother = eventOf(1, { remediationId: 'm1' });
  expect(inMany(both(eventOf(1), byAnother, eventOf(3)))).toContain('fixes applied twice');
  const later = eventOf(1, { remediationId: 'm1', version: '0.1' });
  expect(inMany(both(eventOf(1), later, eventOf(3)))).not.toContain('fixes applied twice');
});

test('reports a line that is not in the plan, and a plan that is not the approved one', () => {
  expect(inMany(both(eventOf(1), eventOf(3, { thing: 'valve-1-9' })))).toContain(
    'lines that were not planned',
  );
  const plan = { ...PLAN, lines: ['Mend the whole rack'] };
  expect(inMany({ remediations: [{ ...RECORD, plan }] })).toEqual(['lines that were not planned']);
});

test('reports a line whose target was not planned again, had changed or had vanished', () => {
  const { checkedAtMs: _when, ...unchecked } = eventOf(3);
  const notChecked = ['lines that were not checked again'];
  expect(inMany(both(eventOf(1), unchecked))).toEqual(notChecked);
  expect(inMany(both(eventOf(1), eventOf(3, { version: '1.0' })))).toEqual(notChecked);
  expect(inMany({ disturbances: [VANISHED, { ...VANISHED, thing: 'valve-1-2' }] })).toEqual(notChecked);
});

test('reports a line that was checked before the line before it was applied', () => {
  const second = eventOf(2, { checkedAtMs: START_MS + 4_000 });
  expect(
    inMany({
      ...both(eventOf(1), second),
      ...stopped('failed', 'FAILED', ['mended valve-1-0', 'mended valve-1-1']),
    }),
  ).toEqual(['lines that were not checked again']);
});

test('reports a line that was started after another had failed', () => {
  const failed = eventOf(2);
  expect(inMany({ failed: [failed], started: [eventOf(1), failed, eventOf(3)] })).toContain(
    'lines after a failure',
  );
});

test('reports a line that was started after the lease was lost', () => {
  const late = eventOf(3, { atMs: START_MS + 6_500 });
  expect(inMany({ ...stopped('interrupted', 'INTERRUPTED', STEPS), ...both(eventOf(1), late) })).toEqual([
    'lines after the end of their fix',
  ]);
});

test('reports a line that was checked and started while everything was frozen', () => {
  const freeze = (fromMs: number, untilMs: number) => ({
    faults: {
      ...CLEAN.faults,
      freezes: [{ fromMs: START_MS + fromMs, untilMs: START_MS + untilMs }],
    },
  });
  expect(inMany(freeze(4_500, 4_700))).toEqual(['lines started while frozen']);
  // It may have been frozen only between the check and the start.
  expect(inMany(freeze(4_570, 4_700))).toEqual([]);
  expect(inMany(freeze(4_500, 4_590))).toEqual([]);
});

test('reports an applied line without its step, except the last line of a worker that was lost', () => {
  const steps = STEPS.slice(0, 2);
  expect(inMany(stopped('failed', 'FAILED', steps))).toEqual(['applied lines without a step']);
  expect(inMany(stopped('interrupted', 'INTERRUPTED', steps))).toEqual([]);
  expect(inMany(stopped('interrupted', 'INTERRUPTED', []))).toEqual(['applied lines without a step']);
});

test.each([
  ['was not applied', [...STEPS.slice(0, 2), 'mended valve-1-9']],
  ['is recorded twice', ['mended valve-1-0', 'mended valve-1-0', SKIPPED, 'mended valve-1-2']],
  ['comes too early', ['mended valve-1-2', SKIPPED, 'mended valve-1-0']],
  ['is missing at the end', ['mended valve-1-0', SKIPPED]],
])('reports a step that %s', (_name, steps) => {
  expect(inMany({ remediations: [recorded(steps)], entries: lifeOf(steps) })).toContain(
    'steps without an applied line',
  );
});

test('reports a skipped line that was started, has no reason, or whose target did not change', () => {
  const started = [eventOf(1), eventOf(2), eventOf(3)];
  expect(inMany({ started })).toContain('lines skipped wrongly');
  const steps = ['mended valve-1-0', 'Skipped lab:valve-1-1: ', 'mended valve-1-2'];
  expect(inMany({ remediations: [recorded(steps)], entries: lifeOf(steps) })).toContain(
    'lines skipped wrongly',
  );
  expect(inMany({ disturbances: [] })).toContain('lines skipped wrongly');
});

test('reports a fix that ended as fixed while one of its targets was still broken', () => {
  expect(inMany({ disturbances: [{ ...VANISHED, kind: 'change' }] })).toEqual(['fixed but still broken']);
});

test('reports a mitigation that ended as fixed, has no measure, or is not one', () => {
  const shield = { ...RECORD, remediation: 'shield', mitigates: true as const };
  const word = { cards: [{ word: 'MITIGATED', id: ID }] };
  const mitigated = { ...shield, state: 'mitigated' as const };
  expect(inMany({ remediations: [shield] })).toContain('mitigations without proof');
  expect(inMany({ remediations: [mitigated], ...word })).toContain('mitigations without proof');
  expect(inMany({ remediations: [{ ...RECORD, state: 'mitigated' }], ...word })).toContain(
    'mitigations without proof',
  );
});

test('reports more lines of one run or within an hour than the caps allow, and counts a separate cap separately', () => {
  const capped = (perRun: number, perHour: number, lines: Readonly<Record<string, number>> = {}) =>
    inMany({ limits: { ...CLEAN.limits, perRun, perHour, lines } });
  expect(capped(3, 3)).toEqual([]);
  expect(capped(2, 3)).toEqual(['lines beyond the caps']);
  expect(capped(3, 2)).toEqual(['lines beyond the caps']);
  expect(capped(3, 3, { 'lab/things:mend': 2 })).toEqual(['lines beyond the caps']);
  expect(capped(2, 2, { 'lab/things:mend': 3 })).toEqual([]);
});

test('reports a lock left on a target, and an audit without a recorded step', () => {
  expect(inMany({ locks: ['wrench:target:0123'] })).toEqual(['locks left on targets']);
  expect(inMany({ entries: lifeOf(STEPS.slice(0, 2)) })).toEqual(['changes without an audit entry']);
});
