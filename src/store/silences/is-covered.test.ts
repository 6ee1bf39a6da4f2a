import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCovered } from './is-covered.ts';
import type { SilenceScope } from './silences.ts';

const known = (target: string) => ({
  check: 'certs/expiring',
  environment: 'prod',
  finding: { reason: 'expired', target },
});
const ofPattern = (targetPattern: string): SilenceScope => ({
  kind: 'pattern',
  reason: 'expired',
  targetPattern,
});
const matches = (pattern: string, target: string) => isCovered(ofPattern(pattern), known(target));

test.each([
  ['vault:secret/old/*', 'vault:secret/old/a', true],
  ['vault:secret/old/*', 'vault:secret/old/', true],
  ['vault:secret/old/*', 'vault:secret/new/a', false],
  ['vault:secret/old/*', 'x vault:secret/old/a', false],
  ['*/a', 'vault:secret/a', true],
  ['*/a', 'vault:secret/ab', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a*a', 'a', false],
  ['a*aa*a', 'aaa', false],
  ['ab*ba', 'aba', false],
  ['*', 'anything', true],
  ['*', '', true],
  ['**', 'anything', true],
  ['', 'anything', false],
  ['a', 'ab', false],
  ['a.c', 'abc', false],
  ['[a-z]+', 'abc', false],
  ['vault:SECRET/*', 'vault:secret/a', false],
])('%j matches %j: %s', (pattern, target, expected) => {
  expect(matches(pattern, target)).toBe(expected);
});

test('a pattern matches like a regular expression in which everything except the stars is escaped', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '☂'), maxLength: 12 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '☂', '*'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (written, target) => {
      const quoted = written
        .split('*')
        .map((piece) => piece.replaceAll('.', String.raw`\.`))
        .join('.*');
      expect(matches(written, target)).toBe(new RegExp(`^${quoted}$`, 's').test(target));
    }),
    { numRuns: 2_000 },
  );
});

test('a pattern that makes a regular expression backtrack takes no longer than any other', () => {
  expect(matches(`${'*a'.repeat(250)}*b`, 'a'.repeat(100_000))).toBe(false);
});

test.each<[string, Partial<SilenceScope>]>([
  ['another check', { check: 'certs/chain' }],
  ['another environment', { environment: 'staging' }],
  ['another reason', { reason: 'expiring' }],
])('a silence for %s covers nothing here', (_, changed) => {
  const scope = { ...ofPattern('*'), ...changed } as SilenceScope;

  expect(isCovered(scope, known('a'))).toBe(false);
});

test('a silence of one finding covers only that finding, and a star in its name is literal', () => {
  const scope = (target: string): SilenceScope => ({
    kind: 'finding',
    check: 'certs/expiring',
    environment: 'prod',
    reason: 'expired',
    target,
  });

  expect(isCovered(scope('a'), known('a'))).toBe(true);
  expect(isCovered(scope('*.example.com'), known('*.example.com'))).toBe(true);
  expect(isCovered(scope('*.example.com'), known('www.example.com'))).toBe(false);
});
