import { type Evidence, wording } from '../../kit.ts';
import { byPlace, type CertificateOccurrences } from '../../shared/certificate-occurrences.ts';
import { field } from '../../shared/evidence.ts';
import { describeDue, type DueStatus } from '../../shared/certificate-validity.ts';
import { withoutSource } from '../../shared/sources.ts';
import { validityOf } from './expiry.ts';
import type { SortableFinding } from './sort-findings.ts';

interface DueRoot {
  readonly occurrences: CertificateOccurrences;
  readonly status: DueStatus;
}

/** Rows in the table of roots. Systems have about 140. */
const MAX_ROWS = 200;

/**
 * One finding for all roots in trust stores that have expired or soon will. It is information, because clients ignore such roots and they
 * cannot be renewed here. If a certificate still needs one, that is a separate finding.
 */
export function trustStoreFinding(due: readonly DueRoot[], nowMs: number): SortableFinding | undefined {
  const roots = due.toSorted((a, b) => byPlace(a.occurrences.places[0], b.occurrences.places[0]));
  const [first] = roots;
  if (!first) return undefined;
  const stores = [
    ...new Set(roots.flatMap(({ occurrences }) => occurrences.places.map(({ place }) => folderOf(place)))),
  ];
  const where = `in the trust ${stores.length > 1 ? 'stores' : 'store'} ${wording.list(stores.map(withoutSource), 2)}`;
  const rows = roots.slice(0, MAX_ROWS).map(({ occurrences, status }) => [
    occurrences.certificate.name,
    describeDue(occurrences.certificate, status, nowMs).replace(/^is /, ''),
    wording.list(
      occurrences.places.map(({ place }) => place),
      2,
      occurrences.count,
    ),
  ]);
  const evidence: readonly Evidence[] =
    roots.length === 1
      ? [field('Valid', validityOf(first.occurrences.certificate)), field('Place', rows[0]?.[2] ?? '')]
      : [{ kind: 'table', columns: ['Root', 'Status', 'Place'], rows }];
  const finding = {
    reason: 'trust-store-outdated',
    severity: 'info',
    target: folderOf(first.occurrences.places[0].place),
    summary: `${summaryOf(roots, where, nowMs)}: ${advice(roots)}`,
    evidence,
  } as const;
  return { finding, untilMs: first.occurrences.certificate.notAfter.getTime() };
}

function summaryOf(roots: readonly DueRoot[], where: string, nowMs: number): string {
  const [first, ...others] = roots;
  if (!first) return '';
  if (others.length === 0)
    return `${first.occurrences.certificate.name} ${describeDue(first.occurrences.certificate, first.status, nowMs)} (${where})`;
  const names = wording.list(
    roots.map(({ occurrences }) => occurrences.certificate.name),
    2,
  );
  return `${describeRoots(roots.map(({ status }) => status))} (${names}, ${where})`;
}

/** `2 trusted roots have expired`. With several kinds of problems, each has its number. */
export function describeRoots(statuses: readonly DueStatus[]): string {
  const parts = Object.entries(DUE_PHRASES).flatMap(([is, [one, many]]) => {
    const amount = statuses.filter((status) => status.is === is).length;
    return amount > 0 ? [{ amount, says: amount === 1 ? one : many }] : [];
  });
  return parts
    .map(({ amount, says }, at) => `${at === 0 ? wording.count(amount, 'trusted root') : amount} ${says}`)
    .join(', ');
}

/** The predicate for one certificate and for several, the worst first. */
export const DUE_PHRASES: Readonly<Record<DueStatus['is'], readonly [one: string, many: string]>> = {
  expired: ['has expired', 'have expired'],
  'never-valid': ['can never be valid', 'can never be valid'],
  expiring: ['expires soon', 'expire soon'],
  'not-yet-valid': ['is not valid yet', 'are not valid yet'],
  undated: ['has unreadable dates', 'have unreadable dates'],
};

function advice(roots: readonly DueRoot[]): string {
  const isOver = roots.some(({ status: { is } }) => is === 'expired' || is === 'never-valid');
  const them = roots.length > 1 ? 'them' : 'it';
  return isOver ? `remove ${them}, or update the system's certificates` : "update the system's certificates";
}

/** `disk:/etc/ssl/certs/AddTrust.pem`, `disk:/etc/ssl/certs/ca-certificates.crt#12`: `disk:/etc/ssl/certs`. */
function folderOf(place: string): string {
  return place.replace(/(?<=.)\/[^/]*$/, '');
}
