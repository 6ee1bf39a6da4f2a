import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineCheck } from '../check/define-check.ts';
import type { NextCheck, Report } from '../check/finding.ts';
import type { Catalogue } from './catalogue.ts';
import { dropInvalidNext } from './next-checks.ts';

const leftovers = defineCheck({
  title: 'Leftovers',
  why: 'A test needs it.',
  uses: [],
  args: z.object({
    node: z.string().optional().meta({ description: 'a node' }),
    older: z.enum(['1h', '2h']).prefault('1h').meta({ description: 'the minimum age' }),
    all: z.stringbool().prefault('false').meta({ description: 'all', switch: true }),
  }),
  bareArgument: 'node',
  collect: async () => undefined,
  diagnose: () => ({ examined: 0, verdict: '', findings: [] }),
});

const catalogue: Catalogue = {
  commands: new Map([['node', { title: 'Nodes' }]]),
  checks: new Map([['node/leftovers', leftovers]]),
};

function keep(...next: readonly NextCheck[]) {
  const dropped: NextCheck[] = [];
  const finding = { reason: 'disk-short', severity: 'critical', target: 'node-b', summary: 'full' } as const;
  const report: Report = {
    check: 'node/disk',
    environment: 'prod',
    args: {},
    status: 'found',
    verdict: 'full',
    examined: 1,
    findings: [{ ...finding, next }, finding],
    gaps: [],
    coverage: [],
    at: '2026-11-26T12:00:00.000Z',
    durationMs: 1,
  };
  const { findings } = dropInvalidNext(report, catalogue, (one) => dropped.push(one));
  expect(findings[1]).toEqual(finding);
  return { kept: findings[0]?.next, dropped };
}

test.each([
  ['without arguments', {}],
  ['with its argument', { node: 'node-b' }],
  ['with a switch', { all: 'true' }],
  ['with spaces in a name', { node: 'node b' }],
  ['with one kind of quote in a name', { node: `node "b"` }],
  ['with the other kind of quote in a name', { node: `it's` }],
  ['with a name like a flag', { node: '--older' }],
  ['with a name like an assignment', { node: 'older=2h' }],
])('a next check %s is kept', (_, args) => {
  const next = { check: 'node/leftovers', args };
  expect(keep(next)).toEqual({ kept: [next], dropped: [] });
});

test.each<readonly [string, NextCheck]>([
  ['an unknown check', { check: 'node/leftover', args: {} }],
  ['a command of Wrench itself', { check: 'wrench/freeze', args: {} }],
  ['no check', { check: 'freeze', args: {} }],
  ['help', { check: 'node/help', args: {} }],
  ['an unknown argument', { check: 'node/leftovers', args: { nodes: 'node-b' } }],
  ['a value that is not allowed', { check: 'node/leftovers', args: { older: '3h' } }],
  ['another environment', { check: 'node/leftovers', args: { env: 'test' } }],
  ['an empty value', { check: 'node/leftovers', args: { node: '' } }],
  ['both kinds of quotes', { check: 'node/leftovers', args: { node: `"it's"` } }],
  ['an invisible character', { check: 'node/leftovers', args: { node: 'node\u200B-b' } }],
  ['a name that is too long for a command', { check: 'node/leftovers', args: { node: 'x'.repeat(2_000) } }],
])('a next check with %s is dropped', (_, next) => {
  const valid = { check: 'node/leftovers', args: { node: 'node-b' } };
  expect(keep(next, valid)).toEqual({ kept: [valid], dropped: [next] });
  expect(keep(next)).toEqual({ kept: undefined, dropped: [next] });
});
