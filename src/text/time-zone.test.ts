import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTimeZone, offsetIn } from './time-zone.ts';

const ZONES = ['Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'];

function offsetAt(zone: string, localTime: string): number {
  const offset = offsetIn(zone);
  return typeof offset === 'number' ? offset : offset(Date.parse(`${localTime}Z`));
}

test.each([
  ['UTC', true],
  ['Z', true],
  ['+02:00', true],
  ['-0330', true],
  ['UTC+8', true],
  ['Europe/Berlin', true],
  ['Europe/Berlim', false],
  ['+25:00', false],
  ['+02:75', false],
  ['', false],
])('%j is a time zone: %s', (zone, is) => {
  expect(isTimeZone(zone)).toBe(is);
});

test('knows fixed offsets, and those of summer and winter', () => {
  expect(offsetAt('-03:30', '2026-11-26T10:00:00')).toBe(-210);
  expect(offsetAt('UTC+8', '2026-11-26T10:00:00')).toBe(480);
  expect(offsetAt('Europe/Berlin', '2026-11-26T10:00:00')).toBe(60);
  expect(offsetAt('Europe/Berlin', '2026-07-26T10:00:00')).toBe(120);
});

test('of the hour that is repeated in autumn, the first one is meant', () => {
  expect(offsetAt('Europe/Berlin', '2026-10-25T01:59:59')).toBe(120);
  expect(offsetAt('Europe/Berlin', '2026-10-25T02:30:00')).toBe(120);
  expect(offsetAt('Europe/Berlin', '2026-10-25T03:00:00')).toBe(60);
});

test('the local time of any instant has its offset, or is in a repeated hour', () => {
  const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), instant, (zone, at) => {
      const parts = new Intl.DateTimeFormat('sv-SE', {
        timeZone: zone,
        dateStyle: 'short',
        timeStyle: 'medium',
      });
      const local = parts.format(at).replace(' ', 'T');
      const atMs = Date.parse(`${local}Z`) - offsetAt(zone, local) * 60_000;
      const wrongBy = Math.floor(at.getTime() / 1_000) * 1_000 - atMs;
      expect([0, 30 * 60_000, 60 * 60_000]).toContain(wrongBy);
    }),
  );
});
