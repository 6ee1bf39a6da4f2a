import * as fc from 'fast-check';
import { AUDIT_EVENT_KINDS, type AuditEntry } from '../../src/store/audit/entry.ts';
import { REMEDIATION_STATES, type RemediationRecord } from '../../src/store/remediation/record.ts';
import { list, text, visible } from './arbitrary-report.ts';

export const at = fc
  .date({ min: new Date('1970-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
  .map((date) => date.toISOString());
/** Short, long and very long lists. */
const some = <T>(one: fc.Arbitrary<T>, few: number) =>
  list(one, few).chain((items) =>
    fc.constantFrom(1, 1, 20).map((times) => Array.from({ length: times }, () => items).flat()),
  );
const some1 = <T>(one: fc.Arbitrary<T>, few: number) =>
  fc.tuple(one, some(one, few)).map(([first, rest]) => [first, ...rest]);
export const who = fc.oneof(fc.constantFrom('U0ADA', 'U0GRACE', 'W0KATE', 'terminal', 'wrench'), text);
const vote = fc.record({ by: who, at, reason: text }, { requiredKeys: ['by', 'at'] });
const measure = fc.record(
  { label: text, value: fc.integer(), of: fc.integer(), unit: text },
  { requiredKeys: ['label', 'value', 'unit'] },
);
const observation = fc.record({
  at,
  finding: fc.constantFrom('found', 'gone', 'unseen'),
  verdict: text,
  measures: some(measure, 3),
  reasons: some(text, 3),
  gaps: some(text, 3),
});
const part = fc.record({ target: visible, line: text, precondition: fc.dictionary(text, text, { maxKeys: 2 }) });
const plan = fc.record(
  {
    lines: some1(text, 4),
    targets: some1(visible, 3),
    precondition: fc.dictionary(text, text, { maxKeys: 6 }),
    bytes: fc.oneof(fc.nat(), fc.maxSafeNat()),
    impact: visible,
    irreversible: some(text, 3),
    safety: some(text, 3),
    afterwards: some(text, 3),
    untilVerified: some(text, 3),
    parts: some1(part, 3),
    leftOut: some(fc.record({ target: text, because: text }), 3),
  },
  { requiredKeys: ['lines', 'targets', 'precondition'] },
);

export const arbitraryRemediation = fc.record(
  {
    id: fc.nat().map((number) => `m${number.toString(16).padStart(16, '0')}`),
    runId: visible,
    check: visible,
    environment: visible,
    args: fc.dictionary(visible, text, { maxKeys: 3 }),
    asked: fc.record({ by: who, teamId: visible, channelId: visible, as: text, at }),
    remediation: visible,
    title: text,
    about: text,
    risk: fc.constantFrom('safe', 'disruptive', 'destructive'),
    mitigates: fc.constant(true as const),
    effect: text,
    params: fc.constant({}),
    finding: fc.record({ reason: visible, target: visible, summary: visible }),
    state: fc.constantFrom(...REMEDIATION_STATES),
    until: at,
    because: text,
    endedAt: at,
    requested: vote,
    plan,
    planHash: fc.oneof(fc.constant('3f'.repeat(32)), fc.constant('')),
    approvalsNeeded: fc.nat(4),
    approvals: some(vote, 2),
    rejected: vote,
    pause: vote,
    pausable: fc.constant(true as const),
    earlierSteps: fc.integer({ min: 1 }),
    steps: some(fc.record({ at, line: text }), 4),
    before: observation,
    after: observation,
    settling: fc.record(
      { until: at, everySeconds: fc.integer({ min: 1 }), observed: observation },
      { requiredKeys: ['until', 'everySeconds'] },
    ),
  },
  {
    requiredKeys: [
      ...(['id', 'runId', 'check', 'environment', 'args', 'asked', 'remediation', 'title', 'about', 'risk'] as const),
      ...(['params', 'finding', 'state', 'approvals', 'steps'] as const),
    ],
  },
) as fc.Arbitrary<RemediationRecord>;

const audited = fc.record(
  {
    kind: fc.constantFrom(...AUDIT_EVENT_KINDS),
    at,
    who: some1(who, 3),
    what: visible,
    environment: text,
    outcome: fc.constantFrom('fixed', 'unverified', '<!here>'),
    because: text,
  },
  { requiredKeys: ['kind', 'at', 'who', 'what'] },
);
export const arbitraryEntry: fc.Arbitrary<AuditEntry> = audited.map((entry) => ({
  seq: 1,
  prev: '0'.repeat(64),
  entry,
  hash: '0'.repeat(64),
}));
