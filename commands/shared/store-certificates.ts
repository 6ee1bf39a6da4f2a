import { type Evidence, type ports, wording } from '../kit.ts';
import { field } from './evidence.ts';
import { shareOf } from './grammar.ts';
import {
  hasExpired,
  memberName,
  memberNames,
  type Store,
  type StoreProblem,
  storeTarget,
} from './store-members.ts';

const DAY_MS = 86_400_000;

export interface CertificateLimits {
  readonly warningDays: number;
  readonly criticalDays: number;
}

/** How long before it expires a certificate is reported. */
export function soonMs({ warningDays, criticalDays }: CertificateLimits): number {
  return Math.max(warningDays, criticalDays) * DAY_MS;
}

/**
 * A problem of the certificate that Wrench presents. Members that verify it reject an expired one, and then nothing else is known about
 * them.
 */
export function clientCertificateProblem(
  store: Store,
  { warningDays, criticalDays }: CertificateLimits,
  now: Date,
): StoreProblem | undefined {
  const { clientCertificate: certificate, name } = store;
  if (!certificate) return undefined;
  const early = certificate.notBefore.getTime() - now.getTime();
  const left = certificate.notAfter.getTime() - now.getTime();
  const problemOf = (
    state: string,
    how: Pick<StoreProblem['finding'], 'reason' | 'severity'>,
    consequence: string,
  ): StoreProblem => {
    const headline = `Wrench's client certificate for ${name} ${state}`;
    const valid = `${wording.utcTime(certificate.notBefore)} to ${wording.utcTime(certificate.notAfter)}`;
    return {
      headline,
      finding: {
        ...how,
        target: name,
        summary: `${headline}: ${consequence}`,
        evidence: [
          field('Certificate', certificate.name),
          field('Valid', valid),
          field('Configured as', `clientCertificate of the source ${name}`),
        ],
      },
    };
  };
  if (early > 0)
    return problemOf(
      `is not valid yet, for another ${wording.span(early)}`,
      { reason: 'client-certificate-not-yet-valid', severity: 'critical' },
      describeEffect(store),
    );
  const severity = left <= criticalDays * DAY_MS ? 'critical' : 'warning';
  if (left <= 0)
    return problemOf(
      `expired ${wording.span(left)} ago`,
      { reason: 'client-certificate-expired', severity },
      describeEffect(store),
    );
  if (left > soonMs({ warningDays, criticalDays })) return undefined;
  return problemOf(
    `expires in ${wording.span(left)}`,
    { reason: 'client-certificate-expiring', severity },
    'after that, members that verify it will reject Wrench, and this check can no longer read their state. Renew it',
  );
}

/** What the endpoints do with an invalid certificate, as far as is known. */
function describeEffect({ endpoints }: Store): string {
  if (endpoints.some(({ error }) => error === undefined))
    return 'some members still accept it, but members that verify it do not. Renew it';
  return endpoints.some(({ failureMode }) => failureMode === 'rejected')
    ? 'members reject it, so their state is unknown. Renew it, and check whether other clients use the same certificate'
    : 'members that verify it will reject it. Renew it';
}

/** A member, or an endpoint if the members could not be listed, with the certificate that it serves to clients. */
export interface StoreCertificate {
  readonly id: string;
  readonly name: string;
  readonly certificate: ports.Certificate;
}

export function servedCertificates(store: Store): readonly StoreCertificate[] {
  return membersOrEndpoints(store).flatMap(({ id, name, certificate }) =>
    certificate ? [{ id, name, certificate }] : [],
  );
}

function membersOrEndpoints({ members, endpoints }: Store) {
  return members.length > 0
    ? members
    : endpoints.map((one) => ({ ...one, id: one.address, name: one.address }));
}

/** Members usually get their certificates on the same day, so those that have expired are one finding. */
export function expiredCertificatesProblem(store: Store, now: Date): StoreProblem | undefined {
  const ended = servedCertificates(store).filter(({ certificate }) => hasExpired(certificate, now));
  if (ended.length === 0) return undefined;
  const all = membersOrEndpoints(store).length;
  const isOne = ended.length === 1;
  const noun = isOne ? 'certificate' : 'certificates';
  const which = shareOf(ended.length, all, `${store.members.length > 0 ? 'member' : 'endpoint'} certificate`);
  const headline = `${which} of ${store.name} ${isOne ? 'has' : 'have'} expired`;
  const longest = Math.max(...ended.map(({ certificate }) => now.getTime() - certificate.notAfter.getTime()));
  return {
    headline,
    finding: {
      reason: 'certificate-expired',
      severity: 'critical',
      target: storeTarget(store, ended),
      summary: `The ${noun} of ${memberNames(ended)} expired ${wording.span(longest)} ago: clients that verify ${isOne ? 'it' : 'them'} can't connect`,
      evidence: [certificatesTable(store, ended)],
    },
  };
}

export function certificatesTable({ members }: Store, served: readonly StoreCertificate[]): Evidence {
  return {
    kind: 'table',
    columns: [members.length > 0 ? 'Member' : 'Endpoint', 'Certificate', 'Expires'],
    rows: served.map((one) => [
      memberName(one),
      one.certificate.name,
      wording.utcTime(one.certificate.notAfter),
    ]),
  };
}
