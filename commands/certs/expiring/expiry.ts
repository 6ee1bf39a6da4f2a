import { type Finding, wording } from '../../kit.ts';
import { likelyImpact } from './impact.ts';
import { offersFor, type RenewOffer } from './renew.ts';
import { isInverted, neverEnds, type Severity, type Status } from './severity.ts';
import type { CertificateOccurrences, Place } from './group-by-fingerprint.ts';

const REASON = {
  expired: 'certificate-expired',
  'never-valid': 'certificate-never-valid',
  'not-yet-valid': 'certificate-not-yet-valid',
  expiring: 'certificate-expiring',
  undated: 'certificate-dates-unreadable',
} as const;

export type Due = Extract<Status, { readonly severity: Severity }>;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Clocks differ by minutes; a certificate that begins later than that was issued in advance. */
const MAX_SKEW_MS = 10 * MINUTE_MS;

/** A certificate whose dates need action. `first` are the authorities to renew before it. */
export function dueFinding(
  occurrences: CertificateOccurrences,
  status: Due,
  nowMs: number,
  first: readonly CertificateOccurrences[],
): Finding<RenewOffer> {
  const { certificate, places } = occurrences;
  const impact = likelyImpact(places[0].place, certificate.name);
  const says = describe(occurrences, status, nowMs);
  return {
    reason: REASON[status.is],
    severity: severityAt(occurrences, status),
    target: targetOf(occurrences),
    summary: impact !== undefined && status.is === 'expired' ? `${says}; likely impact: ${impact}` : says,
    evidence: [
      { kind: 'field', label: 'Valid', value: validity(occurrences) },
      { kind: 'field', label: 'Remaining', value: remaining(occurrences, nowMs) },
      { kind: 'field', label: 'Subject', value: certificate.subject || 'none' },
      { kind: 'field', label: 'Issuer', value: certificate.issuer || 'none' },
      ...(impact === undefined ? [] : [{ kind: 'field', label: 'Likely impact', value: impact } as const]),
      ...(first.length === 0
        ? []
        : [{ kind: 'field', label: 'Renew first', value: describeSigners(first) } as const]),
      { kind: 'field', label: 'SHA-256', value: certificate.fingerprint },
      ...placesTable(occurrences),
    ],
    ...(isRenewedByDate(occurrences, status) && offersFor(occurrences.renewable)),
  };
}

/** Renewal does not fix a date in the future or one that cannot be read, and a certificate with inverted dates would get the same negative lifetime again. */
function isRenewedByDate({ certificate }: CertificateOccurrences, { is }: Due): boolean {
  return (is === 'expired' || is === 'expiring') && !isInverted(certificate);
}

/** Whether some place needs it: not where it is only carried along in chains, or only trusted. */
export function isNeeded({ places: [first] }: CertificateOccurrences): boolean {
  return first.as === 'own' || first.as === 'issuer';
}

/** Whether it is in trust stores and nowhere else. */
export function isOnlyTrusted({ places: [first] }: CertificateOccurrences): boolean {
  return first.as === 'trusted';
}

/**
 * A finding is named by the first of its certificate's places and not by the certificate: renewed there, the finding goes away;
 * not renewed, it persists from run to run, whatever order the sources answer in.
 */
export function targetOf({ places: [first], certificate }: CertificateOccurrences): string {
  return first.as === 'own'
    ? first.place
    : `${first.place} ${roleOf(first, certificate)} ${certificate.name}`;
}

/** A place without the name of its source. */
export function withoutSource(place: string): string {
  return place.slice(place.indexOf(':') + 1);
}

/** Information where no client needs it; critical where a site serves it before it is valid. */
function severityAt(occurrences: CertificateOccurrences, { is, severity }: Due): Severity {
  if (!isNeeded(occurrences)) return 'info';
  return is === 'not-yet-valid' && occurrences.live ? 'critical' : severity;
}

function describe(occurrences: CertificateOccurrences, status: Due, nowMs: number): string {
  const { certificate, places, count } = occurrences;
  const [first] = places;
  const { name } = certificate;
  const what = describeDue(occurrences, status, nowMs);
  if (first.as === 'own') return `${name} ${what} (${describePlaces(first, count)})`;
  const named = places.map(({ place }) => withoutSource(place));
  const at = count > 1 ? `${count} places (${wording.list(named, 2, count)})` : named.join('');
  if (first.as === 'extra')
    return `${name} ${what}; ${at} ${count > 1 ? 'have' : 'has'} it in the chain, but the leaf certificate does not need it: remove it`;
  const role = roleOf(first, certificate);
  return `${name}, the ${role} at ${at}, ${what}${describeOutlived(occurrences, status)}`;
}

function describeOutlived(
  { certificate: { notAfter }, places }: CertificateOccurrences,
  { is }: Due,
): string {
  const outlived = places.find(({ leaf }) => leaf && leaf.notAfter > notAfter && !neverEnds(leaf))?.leaf;
  if (!outlived || (is !== 'expired' && is !== 'expiring')) return '';
  const earlier = wording.span(outlived.notAfter.getTime() - notAfter.getTime());
  return `, ${earlier} before the leaf certificate`;
}

/** Continues the sentence after the name. No length of time in it is negative. */
export function describeDue({ certificate }: CertificateOccurrences, { is }: Due, nowMs: number): string {
  const { notBefore, notAfter } = certificate;
  const order = `ends ${wording.utcTime(notAfter)}, before it begins ${wording.utcTime(notBefore)}`;
  switch (is) {
    case 'expired': {
      const ago = `expired ${wording.span(nowMs - notAfter.getTime())} ago`;
      return isInverted(certificate) ? `${ago} and was never valid: it ${order}` : ago;
    }
    case 'never-valid':
      return `can never be valid: it ${order}`;
    case 'expiring':
      return `expires in ${wording.span(notAfter.getTime() - nowMs)}`;
    case 'not-yet-valid':
      return describeEarly(notBefore, nowMs);
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

function describePlaces(first: Place, count: number): string {
  return count > 1 ? `${first.place} and ${wording.count(count - 1, 'other place')}` : first.place;
}

function roleOf({ as }: Place, { selfSigned }: CertificateOccurrences['certificate']): string {
  if (as === 'extra') return 'extra';
  return selfSigned ? 'root' : 'intermediate';
}

export function validity({ certificate }: Pick<CertificateOccurrences, 'certificate'>): string {
  const { notBefore, notAfter } = certificate;
  const [from, to] = [wording.utcTime(notBefore), wording.utcTime(notAfter)];
  if (isInverted(certificate)) return `never: it begins ${from} and ends ${to}`;
  if (neverEnds(certificate)) return `from ${from}, no expiry`;
  const days = Math.floor((notAfter.getTime() - notBefore.getTime()) / DAY_MS);
  const length = Number.isNaN(days) ? '' : ` (${days < 1 ? 'less than a day' : wording.count(days, 'day')})`;
  return `${from} to ${to}${length}`;
}

function remaining({ certificate }: CertificateOccurrences, nowMs: number): string {
  const { notBefore, notAfter } = certificate;
  const [from, until] = [notBefore.getTime(), notAfter.getTime()];
  if (Number.isNaN(from) || Number.isNaN(until)) return 'unknown';
  if (nowMs > until) return `none, expired ${wording.span(nowMs - until)} ago`;
  if (from > until) return 'none';
  if (nowMs < from) return `starts in ${wording.span(from - nowMs)}`;
  const left = until - nowMs;
  return until > from
    ? `${wording.span(left)}, ${percent(left / (until - from))} of the lifetime`
    : wording.span(left);
}

function percent(share: number): string {
  const whole = Math.min(100, Math.floor(100 * share));
  return whole < 1 ? 'less than 1%' : `${whole}%`;
}

function describeSigners(first: readonly CertificateOccurrences[]): string {
  return wording.list(first.map(({ certificate, storedAt }) => `${certificate.name} (${storedAt})`));
}

const AS = {
  own: 'certificate',
  issuer: 'in its chain',
  extra: 'not needed',
  trusted: 'in a trust store',
} as const;

function placesTable({ places, count }: CertificateOccurrences): NonNullable<Finding['evidence']> {
  if (count < 2) return [];
  const rows = places.map(({ place, as, leaf }) => [place, AS[as], leaf?.name ?? '']);
  const shown = count > places.length ? `${count} (first ${places.length} shown)` : String(count);
  return [
    { kind: 'field', label: 'Places', value: shown },
    { kind: 'table', columns: ['Place', 'Role', 'Leaf certificate'], rows },
  ];
}
