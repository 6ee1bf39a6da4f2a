import { expect, test } from 'vitest';
import { compareDigest } from '../../../check/compare-digest.ts';
import type { DigestPart, DigestRun } from '../../../check/digest-run.ts';
import { renderDigest } from './digest.ts';

const AT = '2026-11-28T06:30:00.000Z';

function part(check: string, gaps: readonly string[]): DigestPart {
  return {
    check,
    environment: 'prod',
    args: {},
    report: {
      check,
      environment: 'prod',
      args: {},
      status: gaps.length > 0 ? 'unknown' : 'clear',
      verdict: 'Nothing is wrong',
      examined: 3,
      findings: [],
      gaps: gaps.map((what) => ({ kind: 'refused', what, because: 'denied: no permission' })),
      coverage: [],
      at: AT,
      durationMs: 1,
    },
    tracked: [],
  };
}

function repliesOf(...parts: DigestPart[]) {
  const run: DigestRun = { name: 'nightly', at: AT, durationMs: 1, isQuiet: false, parts, endedSilences: [] };
  return JSON.stringify(renderDigest(run, compareDigest(undefined, run)).replies);
}

test('the gaps of a single check name it once, in the title', () => {
  const replies = repliesOf(part('certs/expiring', ['vault:a', 'vault:b']), part('node/disk', []));

  expect(replies).toContain(`"Couldn't check 2 sources for /certs expiring in prod"`);
  expect(replies).toContain('"vault:a"');
});

test('the gaps of several checks name the check of each source', () => {
  const replies = repliesOf(part('certs/expiring', ['vault:a']), part('node/disk', ['node-1']));

  expect(replies).toContain(`"Couldn't check 2 sources"`);
  expect(replies).toContain('vault:a (/certs expiring in prod)');
  expect(replies).toContain('node-1 (/node disk in prod)');
});
