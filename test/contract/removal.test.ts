import { expect, test } from 'vitest';
import { readTree } from './tree.ts';

/** Calls that remove more than one named thing, or by force. */
const FORBIDDEN = [
  // `POST /containers/prune` and similar calls cannot be limited to a list, and compare the creation time:
  // https://docs.docker.com/reference/api/engine/
  /\.prune\w*\(/,
  /\/prune\b/,
  /\bforce:(?!\s*false\b)/,
  /\bv:(?!\s*false\b)/,
  /\bnoprune:(?!\s*true\b)/,
  /[?&](force|v)=(?!0|false)/,
];

test('only sends container engines removals of single objects, by id and without force', () => {
  const code = [...readTree(['src/sources/docker'])].filter(([path]) => !path.endsWith('.test.ts'));

  expect(code.some(([, text]) => text.includes('force: false'))).toBe(true);
  expect(
    code.flatMap(([path, text]) =>
      FORBIDDEN.filter((pattern) => pattern.test(text)).map((pattern) => `${path}: ${pattern}`),
    ),
  ).toEqual([]);
});
