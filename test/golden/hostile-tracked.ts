import * as fc from 'fast-check';
import type { Report } from '../../src/check/finding.ts';
import type { TrackedFinding } from '../../src/check/tracked-finding.ts';
import { hostileMoment, hostileText } from './hostile-input.ts';

const visible = hostileText.map((value) => value || 'x');
const person = fc.oneof(fc.constantFrom('U0GRACE', 'U0KATE', '<!channel>', 'U0>'), visible);
const claim = fc.record({ by: person, at: hostileMoment, comment: visible }, { requiredKeys: ['by', 'at'] });
const silence = fc.record(
  { id: fc.constant('s0123456789'), by: person, at: hostileMoment, until: hostileMoment, because: visible },
  { requiredKeys: ['id', 'by', 'at', 'because'] },
);

const known = fc.record(
  {
    state: fc.constantFrom('found' as const, 'gone' as const, 'unseen' as const),
    severity: fc.constantFrom('critical' as const, 'warning' as const, 'info' as const),
    summary: visible,
    since: hostileMoment,
    lastFound: hostileMoment,
    flappingSince: hostileMoment,
    before: fc.record({ at: hostileMoment, value: fc.double(), unit: fc.oneof(fc.constantFrom('%', 'bytes'), visible) }),
    claim,
    silence,
  },
  { requiredKeys: ['state', 'severity', 'summary', 'since', 'lastFound'] },
);

/** A report whose findings are known from earlier runs, with arbitrary text from people and infrastructure. */
export function withHostileTracked(
  report: fc.Arbitrary<Report>,
): fc.Arbitrary<readonly [Report, readonly TrackedFinding[]]> {
  return fc.tuple(report, fc.array(known, { minLength: 1, maxLength: 4 })).map(([one, some]) => {
    const findings = one.findings.map((finding, at) => {
      const before = some[at % some.length]?.before;
      return before ? { ...finding, level: { value: before.value, unit: before.unit } } : finding;
    });
    const tracked = findings.flatMap(({ reason, target }, at): TrackedFinding[] => {
      const state = some[at % some.length];
      return state ? [{ reason, target, ...state }] : [];
    });
    return [{ ...one, findings }, tracked] as const;
  });
}
