import { compareDigest, snapshotOf } from '../../src/check/compare-digest.ts';
import type { DigestPart, DigestRun } from '../../src/check/digest-run.ts';
import type { Finding, Offer } from '../../src/check/finding.ts';
import type { TrackedFinding } from '../../src/check/tracked-finding.ts';
import { renderDigest } from '../../src/slack/render/digest/digest.ts';
import { type Figure, percentile } from './figure.ts';

const FINDINGS = 500;
const WARM_UP = 20;
const RUNS = 50;
const PARTS = [
  { check: 'certs/expiring', environment: 'prod', args: { within: '30d' } },
  { check: 'certs/expiring', environment: 'stage', args: { within: '30d' } },
] as const;
const YESTERDAY = '2026-11-26T07:30:00.000Z';
const TODAY = '2026-11-27T07:30:00.000Z';

/**
 * Comparing a run with the last message and rendering the new one, against reading and writing the same run
 * as JSON. The two alternate.
 */
export function benchDigest(): readonly Figure[] {
  const posted = snapshotOf(runOf(YESTERDAY, 0), undefined);
  const run = runOf(TODAY, 1);
  const json = JSON.stringify(run);
  const compared = compareDigest(posted, run);
  const { appeared, worse, gone, steady } = compared;
  if ([appeared, worse, gone, steady].some(({ length }) => length < FINDINGS / 20))
    throw new Error('the digest has too few changes');
  const render = () => renderDigest(run, compareDigest(posted, run));
  const copy = () => JSON.stringify(JSON.parse(json));
  const oursMs: number[] = [];
  const bareMs: number[] = [];
  for (let at = 0; at < WARM_UP + RUNS; at++) {
    const [ours, bare] = [timeMs(render), timeMs(copy)];
    if (at < WARM_UP) continue;
    oursMs.push(ours);
    bareMs.push(bare);
  }
  const [ours, bare] = [percentile(oursMs, 0.5), percentile(bareMs, 0.5)];
  return [
    {
      name: `comparing and rendering a digest of ${FINDINGS} findings, ${Math.round(json.length / 1_000)} kB (bare: JSON.parse and JSON.stringify)`,
      ours,
      bare,
      ratio: bare / ours,
      unit: 'ms',
    },
  ];
}

function timeMs(what: () => unknown): number {
  const startedMs = performance.now();
  what();
  return performance.now() - startedMs;
}

/** On a later day, a tenth of the findings is new, a tenth gone, and nearly a tenth worse. */
function runOf(at: string, day: number): DigestRun {
  return {
    name: 'nightly',
    due: at,
    at,
    durationMs: 12_400,
    isQuiet: false,
    parts: PARTS.map((question) => partOf(question, at, day)),
    endedSilences: [],
  };
}

function partOf(question: (typeof PARTS)[number], at: string, day: number): DigestPart {
  const perPart = FINDINGS / PARTS.length;
  const shift = (perPart / 10) * day;
  const numbers = Array.from({ length: perPart }, (_, index) => index + shift);
  const since = (number: number) => (number < perPart ? '2026-11-20T07:30:00.000Z' : at);
  const severity = (number: number) => (number % 10 === 0 && day > 0 ? 'critical' : 'warning');
  const gone = Array.from({ length: shift }, (_, number): TrackedFinding => ({
    ...aboutOf(number),
    state: 'gone',
    severity: 'warning',
    since: since(number),
    lastFound: YESTERDAY,
    goneAt: at,
    resolution: 'renewed, now valid until 3 March 2027',
  }));
  return {
    ...question,
    report: {
      ...question,
      status: 'found',
      verdict: `${perPart} certificates expire within 30 days`,
      examined: 5_000,
      findings: numbers.map((number): Finding<Offer> => ({
        ...aboutOf(number),
        severity: severity(number),
        level: { value: number % 30, unit: 'days left' },
        evidence: [
          { kind: 'field', label: 'Valid', value: '2025-12-08 13:54 UTC to 2026-12-08 13:54 UTC (365 days)' },
          { kind: 'field', label: 'Subject', value: `CN=service-${number}.internal.example.com` },
          { kind: 'field', label: 'Issuer', value: 'CN=cf-internal-ca' },
          { kind: 'field', label: 'SHA-256', value: '2af9ade5b529023394257135f4e15c07'.repeat(2) },
        ],
      })),
      gaps: [],
      coverage: [{ source: 'vault', examined: 5_000 }],
      at,
      durationMs: 9_000,
    },
    tracked: [
      ...numbers.map((number): TrackedFinding => ({
        ...aboutOf(number),
        state: 'found',
        severity: severity(number),
        since: since(number),
        lastFound: at,
      })),
      ...gone,
    ],
  };
}

function aboutOf(number: number) {
  return {
    reason: 'certificate-expiring',
    target: `vault:secret/cf/service-${number}/certificate`,
    summary: `service-${number}.internal.example.com expires in ${number % 30} days`,
  };
}
