import { type Evidence, type ports, wording } from '../../kit.ts';
import {
  type CertificateLimits,
  describeExpired,
  clientCertificateProblem,
  expiredCertificatesProblem,
  hasExpired,
} from '../../shared/store-certificates.ts';
import { memberName, memberNames, storeTarget } from '../../shared/describe-store.ts';
import type { StoreState } from './collect.ts';
import type { Problem } from './problem.ts';

const DAY_MS = 86_400_000;

/** A member, or an endpoint where the members could not be listed, with what it serves. */
interface Served {
  readonly id: string;
  readonly name: string;
  readonly certificate: ports.Certificate;
}

/** Their ids: that they do not respond is reported with their certificate. */
export function idsOfExpired(store: StoreState, now: Date): readonly string[] {
  return servedIn(store)
    .filter(({ certificate }) => hasExpired(certificate, now))
    .map(({ id }) => id);
}

/** The certificates of the client ports, and our own. Members usually get theirs on the same day, so those that expire are one finding, and those that have expired another. */
export function certificateProblems(store: StoreState, limits: CertificateLimits, now: Date): Problem[] {
  const served = servedIn(store);
  const isSoon = (one: Served) => leftMs(one, now) > 0 && leftMs(one, now) <= soonestMs(limits);
  return [
    clientCertificateProblem(store, limits, now),
    expiredPeers(store, now),
    expiredCertificatesProblem(store, now),
    notYetValid(
      store,
      served.filter(({ certificate }) => certificate.notBefore.getTime() > now.getTime()),
      now,
    ),
    expiring(store, served.filter(isSoon), limits, now),
  ].flatMap((problem) => problem ?? []);
}

function servedIn({ members, endpoints }: StoreState): readonly Served[] {
  const all =
    members.length > 0 ? members : endpoints.map((one) => ({ ...one, id: one.address, name: one.address }));
  return all.flatMap(({ id, name, certificate }) => (certificate ? [{ id, name, certificate }] : []));
}

function soonestMs({ warningDays, criticalDays }: CertificateLimits): number {
  return Math.max(warningDays, criticalDays) * DAY_MS;
}

/** Open connections stay; a member that restarts or briefly loses its connections cannot come back. */
function expiredPeers(store: StoreState, now: Date): Problem | undefined {
  const problem = describeExpired(store.members, 'peerCertificate', now);
  // Without a leader it is the cause, and reported there.
  if (problem === undefined || store.hasQuorum === false) return undefined;
  const ended = store.members.filter(({ peerCertificate }) => hasExpired(peerCertificate, now));
  return {
    headline: problem,
    finding: {
      reason: 'peer-certificate-expired',
      severity: 'critical',
      target: storeTarget(store, ended),
      summary: `${capitalize(problem)}: members that restart or reconnect cannot rejoin, and ${store.name} may lose its quorum. Renew the peer certificates`,
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

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function notYetValid(store: StoreState, early: readonly Served[], now: Date): Problem | undefined {
  const [first] = early.toSorted(
    (a, b) => b.certificate.notBefore.getTime() - a.certificate.notBefore.getTime(),
  );
  if (!first) return undefined;
  const isOne = early.length === 1;
  const headline = `the ${isOne ? 'certificate' : 'certificates'} of ${memberNames(early)} ${isOne ? 'is' : 'are'} not valid yet`;
  const startsIn = first.certificate.notBefore.getTime() - now.getTime();
  return {
    headline,
    finding: {
      reason: 'certificate-not-yet-valid',
      severity: 'critical',
      target: storeTarget(store, early),
      summary: `T${headline.slice(1)}, for another ${wording.span(startsIn)}: clients that verify ${isOne ? 'it' : 'them'} cannot connect. Also check the clocks`,
      evidence: [table(early)],
    },
  };
}

function expiring(
  store: StoreState,
  ending: readonly Served[],
  { criticalDays }: CertificateLimits,
  now: Date,
): Problem | undefined {
  const [first] = ending.toSorted((a, b) => leftMs(a, now) - leftMs(b, now));
  if (!first) return undefined;
  const left = leftMs(first, now);
  const isOne = ending.length === 1;
  const whose = `${isOne ? 'certificate' : 'certificates'} of ${memberNames(ending)} ${isOne ? 'expires' : 'expire'} in ${wording.span(left)}`;
  return {
    headline: `the ${whose}`,
    finding: {
      reason: 'certificate-expiring',
      severity: left <= criticalDays * DAY_MS ? 'critical' : 'warning',
      target: storeTarget(store, ending),
      summary: `The ${whose}`,
      evidence: [table(ending)],
    },
  };
}

function leftMs({ certificate }: Served, now: Date): number {
  return certificate.notAfter.getTime() - now.getTime();
}

function table(members: readonly Served[]): Evidence {
  return {
    kind: 'table',
    columns: ['Member', 'Certificate', 'Expires'],
    rows: members.map((member) => [
      memberName(member),
      member.certificate.name,
      wording.utcTime(member.certificate.notAfter),
    ]),
  };
}
