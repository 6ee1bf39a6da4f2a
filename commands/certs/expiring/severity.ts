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
 * | critical | expired, or ends before it begins |          | 0           | 0            |
 *
 * Days alone are wrong for short lifetimes: a certificate of 47 days would be "late" for two thirds of its life, one of six days always,
 * and people learn to ignore it. Public lifetimes fall to 200 days in 2026, 100 in 2027 and 47 in 2029:
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

export type Status =
  | {
      /** `never-valid` ends before it begins, and the end is still to come; one that has ended is `expired` all the same. */
      readonly is: 'expired' | 'never-valid' | 'not-yet-valid' | 'expiring' | 'undated';
      readonly severity: Severity;
    }
  /** Ends within the horizon, with more than `warningShare` of its lifetime still left: its renewal is not due yet. */
  | { readonly is: 'on-schedule' }
  | { readonly is: 'valid' };

type Dates = Pick<ports.Certificate, 'notBefore' | 'notAfter'>;

const DAY_MS = 86_400_000;

/** 9999-12-31 means "no expiry": https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5 */
const NEVER_MS = 253_402_214_400_000;

/** The status at `nowMs`. A certificate is still valid at the very moment of `notAfter`. */
export function judge({ notBefore, notAfter }: Dates, thresholds: Thresholds, nowMs: number): Status {
  const from = notBefore.getTime();
  const until = notAfter.getTime();
  if (Number.isNaN(from) || Number.isNaN(until)) return { is: 'undated', severity: 'warning' };
  if (nowMs > until) return { is: 'expired', severity: 'critical' };
  if (from > until) return { is: 'never-valid', severity: 'critical' };
  if (nowMs < from) return { is: 'not-yet-valid', severity: 'warning' };
  if (until >= NEVER_MS) return { is: 'valid' };
  const left = until - nowMs;
  if (left > thresholds.withinMs) return { is: 'valid' };
  const share = left / (until - from);
  if (share > thresholds.warningShare) return { is: 'on-schedule' };
  return { is: 'expiring', severity: severityOf(left / DAY_MS, share, thresholds) };
}

/** Ends before it begins, as Vault issues it under an authority that ends first: https://github.com/hashicorp/vault/issues/30621 */
export function isInverted({ notBefore, notAfter }: Dates): boolean {
  return notBefore > notAfter;
}

export function isValidAt({ notBefore, notAfter }: Dates, moment: Date): boolean {
  return notBefore <= moment && moment <= notAfter;
}

export function neverEnds({ notAfter }: Pick<Dates, 'notAfter'>): boolean {
  return notAfter.getTime() >= NEVER_MS;
}

function severityOf(days: number, share: number, thresholds: Thresholds): Severity {
  if (days <= thresholds.criticalDays && share <= thresholds.criticalShare) return 'critical';
  return days <= thresholds.warningDays ? 'warning' : 'info';
}
