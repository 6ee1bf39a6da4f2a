import { expect, test } from 'vitest';
import { DEFAULT_THRESHOLDS, judgeValidity, type ValidityThresholds } from './certificate-validity.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 21);
function statusOf(lifetimeDays: number, leftDays: number, with_: Partial<ValidityThresholds> = {}): string {
  const notAfter = new Date(NOW + leftDays * DAY_MS);
  const notBefore = new Date(notAfter.getTime() - lifetimeDays * DAY_MS);
  const judged = judgeValidity({ notBefore, notAfter }, { ...DEFAULT_THRESHOLDS, ...with_ }, NOW);
  return 'severity' in judged ? `${judged.is} ${judged.severity}` : judged.is;
}

test.each([
  // lifetime, days left, status
  [1, 0.9, 'on-schedule'],
  [1, 0.3, 'expiring warning'],
  [1, 0.09, 'expiring critical'],
  [6, 5, 'on-schedule'],
  [6, 1.9, 'expiring warning'],
  [6, 0.5, 'expiring critical'],
  [47, 46, 'valid'],
  [47, 16, 'on-schedule'],
  [47, 15, 'expiring warning'],
  [47, 4, 'expiring critical'],
  [90, 31, 'valid'],
  [90, 29.8, 'on-schedule'],
  [90, 29, 'expiring warning'],
  [90, 7, 'expiring critical'],
  [100, 30, 'expiring warning'],
  [100, 7.5, 'expiring warning'],
  [100, 7, 'expiring critical'],
  [397, 31, 'valid'],
  [397, 16, 'expiring warning'],
  [397, 7, 'expiring critical'],
  [825, 30, 'expiring warning'],
  [825, 7.1, 'expiring warning'],
  [825, 1, 'expiring critical'],
  [3650, 31, 'valid'],
  [3650, 30, 'expiring warning'],
  [3650, 7, 'expiring critical'],
  [397, -0.001, 'expired critical'],
  [47, -400, 'expired critical'],
])('a certificate of %d days with %d left: %s', (lifetime, left, is) => {
  expect(statusOf(lifetime, left)).toBe(is);
});

test('a certificate is still valid at notAfter itself', () => {
  expect(statusOf(397, 0)).toBe('expiring critical');
  expect(statusOf(397, -1 / DAY_MS)).toBe('expired critical');
});

test('31 December 9999 means that it never expires, whatever the horizon', () => {
  const never = { notBefore: new Date(NOW - DAY_MS), notAfter: new Date('9999-12-31T23:59:59Z') };
  expect(judgeValidity(never, { ...DEFAULT_THRESHOLDS, withinDays: 1e7, warningShare: 1 }, NOW)).toEqual({
    is: 'valid',
  });
});

test('one that begins tomorrow is not valid yet, and not expiring', () => {
  expect(statusOf(10, 11)).toBe('not-yet-valid warning');
});

test('one that ends before it begins can never be valid, and has expired after its end', () => {
  const at = (days: number) => new Date(NOW + days * DAY_MS);
  const inverted = { notBefore: at(40), notAfter: at(20) };
  expect(judgeValidity(inverted, DEFAULT_THRESHOLDS, NOW)).toEqual({
    is: 'never-valid',
    severity: 'critical',
  });
  expect(judgeValidity(inverted, DEFAULT_THRESHOLDS, at(30).getTime())).toEqual({
    is: 'expired',
    severity: 'critical',
  });
  expect(judgeValidity({ notBefore: at(0), notAfter: at(0) }, DEFAULT_THRESHOLDS, NOW).is).toBe('expiring');
});

test('unreadable dates are reported', () => {
  expect(
    judgeValidity({ notBefore: new Date(NaN), notAfter: new Date(NOW) }, DEFAULT_THRESHOLDS, NOW).is,
  ).toBe('undated');
  expect(
    judgeValidity({ notBefore: new Date(NOW), notAfter: new Date(NaN) }, DEFAULT_THRESHOLDS, NOW).is,
  ).toBe('undated');
});

test('with a wider horizon, a certificate beyond the warning days is information', () => {
  expect(statusOf(397, 100, { withinDays: 120 })).toBe('expiring info');
  expect(statusOf(397, 200, { withinDays: 365 })).toBe('on-schedule');
  expect(statusOf(397, 200, { withinDays: 365, warningShare: 1 })).toBe('expiring info');
});
