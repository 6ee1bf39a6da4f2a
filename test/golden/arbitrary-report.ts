import * as fc from 'fast-check';
import type { Chart, Evidence, Finding, Offer, Report } from '../../src/check/finding.ts';

/** Ordinary words and everything that could break a renderer. */
const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom(
    '<!channel>',
    '<@U0EVIL>',
    '<https://evil.example|good>',
    'https://evil.example',
    'www.evil.example',
    '*b*',
    '_i_',
    '`c`',
    ':x:',
    '\u001B[31m',
    '\u202E',
    '\u0007',
    '\uD800',
    '&lt;!here&gt;',
    '=1+1',
    '\r\n',
  ),
);
export const text = fc.oneof(
  { weight: 25, arbitrary: fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')) },
  { weight: 1, arbitrary: fc.tuple(word, fc.nat(12_000)).map(([one, count]) => one.repeat(count).slice(0, 12_000)) },
);
export const visible = text.map((value) => value || 'x');
export const list = <T>(one: fc.Arbitrary<T>, few: number) => fc.array(one, { maxLength: few });

const evidence: fc.Arbitrary<Evidence> = fc.oneof(
  fc.record({ kind: fc.constant('field' as const), label: text, value: text }),
  fc.record({
    kind: fc.constant('table' as const),
    columns: list(text, 25),
    rows: list(list(text, 22), 4).chain((rows) =>
      fc.constantFrom(1, 30).map((times) => Array.from({ length: times }, () => rows).flat()),
    ),
  }),
  fc.record({ kind: fc.constant('log' as const), lines: list(text, 12) }),
  fc.record({
    kind: fc.constant('series' as const),
    label: text,
    unit: text,
    points: list(fc.record({ at: fc.constant('2026-11-20T14:03:00Z'), value: fc.double() }), 60),
  }),
);

const finding: fc.Arbitrary<Finding<Offer>> = fc.record(
  {
    reason: fc.constantFrom('certificate-expired', 'x'),
    severity: fc.constantFrom('critical' as const, 'warning' as const, 'info' as const),
    target: visible,
    summary: visible,
    evidence: list(evidence, 4),
    next: fc.array(fc.record({ check: visible, args: fc.dictionary(visible, text, { maxKeys: 2 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
  },
  { requiredKeys: ['reason', 'severity', 'target', 'summary'] },
);

/** There may be fewer or more values than labels. */
export const chartsOf = (word: fc.Arbitrary<string>, label: fc.Arbitrary<string>): fc.Arbitrary<readonly Chart[]> =>
  fc
    .record({
      kind: fc.constantFrom('bars' as const, 'lines' as const),
      title: word,
      unit: fc.oneof(word, fc.constantFrom('%', 'certificates', 'GB')),
      labels: fc
        .tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.constantFrom(1, 1, 9))
        .map(([some, times]) => Array.from({ length: times }, () => some).flat()),
      series: fc
        .tuple(
          fc.array(
            fc.record({
              name: word,
              values: fc.array(fc.option(fc.oneof(fc.double(), fc.nat(100)), { freq: 4 }), { maxLength: 40 }),
            }),
            { minLength: 1, maxLength: 3 },
          ),
          fc.constantFrom(1, 1, 4),
        )
        .map(([some, times]) => Array.from({ length: times }, () => some).flat()),
    })
    .chain((chart) => fc.constantFrom(0, 0, 1, 3).map((times) => Array.from({ length: times }, () => chart)));

const time = fc.nat(9_000_000).map((minutes) => new Date(minutes * 60_000).toISOString());

export const arbitraryReport = fc.record({
  check: visible,
  environment: visible,
  args: fc.dictionary(visible, text, { maxKeys: 4 }),
  status: fc.constantFrom('clear', 'found', 'unknown'),
  verdict: visible,
  examined: fc.nat(),
  findings: list(finding, 5).chain((findings) =>
    fc.constantFrom(1, 1, 8).map((times) => Array.from({ length: times }, () => findings).flat()),
  ),
  gaps: list(
    fc.record({
      what: text,
      because: text,
      kind: fc.constantFrom('unreachable', 'refused', 'missing', 'malformed', 'not-configured', 'unfinished'),
    }),
    20,
  ),
  charts: chartsOf(visible, fc.oneof(visible, time)),
  coverage: list(fc.record({ source: text, examined: fc.nat() }), 6),
  at: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }).map((at) => at.toISOString()),
  durationMs: fc.nat(),
}) as fc.Arbitrary<Report>;
