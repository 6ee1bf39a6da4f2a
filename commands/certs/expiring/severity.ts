import type { Finding, ports } from '../../kit.ts';

/**
 * When a certificate is late.
 *
 * A level is reached when BOTH are true: few days are left, and little of the lifetime is left.
 *
 * | level    | days left        | share of the lifetime left | for 47 days | for 397 days |
 * |----------|------------------|----------------------------|-------------|--------------|
 * | listed   | <= `within`      | <= `warningShare`          | 15 d        | 30 d         |
 * | warning  | <= `warningDays` | <= `warningShare`          | 15 d        | 30 d         |
 * | critical | <= `criticalDays`| <= `criticalShare`         | 4.7 d       | 7 d          |
 * | critical | expired          |                            | 0           | 0            |
 *
 * Days alone are wrong for short lives: a certificate of 47 days would be "late" for two thirds of its life, one of six days always,
 * and people learn to look away. Public lifetimes fall to 200 days in 2026, 100 in 2027 and 47 in 2029:
 * https://cabforum.org/2025/04/11/ballot-sc081v3-introduce-schedule-of-reducing-validity-and-data-reuse-periods/
 * A share alone is wrong for long ones: a tenth of a CA's ten years is a year.
 * A third, because automation renews when two thirds are over: one that has less left has missed its renewal.
 * https://cert-manager.io/docs/usage/certificate/#renewal, https://letsencrypt.org/docs/integration-guide/#when-to-renew
 * A week for `criticalDays`, because it holds a week-end whenever it begins.
 */
export interface Thresholds {
  /** The widest horizon: nothing that ends later is listed. */
  readonly withinMs: number;
  readonly warningDays: number;
  /** Of the lifetime, 0 to 1. */
  readonly warningShare: number;
  readonly criticalDays: number;
  readonly criticalShare: number;
}

export type Severity = Finding['severity'];

export type Standing =
  | { readonly is: 'expired' | 'expiring' | 'not-yet-valid' | 'undated'; readonly severity: Severity }
  /** Ends within the horizon, with more than `warningShare` of its lifetime still left: its renewal is not due yet. */
  | { readonly is: 'on-schedule' }
  | { readonly is: 'good' };

const DAY_MS = 86_400_000;

/** 9999-12-31 means "no expiry": https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5 */
const NEVER_MS = 253_402_214_400_000;

/** How a certificate stands at `nowMs`. It is still valid in the very moment of `notAfter`. */
export function judge(
  { notBefore, notAfter }: Pick<ports.Certificate, 'notBefore' | 'notAfter'>,
  thresholds: Thresholds,
  nowMs: number,
): Standing {
  const from = notBefore.getTime();
  const until = notAfter.getTime();
  if (Number.isNaN(from) || Number.isNaN(until)) return { is: 'undated', severity: 'warning' };
  if (nowMs > until) return { is: 'expired', severity: 'critical' };
  if (nowMs < from) return { is: 'not-yet-valid', severity: 'warning' };
  if (until >= NEVER_MS) return { is: 'good' };
  const left = until - nowMs;
  if (left > thresholds.withinMs) return { is: 'good' };
  const share = left / (until - from);
  if (share > thresholds.warningShare) return { is: 'on-schedule' };
  return { is: 'expiring', severity: severityOf(left / DAY_MS, share, thresholds) };
}

function severityOf(days: number, share: number, thresholds: Thresholds): Severity {
  if (days <= thresholds.criticalDays && share <= thresholds.criticalShare) return 'critical';
  return days <= thresholds.warningDays ? 'warning' : 'info';
}
