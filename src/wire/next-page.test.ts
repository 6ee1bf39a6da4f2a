import { expect, test } from 'vitest';
import { nextPage } from './next-page.ts';

test.each([
  ['<https://x/a?page=2>; rel="next", <https://x/a?page=9>; rel="last"', 'https://x/a?page=2'],
  ['<https://x/a?page=1>; rel="prev", <https://x/a?page=3>; rel=next', 'https://x/a?page=3'],
  ['<https://x/a>; rel="last"', undefined],
  ['<not a url>; rel="next"', undefined],
  ['', undefined],
  [undefined, undefined],
])('%s', (link, next) => {
  expect(nextPage(link)?.href).toBe(next);
});
