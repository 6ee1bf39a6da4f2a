import { expect, test } from 'vitest';
import { parseUtc } from './parse-utc.ts';

test.each([
  ['2026-11-26T11:59:48Z', '2026-11-26T11:59:48.000Z'],
  ['2026-11-26T11:59:48.123456', '2026-11-26T11:59:48.123Z'],
  ['2026-11-26 11:59:48', '2026-11-26T11:59:48.000Z'],
  ['2026-11-26T11:59:48.000000Z', '2026-11-26T11:59:48.000Z'],
  ['2026-11-26T12:59:48+01:00', '2026-11-26T11:59:48.000Z'],
])('reads %s as %s', (text, time) => {
  expect(parseUtc(text)?.toISOString()).toBe(time);
});

test.each([undefined, '', 'yesterday', '2026-11-26', '2026-13-26T11:59:48', 'x2026-11-26T11:59:48'])(
  'does not read %s',
  (text) => {
    expect(parseUtc(text)).toBeUndefined();
  },
);
