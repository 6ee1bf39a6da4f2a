import { type Evidence, type Finding, wording } from '../../kit.ts';
import { DEFAULT_THRESHOLDS } from '../../shared/certificate-validity.ts';
import type { RenewOffer } from '../../shared/renew.ts';
import type { Step } from './steps.ts';

/** What must be renewed together, in one order: an authority and what it signed, or certificates of one authority. */
export interface Rotation {
  readonly reason:
    | 'rotation-due'
    | 'rotation-in-progress'
    | 'rotation-unfinished'
    | 'signed-by-former-version'
    | 'signer-unknown'
    | 'renewal-due'
    | 'renewal-not-deployed';
  /** Of the authority, or of the certificate. */
  readonly place: string;
  readonly target: string;
  readonly severity: Finding['severity'];
  /** When the first certificate of it stops being valid, with everything that signed it. */
  readonly endMs?: number | undefined;
  /** The place of the rotation that comes before it. */
  readonly after?: string | undefined;
  readonly summary: string;
  readonly steps: readonly Step[];
  readonly members: readonly Member[];
  readonly evidence: readonly Evidence[];
  readonly offers: readonly RenewOffer[];
  /** Names and places by which people look for it. */
  readonly names: readonly string[];
  /** Places of trust files that its steps include. */
  readonly covers?: readonly string[];
}

/** A certificate that the rotation renews after the authority. */
export interface Member {
  readonly name: string;
  readonly place: string;
  readonly store: string;
  readonly renewable: boolean;
  readonly endMs?: number | undefined;
  readonly note?: string | undefined;
}

/** An authority takes three deploys. */
export const DEFAULT_WITHIN_DAYS = 60;
const DAY_MS = 86_400_000;

/** By the thresholds of `/certs expiring`. By days alone if it isn't known since when it is valid. */
export function severityAt(endMs: number | undefined, nowMs: number, fromMs?: number): Finding['severity'] {
  if (endMs === undefined) return 'warning';
  const leftMs = endMs - nowMs;
  if (leftMs < 0) return 'critical';
  const share = fromMs === undefined || fromMs >= endMs ? 0 : leftMs / (endMs - fromMs);
  const { criticalDays, criticalShare, warningDays } = DEFAULT_THRESHOLDS;
  if (leftMs <= criticalDays * DAY_MS && share <= criticalShare) return 'critical';
  return leftMs <= warningDays * DAY_MS ? 'warning' : 'info';
}

/** Whether so much of its lifetime is left that its renewal isn't due, as with 16 days of 47. */
export function isOnSchedule(endMs: number, nowMs: number, fromMs: number | undefined): boolean {
  if (fromMs === undefined || fromMs >= endMs) return false;
  return (endMs - nowMs) / (endMs - fromMs) > DEFAULT_THRESHOLDS.warningShare;
}

/** `expires in 9 days`, `expired 3 days ago`. */
export function endsIn(endMs: number | undefined, nowMs: number): string {
  if (endMs === undefined) return 'has no known expiry date';
  return `${endMs < nowMs ? 'expired' : 'expires'} ${whenEnds(endMs, nowMs)}`;
}

function whenEnds(endMs: number, nowMs: number): string {
  const span = wording.span(endMs - nowMs);
  return endMs < nowMs ? `${span} ago` : `in ${span}`;
}

/** `13 of 14 certificates of cf-ca have expired, the first 9 hours ago`, `14 certificates of cf-ca expire soon, the first in 9 days`. */
export function endTogether(
  what: string,
  members: readonly { readonly endMs?: number | undefined }[],
  nowMs: number,
): string {
  const total = members.length;
  const expired = members.filter(({ endMs }) => endMs !== undefined && endMs < nowMs).length;
  const first = earliest(members.map(({ endMs }) => endMs));
  const when = first === undefined ? '' : `, the first ${whenEnds(first, nowMs)}`;
  if (expired === 0) return `${total} ${what} expire soon${when}`;
  if (expired === 1) return `1 of ${total} ${what} expired ${whenEnds(first ?? nowMs, nowMs)}`;
  return `${expired === total ? total : `${expired} of ${total}`} ${what} have expired${when}`;
}

/** The smallest of those that are known. */
export function earliest(all: readonly (number | undefined)[]): number | undefined {
  let first: number | undefined;
  for (const one of all) if (one !== undefined && !(first !== undefined && first <= one)) first = one;
  return first;
}

/** A button for each, and one for all of them. */
export function renewOffers(members: readonly Member[]): readonly RenewOffer[] {
  const able = members.filter(({ renewable }) => renewable);
  const single = able.slice(0, MAX_SINGLE_OFFERS).map(({ name, place, store }) => ({
    remediation: 'renew' as const,
    params: { store, place },
    target: name,
  }));
  if (able.length < 2) return single;
  const each = able.map(({ name, place, store }) => ({ target: name, params: { store, place } }));
  return [{ remediation: 'renew', each }, ...single];
}

const MAX_SINGLE_OFFERS = 20;
