import { type Evidence, type Finding, type ports, wording } from '../../kit.ts';
import {
  type CertificateOccurrences,
  type CertificatePlace,
  severityOfDue,
} from '../../shared/certificate-occurrences.ts';
import {
  describeDue,
  type DueStatus,
  isInverted,
  neverEnds,
  VALIDITY_REASONS,
  validityPeriod,
} from '../../shared/certificate-validity.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { withoutSource } from '../../shared/sources.ts';
import { offersFor, type RenewOffer } from '../../shared/renew.ts';
import type { SigningCertificate } from './sort-findings.ts';
import { likelyImpact } from './impact.ts';
import { daysLeft } from './time-left.ts';

const DAY_MS = 86_400_000;
/** Rows in the table of what ends with an authority. */
const MAX_DEPENDENTS = 200;

interface DueContext {
  /** The authorities to renew before it. */
  readonly first: readonly SigningCertificate[];
  /** Stored certificates that it signed, and that end later by their own dates. */
  readonly endsWith?: readonly CertificateOccurrences[];
  /** Whether its beginning says when it was issued. */
  readonly hasOwnStart?: boolean;
  /** Where it is renewed already, if it is only served. */
  readonly successor?: string;
}

/** A certificate whose dates need action. */
export function dueFinding(
  occurrences: CertificateOccurrences,
  status: DueStatus,
  nowMs: number,
  { first, endsWith = [], hasOwnStart = true, successor }: DueContext,
): Finding<RenewOffer> {
  const { certificate, places } = occurrences;
  const impact = likelyImpact(places[0].place, certificate.name);
  const says =
    describe(occurrences, status, nowMs) +
    describeDependents(endsWith.map((one) => one.certificate.name)) +
    (successor === undefined ? '' : `: ${successor} has a newer one, which isn't served here yet`);
  return {
    reason: VALIDITY_REASONS[status.is],
    severity: severityOfDue(occurrences, status),
    target: targetOf(occurrences),
    summary: impact !== undefined && status.is === 'expired' ? `${says}; likely impact: ${impact}` : says,
    ...daysLeft(certificate, status, nowMs),
    evidence: [
      ...(first.length === 0 ? [] : [field('Renew first', describeSigners(first))]),
      ...optionalField('Likely impact', status.is === 'expired' ? undefined : impact),
      // The summary has both ends.
      ...(isInverted(certificate)
        ? []
        : [
            field(
              'Valid',
              hasOwnStart
                ? validityOf(certificate) + shareLeft(certificate, nowMs)
                : `until ${wording.utcTime(certificate.notAfter)}`,
            ),
          ]),
      ...(certificate.subject === `CN=${certificate.name}`
        ? []
        : [field('Subject', certificate.subject || 'none')]),
      field('Issuer', issuerOf(certificate)),
      ...dependentsTable(
        endsWith.map(({ certificate: { name, notAfter }, places: [{ place }] }) => ({
          name,
          notAfter,
          place,
        })),
      ),
      ...placesTable(occurrences),
      field('SHA-256', certificate.fingerprint),
    ],
    ...(isRenewedByDate(occurrences, status) && offersFor(occurrences.renewable)),
    ...(successor !== undefined && { next: [{ check: 'certs/drift', args: {} }] }),
  };
}

/**
 * Renewal does not fix a date in the future or an unreadable date, and a certificate with inverted dates would get the same negative
 * lifetime again.
 */
function isRenewedByDate({ certificate }: CertificateOccurrences, { is }: DueStatus): boolean {
  return (is === 'expired' || is === 'expiring') && !isInverted(certificate);
}

/**
 * The target of a finding is the first place of its certificate, not the certificate. If it is renewed there, the finding disappears.
 * Otherwise it stays the same from run to run, in whatever order the sources respond.
 */
export function targetOf({ places: [first], certificate }: CertificateOccurrences): string {
  return targetAt(first, { certificate });
}

/** The target if this were the first of its places. */
export function targetAt(
  at: CertificatePlace,
  { certificate }: Pick<CertificateOccurrences, 'certificate'>,
): string {
  return at.as === 'own' ? at.place : `${at.place} ${roleOf(at, certificate)} ${certificate.name}`;
}

function describe(occurrences: CertificateOccurrences, status: DueStatus, nowMs: number): string {
  const { certificate, places, count } = occurrences;
  const [first] = places;
  const { name } = certificate;
  const what = describeDue(certificate, status, nowMs);
  if (first.as === 'own') return `${name} ${what} (${describePlaces(first, count)})`;
  const named = places.map(({ place }) => withoutSource(place));
  const at = count > 1 ? `${count} places (${wording.list(named, 2, count)})` : named.join('');
  if (first.as === 'extra')
    return `${name}, which the ${count > 1 ? 'chains at' : 'chain at'} ${at} ${count > 1 ? "don't" : "doesn't"} need, ${what}: remove it`;
  const role = roleOf(first, certificate);
  return `${name}, the ${role} at ${at}, ${what}${describeOutlived(occurrences, status)}`;
}

function describeOutlived(
  { certificate: { notAfter }, places }: CertificateOccurrences,
  { is }: DueStatus,
): string {
  const outlived = places.find(({ leaf }) => leaf && leaf.notAfter > notAfter && !neverEnds(leaf))?.leaf;
  if (!outlived || (is !== 'expired' && is !== 'expiring')) return '';
  const earlier = wording.span(outlived.notAfter.getTime() - notAfter.getTime());
  return `, ${earlier} before the leaf certificate`;
}

function describePlaces(first: CertificatePlace, count: number): string {
  return count > 1 ? `${first.place} and ${wording.count(count - 1, 'other place')}` : first.place;
}

function roleOf({ as }: CertificatePlace, { selfSigned }: CertificateOccurrences['certificate']): string {
  if (as === 'extra') return 'extra';
  return selfSigned ? 'root' : 'intermediate';
}

/** The validity period, and its length if it has one. */
export function validityOf(certificate: Pick<ports.Certificate, 'notBefore' | 'notAfter'>): string {
  const { notBefore, notAfter } = certificate;
  const days = Math.floor((notAfter.getTime() - notBefore.getTime()) / DAY_MS);
  const hasLength = days >= 0 && !neverEnds(certificate);
  const length = hasLength ? ` (${days < 1 ? 'less than a day' : wording.count(days, 'day')})` : '';
  return validityPeriod(certificate) + length;
}

/** `, 4% left`; nothing outside the validity period. */
function shareLeft({ notBefore, notAfter }: ports.Certificate, nowMs: number): string {
  const [from, until] = [notBefore.getTime(), notAfter.getTime()];
  const isRunning = from <= nowMs && nowMs <= until && until > from;
  return isRunning ? `, ${wording.percent((until - nowMs) / (until - from))} left` : '';
}

function issuerOf({ subject, issuer }: ports.Certificate): string {
  return issuer !== '' && issuer === subject ? 'itself' : issuer || 'none';
}

/** `cf-internal-ca (vault:secret/cf/ca:certificate)` */
export function describeSigners(first: readonly SigningCertificate[]): string {
  return wording.list(
    first.map(({ name, place }) => (place.endsWith(`:${name}`) ? place : `${name} (${place})`)),
  );
}

/** `, and 2 certificates that it signed end with it: a and b`. Continues a summary. */
export function describeDependents(names: readonly string[]): string {
  if (names.length === 0) return '';
  const [what, end] =
    names.length === 1 ? ['1 certificate', 'ends'] : [`${names.length} certificates`, 'end'];
  return `, and ${what} that it signed ${end} with it (${wording.list(names, 2)})`;
}

interface Dependent {
  readonly name: string;
  readonly place: string;
  readonly notAfter?: Date | undefined;
}

/** With their own ends, which are later. */
export function dependentsTable(dependents: readonly Dependent[]): readonly Evidence[] {
  if (dependents.length === 0) return [];
  const rows = dependents
    .slice(0, MAX_DEPENDENTS)
    .map(({ name, place, notAfter }) => [
      name,
      place,
      notAfter === undefined ? 'unknown' : wording.utcTime(notAfter),
    ]);
  return [{ kind: 'table', columns: ['Ends with it', 'Place', 'Own end'], rows }];
}

const AS = {
  own: 'certificate',
  issuer: 'in its chain',
  extra: 'not needed',
  trusted: 'in a trust store',
} as const;

function placesTable({ places, count }: CertificateOccurrences): readonly Evidence[] {
  if (count < 2) return [];
  const rows = places.map(({ place, as, leaf }) => [place, AS[as], leaf?.name ?? '']);
  // The summary has the role of the first.
  const hasRoles = places.some(({ as }) => as !== places[0].as);
  const shown = count > places.length ? [field('Places', `${places.length} of ${count} listed`)] : [];
  return [
    ...shown,
    hasRoles
      ? { kind: 'table', columns: ['Place', 'Role', 'Leaf certificate'], rows }
      : {
          kind: 'table',
          columns: ['Place', 'Leaf certificate'],
          rows: rows.map(([place = '', , leaf = '']) => [place, leaf]),
        },
  ];
}
