import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { duration } from './duration.ts';

const HOUR_MS = 3_600_000;

test.each([
  ['30d', 720],
  ['30', 720],
  ['2w', 336],
  ['12h', 12],
  ['1d12h', 36],
  ['1.5d', 36],
  ['90m', 1.5],
  ['1800s', 0.5],
  ['1y', 8_760],
  [' 7D ', 168],
  ['0d', 0],
])('%s is %d hours', (written, hours) => {
  expect(duration.parse(written)).toBe(hours * HOUR_MS);
});

test.each(['', 'soon', '30 d', '-1d', '1d-2h', 'd', '1e9d', '30days', '١d', `${'9'.repeat(400)}d`, '20000y'])(
  '%j is not a duration',
  (written) => {
    expect(duration.safeParse(written).success).toBe(false);
  },
);

test('any text is either parsed to a finite number or rejected', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.smhdwy]{0,30}$/)), (written) => {
      const { success, data } = duration.safeParse(written);
      expect(success ? Number.isFinite(data) && data >= 0 : data === undefined).toBe(true);
    }),
  );
});
