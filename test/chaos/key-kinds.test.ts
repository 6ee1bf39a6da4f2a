import { expect, test } from 'vitest';
import { growing, type KeyKind, patternOf } from './key-kinds.ts';

test.each([
  ['{wrench}:thread:r0123456789abcdef', '{wrench}:thread:*'],
  ['{wrench}:checks:r0123456789abcdef', '{wrench}:checks:*'],
  ['{wrench}:outbox:report-r0123456789abcdef', '{wrench}:outbox:report-*'],
  ['{wrench}:outbox:card-m0123456789abcdef-12', '{wrench}:outbox:card-*'],
  ['{wrench}:outbox:events', '{wrench}:outbox:events'],
  ['{wrench}:pace:C0SOAK12', '{wrench}:pace:*'],
  ['{wrench}:group:S0CHAOSASK', '{wrench}:group:*'],
  ['{wrench}:checks:de:q0123456789abcdef01234567', '{wrench}:checks:de:*'],
  ['{wrench}:finding:f0123456789', '{wrench}:finding:*'],
  ['{wrench}:findings:q0123456789abcdef01234567', '{wrench}:findings:*'],
  ['{wrench}:claim:0123456789abcdef0123456789abcdef', '{wrench}:claim:*'],
  ['{wrench}:silences:ended', '{wrench}:silences:ended'],
  ['{wrench}:digest:nightly', '{wrench}:digest:*'],
  ['{wrench}:digest-run:nightly', '{wrench}:digest-run:*'],
  ['{wrench}:digest-posted:every-2-minutes', '{wrench}:digest-posted:*'],
  ['{wrench}:digests-ticked', '{wrench}:digests-ticked'],
  ['{wrench}:digests:finish-r0123456789abcdef:processed', '{wrench}:digests:finish-*:processed'],
  ['{wrench}:delivered:T0123DEMO 123.456', '{wrench}:delivered:* *'],
])('%s is of the kind %s', (key, pattern) => {
  expect(patternOf(key)).toBe(pattern);
});

test('a kind grows if it has many lasting keys, or many lasting elements', () => {
  const kind: KeyKind = {
    pattern: 'a:*',
    type: 'hash',
    keys: 1,
    bytes: 1,
    largest: 1,
    ttlSeconds: undefined,
  };
  const many = { ...kind, keys: 101 };

  expect(growing([kind, { ...kind, keys: 100, largest: 100 }], 100)).toEqual([]);
  expect(growing([many, { ...kind, largest: 101 }], 100)).toHaveLength(2);
  expect(growing([{ ...many, ttlSeconds: 1_200 }], 100)).toEqual([]);
  expect(growing([{ ...many, ttlSeconds: 1_201 }], 100)).toHaveLength(1);
});
