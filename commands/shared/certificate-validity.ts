import { type Finding, type ports, wording } from '../kit.ts';

/**
 * Decides when a certificate needs action.
 *
 * A level is reached if both are true: few days are left, and little of the lifetime is left.
 *
 * | level    | days left        | share of the lifetime left | for 47 days | for 397 days |
 * |----------|------------------|----------------------------|-------------|--------------|
 * | listed   | <= `within`      | <= `warningShare`          | 15 d        | 30 d         |
 * | warning  | <= `warningDays` | <= `warningShare`          | 15 d        | 30 d         |
 * | critical | <= `criticalDays`| <= `criticalShare`         | 4.7 d       | 7 d          |
 * | critical | expired, or ends before it begins |          | 0           | 0            |
 *
 * Days alone do not work for short lifetimes: a 47-day certificate would be reported for two thirds of its life, and a 6-day certificate
 * always. Public lifetimes fall to 200 days in 2026, 100 in 2027 and 47 in 2029:
 * https://cabforum.org/2025/04/11/ballot-sc081v3-introduce-schedule-of-reducing-validity-and-data-reuse-periods/ A share alone does not
 * work for long lifetimes: a tenth of a CA's 10 years is a year. The share is a third because automation renews after two thirds: a
 * certificate with less left has missed its renewal.
 * https://cert-manager.io/docs/usage/certificate/#renewal, https://letsencrypt.org/docs/integration-guide/#when-to-renew `criticalDays` is
 * a week, so that it always includes a weekend.
 */
export interface ValidityThresholds {
  /** The horizon: certificates that expire later are not listed. */
  readonly withinDays: number;
  readonly warningDays: number;
  /** Share of the lifetime, 0 to 1. */
  readonly warningShare: number;
  readonly criticalDays: number;
  readonly criticalShare: number;
}

export const DEFAULT_THRESHOLDS: ValidityThresholds = {
  withinDays: 30,
  warningDays: 30,
  warningShare: 0.33,
  criticalDays: 7,
  criticalShare: 0.1,
};

/** A certificate whose dates need action. `severity` applies to a certificate that is in use. */
export interface DueStatus {
  /** `never-valid`: it ends before it begins, and the end is in the future. If the end has passed, it is `expired`. */
  readonly is: keyof typeof VALIDITY_REASONS;
  readonly severity: Finding['severity'];
}

export type ValidityStatus =
  | DueStatus
  /** Whether it expires within the horizon, with more than `warningShare` of its lifetime left: its renewal is not due yet. */
  | { readonly is: 'on-schedule' }
  | { readonly is: 'valid' };

export const VALIDITY_REASONS = {
  expired: 'certificate-expired',
  'never-valid': 'certificate-never-valid',
  'not-yet-valid': 'certificate-not-yet-valid',
  expiring: 'certificate-expiring',
  undated: 'certificate-dates-unreadable',
} as const;

type Dates = Pick<ports.Certificate, 'notBefore' | 'notAfter'>;

/** What is known of the dates: a manager may say only when a certificate ends, or nothing. */
export interface KnownDates {
  /** Absent also if it says nothing about the lifetime. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Clocks may differ by minutes. A certificate that begins later than that was issued in advance. */
const MAX_SKEW_MS = 10 * MINUTE_MS;
/** 9999-12-31 means "no expiry": https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5 */
const NEVER_MS = 253_402_214_400_000;

/** The status at `nowMs`. A certificate is still valid at `notAfter` itself. If its beginning is unknown, only the days count. */
export function judgeValidity(
  { notBefore, notAfter }: KnownDates,
  thresholds: ValidityThresholds,
  nowMs: number,
): ValidityStatus {
  const from = notBefore ? notBefore.getTime() : -Infinity;
  const until = notAfter?.getTime() ?? NaN;
  if (Number.isNaN(from) || Number.isNaN(until)) return { is: 'undated', severity: 'warning' };
  if (nowMs > until) return { is: 'expired', severity: 'critical' };
  if (from > until) return { is: 'never-valid', severity: 'critical' };
  if (nowMs < from) return { is: 'not-yet-valid', severity: 'warning' };
  const days = (until - nowMs) / DAY_MS;
  if (until >= NEVER_MS || days > thresholds.withinDays) return { is: 'valid' };
  const share = (until - nowMs) / (until - from);
  if (share > thresholds.warningShare) return { is: 'on-schedule' };
  if (days <= thresholds.criticalDays && share <= thresholds.criticalShare)
    return { is: 'expiring', severity: 'critical' };
  return { is: 'expiring', severity: days <= thresholds.warningDays ? 'warning' : 'info' };
}

export function isDueStatus(status: ValidityStatus): status is DueStatus {
  return 'severity' in status;
}

/**
 * Whether it ends before it begins. Vault issues such certificates under an authority that expires first:
 * https://github.com/hashicorp/vault/issues/30621
 */
export function isInverted({ notBefore, notAfter }: KnownDates): boolean {
  return notBefore !== undefined && notAfter !== undefined && notBefore > notAfter;
}

export function isValidAt({ notBefore, notAfter }: Dates, moment: Date): boolean {
  return notBefore <= moment && moment <= notAfter;
}

export function neverEnds({ notAfter }: Pick<Dates, 'notAfter'>): boolean {
  return notAfter.getTime() >= NEVER_MS;
}

/** Continues a sentence after the certificate's name. Never contains a negative length of time. */
export function describeDue(dates: KnownDates, { is }: DueStatus, nowMs: number): string {
  const { notBefore, notAfter } = dates;
  if (!notAfter) return 'has unreadable dates';
  const order = notBefore
    ? `ends ${wording.utcTime(notAfter)}, before it begins ${wording.utcTime(notBefore)}`
    : '';
  switch (is) {
    case 'expired': {
      const ago = `expired ${wording.span(nowMs - notAfter.getTime())} ago`;
      return isInverted(dates) ? `${ago} and was never valid: it ${order}` : ago;
    }
    case 'never-valid':
      return `can never be valid: it ${order}`;
    case 'expiring':
      return `expires in ${wording.span(notAfter.getTime() - nowMs)}`;
    case 'not-yet-valid':
      return notBefore ? describeEarly(notBefore, nowMs) : 'is not valid yet';
    default:
      return 'has unreadable dates';
  }
}

function describeEarly(notBefore: Date, nowMs: number): string {
  const ms = notBefore.getTime() - nowMs;
  const begins = wording.utcTime(notBefore);
  return ms <= MAX_SKEW_MS
    ? `is not valid yet: it becomes valid in ${wording.span(ms)}, at ${begins}; it was just issued, or a clock is wrong`
    : `is not valid until ${begins}, in ${wording.span(ms)}`;
}

/** `2018-07-13 22:25 UTC to 2019-07-12 22:25 UTC` */
export function validityPeriod(dates: Dates): string {
  const { notBefore, notAfter } = dates;
  const [from, to] = [wording.utcTime(notBefore), wording.utcTime(notAfter)];
  if (isInverted(dates)) return `never: it begins ${from} and ends ${to}`;
  return neverEnds(dates) ? `from ${from}, no expiry` : `${from} to ${to}`;
}
