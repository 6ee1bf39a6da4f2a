import { type Finding, wording } from '../../kit.ts';
import { likelyHit } from './likely-hit.ts';
import { offersFor, type RenewOffer } from './renew.ts';
import type { Severity, Standing } from './severity.ts';
import type { Held, Place } from './tally.ts';

const REASON = {
  expired: 'certificate-expired',
  expiring: 'certificate-expiring',
  'not-yet-valid': 'certificate-not-yet-valid',
  undated: 'certificate-dates-unreadable',
} as const;

export type Due = Extract<Standing, { readonly severity: Severity }>;

const DAY_MS = 86_400_000;

/** What is to be said about a certificate whose dates need somebody. `first` are those that sign it and are due as well. */
export function dueFinding(
  held: Held,
  standing: Due,
  nowMs: number,
  first: readonly Held[],
): Finding<RenewOffer> {
  const { certificate, places } = held;
  const hit = likelyHit(places[0]?.place ?? '', certificate.name);
  const says = sentence(held, standing, nowMs);
  return {
    reason: REASON[standing.is],
    severity: severityAt(held, standing),
    target: targetOf(held),
    summary: hit !== undefined && standing.is === 'expired' ? `${says}; likely hit: ${hit}` : says,
    evidence: [
      { kind: 'field', label: 'Valid', value: validity(held) },
      { kind: 'field', label: 'Left', value: left(held, nowMs) },
      { kind: 'field', label: 'Subject', value: certificate.subject || 'none' },
      { kind: 'field', label: 'Issuer', value: certificate.issuer || 'none' },
      ...(hit === undefined ? [] : [{ kind: 'field', label: 'Likely hit', value: hit } as const]),
      ...(first.length === 0
        ? []
        : [{ kind: 'field', label: 'Renew first', value: signers(first) } as const]),
      { kind: 'field', label: 'SHA-256', value: certificate.fingerprint },
      ...placesTable(held),
    ],
    ...(isLate(standing) && offersFor(held.renewable)),
  };
}

/** A date in the future, or none that can be read, is not mended by a new one. */
function isLate({ is }: Due): boolean {
  return is === 'expired' || is === 'expiring';
}

/**
 * A finding is named by the first of its certificate's places and not by the certificate: renewed there, the finding goes away;
 * not renewed, it persists from run to run, whatever order the sources answer in.
 */
export function targetOf({ places: [first], certificate }: Held): string {
  if (!first) return certificate.name;
  return first.as === 'own'
    ? first.place
    : `${first.place} ${roleOf(first, certificate)} ${certificate.name}`;
}

/** A place without the name of its source, as its owner would say it. */
export function bare(place: string): string {
  return place.slice(place.indexOf(':') + 1);
}

/** Served along where nothing needs it, it harms no client of this age. Not valid yet, it harms as soon as it is served. */
function severityAt({ places, live }: Held, { is, severity }: Due): Severity {
  if (places.every(({ as }) => as === 'extra')) return 'info';
  return is === 'not-yet-valid' && live ? 'critical' : severity;
}

function sentence(held: Held, { is }: Due, nowMs: number): string {
  const { certificate, places, count } = held;
  const [first] = places;
  const what = deed(held, is, nowMs);
  if (!first || first.as === 'own') return `${certificate.name} ${what} (${where(first, count)})`;
  const role = roleOf(first, certificate);
  const outlives = places.filter(({ leaf }) => leaf && leaf.notAfter > certificate.notAfter);
  if (first.as === 'extra')
    return `${bare(first.place)}: “${certificate.name}”, served along though the leaf does not need it, ${what}: take it out`;
  if (count > 1) {
    const at = wording.list(
      places.map(({ place }) => bare(place)),
      2,
      count,
    );
    return `“${certificate.name}”, ${role === 'root' ? 'the root' : 'an intermediate'} at ${count} places (${at}), ${what}${beforeLeaf(is, outlives[0], nowMs)}`;
  }
  return `${bare(first.place)}: its ${role} “${certificate.name}” ${what}${beforeLeaf(is, outlives[0], nowMs)}`;
}

function beforeLeaf(is: Due['is'], outlived: Place | undefined, nowMs: number): string {
  if (!outlived?.leaf) return '';
  const leafLeft = outlived.leaf.notAfter.getTime() - nowMs;
  return is === 'expired' && leafLeft > 0
    ? `, though the leaf is good for ${wording.span(leafLeft)}`
    : ', before the leaf';
}

function deed({ certificate: { notBefore, notAfter } }: Held, is: Due['is'], nowMs: number): string {
  switch (is) {
    case 'expired':
      return `expired ${wording.span(nowMs - notAfter.getTime())} ago`;
    case 'expiring':
      return `expires in ${wording.span(notAfter.getTime() - nowMs)}`;
    case 'not-yet-valid':
      return `is not valid before ${wording.moment(notBefore)}, in ${wording.span(notBefore.getTime() - nowMs)}`;
    default:
      return 'has dates that cannot be read';
  }
}

function where(first: Place | undefined, count: number): string {
  const others = count > 1 ? ` and ${wording.count(count - 1, 'other place')}` : '';
  return `${first?.place ?? 'nowhere'}${others}`;
}

function roleOf({ as }: Place, { selfSigned }: Held['certificate']): string {
  if (as === 'extra') return 'extra';
  return selfSigned ? 'root' : 'intermediate';
}

function validity({ certificate: { notBefore, notAfter } }: Held): string {
  const days = Math.floor((notAfter.getTime() - notBefore.getTime()) / DAY_MS);
  const length = Number.isNaN(days) ? '' : `, ${wording.count(days, 'day')}`;
  return `${wording.moment(notBefore)} to ${wording.moment(notAfter)}${length}`;
}

function left({ certificate: { notBefore, notAfter } }: Held, nowMs: number): string {
  const ms = notAfter.getTime() - nowMs;
  if (Number.isNaN(ms)) return 'unknown';
  if (ms < 0) return `none for ${wording.span(ms)}`;
  const lifetime = notAfter.getTime() - notBefore.getTime();
  return lifetime > 0 ? `${wording.span(ms)}, ${percent(ms / lifetime)} of the lifetime` : wording.span(ms);
}

function percent(share: number): string {
  const whole = Math.min(100, Math.floor(100 * share));
  return whole < 1 ? 'less than 1 %' : `${whole} %`;
}

function signers(first: readonly Held[]): string {
  return wording.list(
    first.map(({ certificate, places }) => `${certificate.name} (${places[0]?.place ?? ''})`),
  );
}

const AS = { own: 'its own', issuer: 'signs the leaf', extra: 'not needed' } as const;

function placesTable({ places, count }: Held): NonNullable<Finding['evidence']> {
  if (count < 2) return [];
  const rows = places.map(({ place, as, leaf }) => [place, AS[as], leaf?.name ?? '']);
  const shown = count > places.length ? `${count}, the first ${places.length} of them here` : String(count);
  return [
    { kind: 'field', label: 'Places', value: shown },
    { kind: 'table', columns: ['Place', 'There it is', 'Leaf'], rows },
  ];
}
