import { expect, test } from 'vitest';
import type { DigestRun } from '../../check/digest-run.ts';
import { limitRunSize } from './limit-run-size.ts';

function part(environment: string, lines: number): DigestRun['parts'][number] {
  const log = Array.from({ length: lines }, () => 'x'.repeat(100));
  return {
    check: 'lab/disk',
    environment,
    args: {},
    report: {
      check: 'lab/disk',
      environment,
      args: {},
      status: 'found',
      verdict: 'broken',
      examined: 1,
      findings: [
        {
          reason: 'disk-full',
          severity: 'critical',
          target: 'node-1',
          summary: 'node-1 is full',
          evidence: [{ kind: 'log', lines: log }],
        },
      ],
      gaps: [{ what: 'node-2', because: 'refused', kind: 'refused' }],
      coverage: [],
      at: '2026-11-28T06:30:00.000Z',
      durationMs: 1,
    },
    tracked: [],
  };
}

const run = (...parts: DigestRun['parts']): DigestRun => ({
  name: 'nightly',
  at: '2026-11-28T06:30:00.000Z',
  durationMs: 1,
  isQuiet: false,
  parts,
  endedSilences: [],
});

test('a run that fits is unchanged', () => {
  const small = run(part('prod', 10), part('stage', 10));

  expect(limitRunSize(small)).toEqual(small);
});

test('in a run that is too large, the largest reports lose their evidence and say so, but no finding and no gap', () => {
  const limited = limitRunSize(run(part('prod', 10), part('stage', 500), part('test', 100)), 30_000);

  const [prod, stage, test] = limited.parts.map(({ report }) => report);
  expect(prod).toEqual(part('prod', 10).report);
  expect(test).toEqual(part('test', 100).report);
  expect(stage?.findings).toEqual([
    { reason: 'disk-full', severity: 'critical', target: 'node-1', summary: 'node-1 is full' },
  ]);
  expect(stage?.gaps).toEqual(part('stage', 0).report?.gaps);
  expect(stage?.notes).toEqual(['the evidence was left out because it is too large for a digest']);
});

test('of too many findings, the most severe are kept, and the others become a gap', () => {
  const many = part('prod', 0);
  const findings = Array.from({ length: 1_000 }, (_, at) => ({
    reason: 'disk-full',
    severity: at % 10 === 0 ? ('critical' as const) : ('warning' as const),
    target: `node-${at}`,
    summary: 'x'.repeat(200),
  }));
  const tracked = findings.map((finding, at) => ({
    ...finding,
    state: at < 900 ? ('found' as const) : ('gone' as const),
    since: '2026-11-28T06:30:00.000Z',
    lastFound: '2026-11-28T06:30:00.000Z',
  }));
  const report = many.report && { ...many.report, findings };
  const whole = run({ ...many, tracked, ...(report && { report }) }, part('stage', 1));
  const limited = limitRunSize(whole, 400_000);

  expect(JSON.stringify(limited).length).toBeLessThan(400_000);
  const [prod, stage] = limited.parts;
  expect(prod?.report?.findings.filter(({ severity }) => severity === 'critical')).toHaveLength(100);
  const omitted = prod?.report?.gaps.find(({ kind }) => kind === 'unfinished');
  const kept = new Set(
    [...(prod?.report?.findings ?? []), ...(prod?.tracked ?? [])].map(({ target }) => target),
  );
  expect(omitted?.places).toBe(1_000 - kept.size);
  expect(stage?.report?.findings).toHaveLength(1);
});

test('the known findings of a check that could not be run are limited too', () => {
  const { report: _, ...failed } = part('prod', 0);
  const tracked = Array.from({ length: 1_000 }, (_one, at) => ({
    reason: 'disk-full',
    target: `node-${at}`,
    state: 'unseen' as const,
    severity: 'critical' as const,
    summary: 'x'.repeat(200),
    since: '2026-11-28T06:30:00.000Z',
    lastFound: '2026-11-28T06:30:00.000Z',
  }));
  const limited = limitRunSize(run({ ...failed, failure: 'no answer', tracked }), 100_000);

  expect(JSON.stringify(limited).length).toBeLessThan(100_000);
  expect(limited.parts[0]?.tracked.length).toBeGreaterThan(100);
});

test('of too many gaps, some are kept, and the others are counted', () => {
  const one = part('prod', 1);
  const gaps = Array.from({ length: 1_000 }, (_, at) => ({
    what: `node-${at}`,
    because: 'x'.repeat(200),
    kind: 'refused' as const,
  }));
  const report = one.report && { ...one.report, gaps };
  const limited = limitRunSize(run({ ...one, ...(report && { report }) }), 100_000);

  expect(JSON.stringify(limited).length).toBeLessThan(100_000);
  const left = limited.parts[0]?.report;
  expect(left?.findings).toHaveLength(1);
  expect(left?.gaps.reduce((sum, gap) => sum + (gap.places ?? 1), 0)).toBe(1_000);
});
