import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Finding, Gap, Offer, Report } from '../check/finding.ts';
import { renderSarif } from './sarif.ts';

/** What Wrench writes of the published schema, as strictly: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json */
const message = z.strictObject({ text: z.string().min(1) });
const level = z.enum(['none', 'note', 'warning', 'error']);
const artifactLocation = z.strictObject({
  uri: z.string().regex(/^(?:[A-Za-z0-9\-._~/!'()*]|%[0-9A-F]{2})+$/),
  uriBaseId: z.string(),
});
const region = z.strictObject({
  startLine: z.int().min(1),
  startColumn: z.int().min(1),
  endLine: z.int().min(1).optional(),
  endColumn: z.int().min(1).optional(),
});
const result = z.strictObject({
  ruleId: z.string(),
  kind: z.enum(['notApplicable', 'pass', 'fail', 'review', 'open', 'informational']),
  level,
  message,
  locations: z.array(
    z.strictObject({
      physicalLocation: z.strictObject({ artifactLocation, region }).optional(),
      logicalLocations: z.array(z.strictObject({ fullyQualifiedName: z.string() })).optional(),
    }),
  ),
  fixes: z
    .array(
      z.strictObject({
        description: message,
        artifactChanges: z
          .array(
            z.strictObject({
              artifactLocation,
              replacements: z
                .array(z.strictObject({ deletedRegion: region, insertedContent: message }))
                .min(1),
            }),
          )
          .min(1),
      }),
    )
    .optional(),
  partialFingerprints: z.record(z.string(), z.string()),
});
const sarif = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.array(
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string(),
          rules: z.array(
            z.strictObject({
              id: z.string(),
              shortDescription: message,
              defaultConfiguration: z.strictObject({ level }).optional(),
            }),
          ),
          notifications: z.array(z.strictObject({ id: z.string() })),
        }),
      }),
      automationDetails: z.strictObject({ id: z.string() }),
      columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
      originalUriBaseIds: z.record(z.string(), z.strictObject({ description: message })),
      invocations: z.array(
        z.strictObject({
          executionSuccessful: z.boolean(),
          startTimeUtc: z.iso.datetime(),
          endTimeUtc: z.iso.datetime(),
          toolExecutionNotifications: z.array(
            z.strictObject({ level, message, descriptor: z.strictObject({ id: z.string() }) }),
          ),
        }),
      ),
      results: z.array(result),
    }),
  ),
});

const LOCATION = {
  target: 'shop/api:ci/test it.sh:14',
  path: 'ci/test it.sh',
  line: 14,
  column: 3,
  message: '`docker run app` leaves its container behind',
  replacement: { line: 14, column: 13, deletes: 0, inserts: ' --rm', corrected: 'docker run --rm app' },
};
const FINDING: Finding<Offer> = {
  reason: 'container-left-behind',
  severity: 'warning',
  target: 'shop/api:ci/test it.sh',
  targets: [LOCATION.target],
  summary: 'shop/api:ci/test it.sh starts a container that nothing removes',
  locations: [LOCATION],
};
const UNKNOWN: Gap = {
  what: 'shop/api:ci/e2e.sh:3',
  because: '$OPTS decides',
  kind: 'missing',
  location: {
    target: 'shop/api:ci/e2e.sh:3',
    path: 'ci/e2e.sh',
    line: 3,
    column: 1,
    message: '$OPTS decides',
  },
};

function reportOf({ findings = [], gaps = [] }: Partial<Report>): Report {
  return {
    check: 'ci/docker-run',
    environment: 'local',
    args: {},
    status: 'found',
    verdict: 'x',
    examined: 3,
    findings,
    gaps,
    coverage: [],
    at: '2026-11-26T12:00:00.000Z',
    durationMs: 1_500,
  };
}

function runOf(known: Partial<Report>) {
  const [run] = sarif.parse(JSON.parse(renderSarif(reportOf(known)))).runs;
  if (!run) throw new TypeError('a log has a run');
  return run;
}

test('a place of a finding is a result with its correction', () => {
  const { results, tool, originalUriBaseIds, invocations } = runOf({ findings: [FINDING] });

  expect(results).toMatchObject([
    {
      ruleId: 'container-left-behind',
      kind: 'fail',
      level: 'warning',
      message: { text: LOCATION.message },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'ci/test%20it.sh', uriBaseId: '%SRCROOT%' },
            region: { startLine: 14, startColumn: 3 },
          },
        },
      ],
      fixes: [
        {
          artifactChanges: [
            {
              replacements: [
                {
                  deletedRegion: { startLine: 14, startColumn: 13, endLine: 14, endColumn: 13 },
                  insertedContent: { text: ' --rm' },
                },
              ],
            },
          ],
        },
      ],
    },
  ]);
  expect(tool.driver.rules).toEqual([
    {
      id: 'container-left-behind',
      shortDescription: { text: 'Container left behind.' },
      defaultConfiguration: { level: 'warning' },
    },
  ]);
  expect(originalUriBaseIds).toEqual({ '%SRCROOT%': { description: { text: 'shop/api' } } });
  expect(invocations).toMatchObject([{ executionSuccessful: true, endTimeUtc: '2026-11-26T12:00:01.500Z' }]);
});

test.each([
  ['critical', 'error'],
  ['warning', 'warning'],
  ['info', 'note'],
] as const)('%s is the level %s', (severity, expected) => {
  expect(runOf({ findings: [{ ...FINDING, severity }] }).results[0]?.level).toBe(expected);
});

test('a place that could not be judged is open, and no failure of the run', () => {
  const { results, invocations } = runOf({ gaps: [UNKNOWN] });

  expect(results).toMatchObject([{ kind: 'open', level: 'none', message: { text: '$OPTS decides' } }]);
  expect(invocations[0]).toMatchObject({ executionSuccessful: true, toolExecutionNotifications: [] });
});

test('what could not be read makes the run fail', () => {
  const gap: Gap = { what: 'shop/api:big.sh', because: 'is larger than 2 MiB', kind: 'malformed' };

  expect(runOf({ gaps: [gap] }).invocations[0]).toMatchObject({
    executionSuccessful: false,
    toolExecutionNotifications: [
      {
        level: 'error',
        message: { text: 'shop/api:big.sh: is larger than 2 MiB' },
        descriptor: { id: 'malformed' },
      },
    ],
  });
  expect(runOf({ gaps: [{ ...gap, unrelated: true }] }).invocations[0]?.executionSuccessful).toBe(true);
});

test('each of several repositories has its own base', () => {
  const other = { ...LOCATION, target: 'shop/web:ci/test it.sh:14' };
  const { results, originalUriBaseIds } = runOf({ findings: [{ ...FINDING, locations: [LOCATION, other] }] });
  const bases = results.map(({ locations }) => locations[0]?.physicalLocation?.artifactLocation.uriBaseId);

  expect(bases.map((id) => originalUriBaseIds[id ?? '']?.description.text)).toEqual(['shop/api', 'shop/web']);
});

test('paths from the folder that was checked have one base', () => {
  const other = { ...LOCATION, target: 'other:x.sh:14' };
  const report = reportOf({ findings: [{ ...FINDING, locations: [LOCATION, other] }] });
  const log = sarif.parse(JSON.parse(renderSarif(report, { pathOf: ({ path }) => `../${path}` })));
  const places = log.runs[0]?.results.map(
    ({ locations }) => locations[0]?.physicalLocation?.artifactLocation,
  );

  expect(places).toEqual([
    { uri: '../ci/test%20it.sh', uriBaseId: '%SRCROOT%' },
    { uri: '../ci/test%20it.sh', uriBaseId: '%SRCROOT%' },
  ]);
  expect(Object.keys(log.runs[0]?.originalUriBaseIds ?? {})).toEqual(['%SRCROOT%']);
});

test('fingerprints stay the same when lines move, and differ for equal commands', () => {
  const fingerprints = (...lines: readonly number[]) =>
    runOf({
      findings: [
        {
          ...FINDING,
          locations: lines.map((line) => ({
            ...LOCATION,
            line,
            target: `shop/api:${LOCATION.path}:${line}`,
          })),
        },
      ],
    }).results.map(({ partialFingerprints }) => partialFingerprints['wrenchPlace/v1']);

  expect(fingerprints(20, 30)).toEqual(fingerprints(14, 15));
  expect(new Set(fingerprints(14, 15)).size).toBe(2);
});

test('a finding without places in files has its target as its place', () => {
  const { locations: _, ...finding } = FINDING;

  expect(runOf({ findings: [finding] }).results[0]).toMatchObject({
    message: { text: finding.summary },
    locations: [{ logicalLocations: [{ fullyQualifiedName: finding.target }] }],
  });
});
