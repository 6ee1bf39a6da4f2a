import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readUntil } from './read-until.ts';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const iso = (written: string) => {
  const at = readUntil(written, NOW);
  return typeof at === 'number' ? new Date(at).toISOString() : at;
};

test.each([
  ['3d', '2026-11-30T12:00:00.000Z'],
  ['8h', '2026-11-27T20:00:00.000Z'],
  ['1d12h', '2026-11-29T00:00:00.000Z'],
  ['3', '2026-11-30T12:00:00.000Z'],
  ['90d', '2027-02-25T12:00:00.000Z'],
  ['2026-12-01', '2026-12-01T00:00:00.000Z'],
  ['2026-12-01T09:00Z', '2026-12-01T09:00:00.000Z'],
  ['2026-12-01T09:00+01:00', '2026-12-01T08:00:00.000Z'],
  ['2026-12-01t09:00z', '2026-12-01T09:00:00.000Z'],
])('%s ends at %s', (written, end) => {
  expect(iso(written)).toBe(end);
});

test.each([
  ['0d', /is in the past/],
  ['2026-11-27', /is in the past: a date means midnight UTC/],
  ['2026-11-27T12:00Z', /is in the past/],
  ['91d', /at most 90 days/],
  ['2027-12-01', /at most 90 days/],
  ['1000000y', /Invalid time|at most 90 days/],
  ['2026-12-01T09:00', /needs a time zone, such as `2026-12-01T09:00Z`/],
  ['2026-02-30', /Invalid time `2026-02-30` for `--until`: this date or time doesn't exist/],
  ['2026-13-01', /^Invalid time `2026-13-01` .*this date or time doesn't exist/],
  ['2026-12-01T25:00Z', /^Invalid time `2026-12-01T25:00Z` .*this date or time doesn't exist/],
  ['friday', /^Invalid time `friday` for `--until`\. Try 3d, 8h, 2026-12-01 or/],
  ['-3d', /^Invalid time `-3d` for `--until`\. Try 3d, 8h, 2026-12-01 or/],
  ['', /^Invalid time `` for `--until`\. Try 3d, 8h, 2026-12-01 or/],
])('%s is answered with the problem', (written, problem) => {
  expect(iso(written)).toMatch(problem);
});

test('for any text, the end is in the future and at most 90 days away, or the problem is explained', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9TZdhwy:+-]{0,24}$/)), (written) => {
      const at = readUntil(written, NOW);
      expect(typeof at === 'string' ? at !== '' : at > NOW && at <= NOW + 90 * 86_400_000).toBe(true);
    }),
  );
});
