import { expect, test } from 'vitest';
import { makeSeenKeys } from './seen-keys.ts';

test('each key is new once, however many there are', () => {
  const { add } = makeSeenKeys();
  const keys = Array.from({ length: 50_000 }, (_, index) => `namespace-${index % 50}/pod-${index}`);

  expect(keys.every(add)).toBe(true);
  expect(keys.some(add)).toBe(false);
  expect(add('')).toBe(true);
});
