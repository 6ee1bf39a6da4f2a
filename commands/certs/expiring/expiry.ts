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
import { offersFor, type RenewOffer } from './renew.ts';
import { daysLeft } from './time-left.ts';

const DAY_MS = 86_400_000;

/** A certificate whose dates need action. `first` has the authorities to renew before it. */
export function dueFinding(
  occurrences: CertificateOccurrences,
  status: DueStatus,
  nowMs: number,
  first: readonly CertificateOccurrences[],
): Finding<RenewOffer> {
  const { certificate, places } = occurrences;
  const impact = likelyImpact(places[0].place, certificate.name);
  const says = describe(occurrences, status, nowMs);
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
        : [field('Valid', validityOf(certificate) + shareLeft(certificate, nowMs))]),
      ...(certificate.subject === `CN=${certificate.name}`
        ? []
        : [field('Subject', certificate.subject || 'none')]),
      field('Issuer', issuerOf(certificate)),
      ...placesTable(occurrences),
      field('SHA-256', certificate.fingerprint),
    ],
    ...(isRenewedByDate(occurrences, status) && offersFor(occurrences.renewable)),
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
export function validityOf(certificate: ports.Certificate): string {
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
export function describeSigners(first: readonly CertificateOccurrences[]): string {
  return wording.list(first.map(({ certificate, storedAt }) => `${certificate.name} (${storedAt})`));
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

/**
 * What stops working when the certificate of a component has expired, for components that can be recognized by name. The first row that
 * matches the place or the name is used, so components that run on another component's VM come first (`cell/silk-daemon`).
 */
const LIKELY_IMPACT: readonly (readonly [RegExp, string])[] = [
  // Container networking: https://docs.cloudfoundry.org/concepts/understand-cf-networking.html
  [
    words('policy server(?: internal)?|vxlan policy agent'),
    'cells no longer receive container-to-container network policies',
  ],
  [
    words('silk (?:controller|daemon)'),
    'cells lose their container network lease: new app instances do not start on them',
  ],
  // Logging: https://docs.cloudfoundry.org/loggregator/architecture.html
  [
    words('scalablesyslog|syslog(?:ger)?|ss (?:adapter|scheduler)|syslog (?:agent|drain)'),
    'syslog drains receive no app logs',
  ],
  [
    words('loggregator|reverse ?log ?proxy|rlp|traffic ?controller|doppler|metron'),
    '`cf logs` and metrics of apps and the platform',
  ],
  // Diego: https://docs.cloudfoundry.org/concepts/diego/diego-architecture.html
  [
    words('locket'),
    'cells cannot register their presence, and the BBS and the auctioneer lose their locks: apps cannot be placed',
  ],
  [words('auctioneer'), 'no app instance is placed: pushes, scaling and restarts hang'],
  [words('rep|cell service'), 'the BBS and the cells cannot connect: pushes end in "Downloading Failed"'],
  [words('bbs'), 'cells and Cloud Controller cannot reach the BBS: apps do not start, stop or scale'],
  [
    words('cc uploader|blobstore'),
    'droplets cannot be uploaded or downloaded: pushes end in "Downloading Failed"',
  ],
  [
    words('cloud controller(?: ng)?|cc bridge|tps(?: watcher)?'),
    '`cf push` and the rest of the Cloud Controller API',
  ],
  [words('uaa'), 'neither users nor components can log in'],
  [words('go ?router|ha ?proxy'), 'traffic to every app behind it'],
  // https://bosh.io/docs/nats-ca-rotation/#expired
  [words('nats'), 'components exchange no messages; on a BOSH director every agent becomes "unresponsive"'],
  [words('credhub'), 'deployments and apps cannot fetch their secrets'],
  // https://kubernetes.io/docs/setup/best-practices/certificates/
  [words('etcd'), 'etcd members and everything that stores its state in etcd'],
  [words('(?:kube )?apiserver'), 'the Kubernetes API and all its clients'],
  [words('kubelet'), 'the node becomes NotReady'],
];

/** Whether an impact is that logs or metrics are missing: everything else keeps working. */
export function isAboutLogs(impact: string): boolean {
  return /\blogs\b/.test(impact);
}

/** Matches whole words, whatever separates them: `policy_server_internal`, `policy-server.service`. */
function words(pattern: string): RegExp {
  return new RegExp(`(?:^| )(?:${pattern})(?= |$)`);
}

/** A short phrase. It is a guess; undefined if the names say nothing. */
export function likelyImpact(place: string, name: string): string | undefined {
  const path = place.slice(place.indexOf(':') + 1);
  for (const text of [path, name]) {
    const plain = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ');
    const known = LIKELY_IMPACT.find(([pattern]) => pattern.test(plain));
    if (known) return known[1];
  }
  return undefined;
}
