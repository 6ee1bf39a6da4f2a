import { expect, test } from 'vitest';
import { readTree } from './tree.ts';

/** Calls that remove more than one thing that was named, or by force. */
const FORBIDDEN = [
  // `POST /containers/prune` and the like cannot be limited to a list, and compare the time of creation: https://docs.docker.com/reference/api/engine/
  /\.prune\w*\(/,
  /\/prune\b/,
  /\bforce:(?!\s*false\b)/,
  /\bv:(?!\s*false\b)/,
  /\bnoprune:(?!\s*true\b)/,
  /[?&](force|v)=(?!0|false)/,
];

test('container engines are asked to remove one thing at a time, by its id and never by force', () => {
  const code = [...readTree(['src/sources/docker'])].filter(([path]) => !path.endsWith('.test.ts'));

  expect(code.some(([, text]) => text.includes('force: false'))).toBe(true);
  expect(
    code.flatMap(([path, text]) =>
      FORBIDDEN.filter((pattern) => pattern.test(text)).map((pattern) => `${path}: ${pattern}`),
    ),
  ).toEqual([]);
});
