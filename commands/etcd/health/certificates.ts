import { wording } from '../../kit.ts';
import {
  type CertificateLimits,
  certificatesTable,
  clientCertificateProblem,
  expiredCertificatesProblem,
  type StoreCertificate,
  servedCertificates,
  soonMs,
} from '../../shared/store-certificates.ts';
import {
  describeExpired,
  hasExpired,
  memberName,
  memberNames,
  storeTarget,
} from '../../shared/store-members.ts';
import type { StoreState } from './collect.ts';
import type { Problem } from './verdict.ts';

const DAY_MS = 86_400_000;

/** The ids of members whose certificate explains why they do not respond. */
export function idsOfExpired(store: StoreState, now: Date): readonly string[] {
  return servedCertificates(store)
    .filter(({ certificate }) => hasExpired(certificate, now))
    .map(({ id }) => id);
}

/**
 * The certificates of the client ports, and Wrench's own. Members usually get theirs on the same day, so expiring ones are one finding, and
 * expired ones another.
 */
export function certificateProblems(store: StoreState, limits: CertificateLimits, now: Date): Problem[] {
  return [
    clientCertificateProblem(store, limits, now),
    expiredPeers(store, now),
    expiredCertificatesProblem(store, now),
    notYetValid(store, now),
    expiring(store, limits, now),
  ].flatMap((problem) => problem ?? []);
}

/** Open connections stay, but a member that restarts or loses its connections cannot rejoin. */
function expiredPeers(store: StoreState, now: Date): Problem | undefined {
  const problem = describeExpired(store.members, 'peerCertificate', now);
  // Without a leader, it is reported there as the cause.
  if (problem === undefined || store.hasQuorum === false) return undefined;
  const ended = store.members.filter(({ peerCertificate }) => hasExpired(peerCertificate, now));
  return {
    headline: problem,
    finding: {
      reason: 'peer-certificate-expired',
      severity: 'critical',
      target: storeTarget(store, ended),
      summary: `${wording.capitalize(problem)}: members that restart or reconnect can't rejoin, and ${store.name} may lose its quorum. Renew the peer certificates`,
      evidence: [
        {
          kind: 'table',
          columns: ['Member', 'Peer certificate', 'Expires'],
          rows: ended.map((member) => [
            memberName(member),
            member.peerCertificate?.name ?? '',
            member.peerCertificate ? wording.utcTime(member.peerCertificate.notAfter) : '',
          ]),
        },
      ],
    },
  };
}

function notYetValid(store: StoreState, now: Date): Problem | undefined {
  const startsInMs = ({ certificate }: StoreCertificate) => certificate.notBefore.getTime() - now.getTime();
  const early = servedCertificates(store).filter((one) => startsInMs(one) > 0);
  if (early.length === 0) return undefined;
  const isOne = early.length === 1;
  const headline = `the ${isOne ? 'certificate' : 'certificates'} of ${memberNames(early)} ${isOne ? 'is' : 'are'} not valid yet`;
  return {
    headline,
    finding: {
      reason: 'certificate-not-yet-valid',
      severity: 'critical',
      target: storeTarget(store, early),
      summary: `${wording.capitalize(headline)}, for another ${wording.span(Math.max(...early.map(startsInMs)))}: clients that verify ${isOne ? 'it' : 'them'} can't connect. Also check the clocks`,
      evidence: [certificatesTable(store, early)],
    },
  };
}

function expiring(store: StoreState, limits: CertificateLimits, now: Date): Problem | undefined {
  const leftMs = ({ certificate }: StoreCertificate) => certificate.notAfter.getTime() - now.getTime();
  const ending = servedCertificates(store).filter((one) => leftMs(one) > 0 && leftMs(one) <= soonMs(limits));
  if (ending.length === 0) return undefined;
  const left = Math.min(...ending.map(leftMs));
  const isOne = ending.length === 1;
  const headline = `the ${isOne ? 'certificate' : 'certificates'} of ${memberNames(ending)} ${isOne ? 'expires' : 'expire'} in ${wording.span(left)}`;
  return {
    headline,
    finding: {
      reason: 'certificate-expiring',
      severity: left <= limits.criticalDays * DAY_MS ? 'critical' : 'warning',
      target: storeTarget(store, ending),
      summary: wording.capitalize(headline),
      level: { value: Math.floor(left / DAY_MS), unit: 'days left' },
      evidence: [certificatesTable(store, ending)],
    },
  };
}
