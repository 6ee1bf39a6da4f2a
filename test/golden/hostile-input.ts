import * as fc from 'fast-check';
import type { Evidence, Finding, Gap, Offer, Report } from '../../src/check/finding.ts';
import type { RemediationRecord } from '../../src/store/remediation/record.ts';
import { arbitraryRemediation } from './arbitrary-remediation.ts';
import { chartsOf, list } from './arbitrary-report.ts';

/** Small reports of values that are rare in infrastructure and break renderers; cheap enough to generate thousands. */

const EDGE_CASES = [
  '',
  ' ',
  '\n',
  '\n\n\n',
  '\t\r\n',
  '\u0000',
  '\u0007\u001B[31mred\u001B[0m',
  '\u200B\u200B',
  '\u2060',
  '\uFEFF',
  '\u202Eelbasrever\u202C',
  'שלום עולם',
  'مرحبا بالعالم',
  '\uD83D',
  '\uDE00',
  'a\uD83D b',
  '👩‍👩‍👧‍👦',
  'e\u0301'.repeat(40),
  '日本語のホスト名',
  '😀'.repeat(300),
  '域'.repeat(3_001),
  '.a'.repeat(1_600),
  '&<>'.repeat(1_001),
  '&amp;&lt;',
  '<!channel>',
  '<@U0EVIL>',
  '<https://evil.example|good>',
  '`',
  '``` ```',
  '*_~`'.repeat(50),
  ':x:',
  'x'.repeat(12_000),
  `${'x'.repeat(2_999)}😀`,
  'long words and more '.repeat(700),
  'null',
  'undefined',
  '-0',
  '{}',
];

/** The maximum length of texts that are repeated hundreds of times. */
const AT_ONCE = 200;
const edgeCase = fc.constantFrom(...EDGE_CASES);
/** For texts that are repeated hundreds of times. */
const short = fc.constantFrom(...EDGE_CASES.filter(({ length }) => length <= AT_ONCE), 'x'.repeat(AT_ONCE), '域'.repeat(60));
const plain = fc.string({ maxLength: 30 });
const text = fc.oneof(
  { weight: 3, arbitrary: plain },
  { weight: 2, arbitrary: edgeCase },
  { weight: 1, arbitrary: fc.tuple(edgeCase, plain, edgeCase).map((parts) => parts.join('')) },
);
/** Not empty, as the schema requires, but maybe invisible. */
const visible = text.map((value) => value || ' ');

/** JSON has no NaN and no Infinity, but a renderer may get a report that was never serialized. */
const oddNumber = fc.oneof(
  fc.constantFrom(NaN, Infinity, -Infinity, -0, 0, 5e-324, 1.797e308, -1e21, 1e21, 0.1 + 0.2),
  fc.double(),
);
const count = fc.oneof(fc.constantFrom(0, 1, Number.MAX_SAFE_INTEGER), fc.nat());
const at = fc.constantFrom('1970-01-01T00:00:00Z', '2026-11-20T14:03:00.000Z', '9999-12-31T23:59:59.999Z');

const table = fc
  .record({
    columns: list(short, 3),
    row: list(short, 4),
    rows: fc.constantFrom(0, 1, 5, 6, 99, 100, 500),
    isWide: fc.boolean(),
    hasEmptyRows: fc.boolean(),
  })
  .map(({ columns, row, rows, isWide, hasEmptyRows }): Evidence => {
    const widen = <T>(cells: readonly T[]) => (isWide ? Array.from({ length: 9 }, () => cells).flat() : cells);
    const filled = Array.from({ length: rows }, (_, number) =>
      hasEmptyRows && number % 3 === 0 ? [] : widen(row),
    );
    return { kind: 'table', columns: widen(columns), rows: filled };
  });

const evidence: fc.Arbitrary<Evidence> = fc.oneof(
  fc.record({ kind: fc.constant('field' as const), label: text, value: text }),
  table,
  fc
    .record({ line: short, lines: fc.constantFrom(0, 1, 30, 400) })
    .map(({ line, lines }): Evidence => ({ kind: 'log', lines: Array.from({ length: lines }, () => line) })),
  fc.record({
    kind: fc.constant('series' as const),
    label: text,
    unit: text,
    points: list(fc.record({ at, value: oddNumber }), 30),
  }),
);

const severity = fc.constantFrom('critical' as const, 'warning' as const, 'info' as const);

export const hostileFinding: fc.Arbitrary<Finding<Offer>> = fc.record(
  {
    reason: fc.constantFrom('certificate-expired', 'x'),
    severity,
    target: visible,
    summary: visible,
    evidence: list(evidence, 4),
  },
  { requiredKeys: ['reason', 'severity', 'target', 'summary'] },
);

const gap: fc.Arbitrary<Gap> = fc.record(
  {
    what: text,
    because: text,
    kind: fc.constantFrom(
      ...(['unreachable', 'refused', 'missing', 'malformed', 'not-configured', 'unfinished'] as const),
    ),
    unrelated: fc.constant(true as const),
    places: fc.integer({ min: 1 }),
  },
  { requiredKeys: ['what', 'because', 'kind'] },
);

/** None, a few, or far too many of them. */
const some = <T>(one: fc.Arbitrary<T>, most: number): fc.Arbitrary<readonly T[]> =>
  fc
    .tuple(list(one, 2), fc.constantFrom(1, 1, 1, most))
    .map(([items, times]) => Array.from({ length: times }, () => items).flat());

export const hostileReport: fc.Arbitrary<Report> = fc.record(
  {
    check: visible,
    environment: visible,
    args: fc.dictionary(visible, text, { maxKeys: 2 }),
    status: fc.constantFrom('clear' as const, 'found' as const, 'unknown' as const),
    verdict: visible,
    examined: count,
    findings: some(hostileFinding, 40),
    charts: chartsOf(visible, visible),
    gaps: some(gap, 200),
    notes: some(visible, 10),
    coverage: list(fc.record({ source: text, examined: count }), 5),
    at,
    durationMs: count,
  },
  {
    requiredKeys: [
      ...(['check', 'environment', 'args', 'status', 'verdict', 'examined', 'findings', 'gaps'] as const),
      ...(['coverage', 'at', 'durationMs'] as const),
    ],
  },
);

/** A remediation with the same texts in it. */
export const hostileRemediation: fc.Arbitrary<RemediationRecord> = fc
  .record({
    base: arbitraryRemediation,
    title: text,
    about: text,
    because: fc.option(text, { nil: undefined }),
    target: visible,
    summary: visible,
    environment: visible,
    lines: some(text, 300),
    targets: some(visible, 500),
    step: text,
    steps: fc.constantFrom(0, 1, 200),
    bytes: fc.option(oddNumber, { nil: undefined }),
    verdict: text,
    value: oddNumber,
  })
  .map(({ base, title, about, because, target, summary, environment, ...more }): RemediationRecord => {
    const { plan, before, after } = base;
    const measures = [{ label: more.verdict, value: more.value, of: 3, unit: more.verdict }];
    const observed = { verdict: more.verdict, measures };
    return {
      ...base,
      title,
      about,
      environment,
      ...(because !== undefined && { because }),
      finding: { ...base.finding, target, summary },
      steps: Array.from({ length: more.steps }, () => ({ at: '2026-11-20T14:03:00.000Z', line: more.step })),
      ...(plan && {
        plan: {
          ...plan,
          lines: more.lines.length > 0 ? [...more.lines] : ['x'],
          targets: more.targets.length > 0 ? [...more.targets] : ['x'],
          ...(more.bytes !== undefined && { bytes: more.bytes }),
        },
      }),
      ...(before && { before: { ...before, ...observed } }),
      ...(after && { after: { ...after, ...observed } }),
    };
  });

export const hostileText = text;
export const hostileMoment = fc.oneof(
  at,
  fc.constantFrom('', 'not a time', '-271821-04-20T00:00:00.000Z', '+275760-09-13T00:00:00.000Z'),
);
