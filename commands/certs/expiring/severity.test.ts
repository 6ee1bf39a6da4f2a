import { expect, test } from 'vitest';
import { judge, type Thresholds } from './severity.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 21);
const thresholds: Thresholds = {
  withinMs: 30 * DAY_MS,
  warningDays: 30,
  warningShare: 0.33,
  criticalDays: 7,
  criticalShare: 0.1,
};

function standing(lifetimeDays: number, leftDays: number, with_: Partial<Thresholds> = {}): string {
  const notAfter = new Date(NOW + leftDays * DAY_MS);
  const notBefore = new Date(notAfter.getTime() - lifetimeDays * DAY_MS);
  const judged = judge({ notBefore, notAfter }, { ...thresholds, ...with_ }, NOW);
  return 'severity' in judged ? `${judged.is} ${judged.severity}` : judged.is;
}

test.each([
  // lifetime, days left, standing
  [1, 0.9, 'on-schedule'],
  [1, 0.3, 'expiring warning'],
  [1, 0.09, 'expiring critical'],
  [6, 5, 'on-schedule'],
  [6, 1.9, 'expiring warning'],
  [6, 0.5, 'expiring critical'],
  [47, 46, 'good'],
  [47, 16, 'on-schedule'],
  [47, 15, 'expiring warning'],
  [47, 4, 'expiring critical'],
  [90, 31, 'good'],
  [90, 29.8, 'on-schedule'],
  [90, 29, 'expiring warning'],
  [90, 7, 'expiring critical'],
  [100, 30, 'expiring warning'],
  [100, 7.5, 'expiring warning'],
  [100, 7, 'expiring critical'],
  [397, 31, 'good'],
  [397, 16, 'expiring warning'],
  [397, 7, 'expiring critical'],
  [825, 30, 'expiring warning'],
  [825, 7.1, 'expiring warning'],
  [825, 1, 'expiring critical'],
  [3650, 31, 'good'],
  [3650, 30, 'expiring warning'],
  [3650, 7, 'expiring critical'],
  [397, -0.001, 'expired critical'],
  [47, -400, 'expired critical'],
])('of %d days %d are left: %s', (lifetime, left, is) => {
  expect(standing(lifetime, left)).toBe(is);
});

test('the moment of notAfter itself is still valid', () => {
  expect(standing(397, 0)).toBe('expiring critical');
  expect(standing(397, -1 / DAY_MS)).toBe('expired critical');
});

test('31 December 9999 means never, however far one looks', () => {
  const never = { notBefore: new Date(NOW - DAY_MS), notAfter: new Date('9999-12-31T23:59:59Z') };
  expect(judge(never, { ...thresholds, withinMs: 1e15, warningShare: 1 }, NOW)).toEqual({ is: 'good' });
});

test('one that begins tomorrow is not valid yet, and neither good nor expiring', () => {
  expect(standing(10, 11)).toBe('not-yet-valid warning');
});

test('dates that cannot be read are said, not passed over', () => {
  expect(judge({ notBefore: new Date(NaN), notAfter: new Date(NOW) }, thresholds, NOW).is).toBe('undated');
  expect(judge({ notBefore: new Date(NOW), notAfter: new Date(NaN) }, thresholds, NOW).is).toBe('undated');
});

test('looked at from farther away, what is listed beyond the days for a warning is information', () => {
  expect(standing(397, 100, { withinMs: 120 * DAY_MS })).toBe('expiring info');
  expect(standing(397, 200, { withinMs: 365 * DAY_MS })).toBe('on-schedule');
  expect(standing(397, 200, { withinMs: 365 * DAY_MS, warningShare: 1 })).toBe('expiring info');
});
