import { expect, test } from 'vitest';
import { parseFlags } from './parse-flags.ts';

test('a switch with a value is refused', () => {
  expect(parseFlags(['--json'], ['env'], ['json'])).toMatchObject({ switches: ['json'] });
  expect(parseFlags(['--json=3'], ['env'], ['json'])).toBe('`--json` takes no value.');
});
