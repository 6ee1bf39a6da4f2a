import { type ports, wording } from '../../kit.ts';
import { hasExpired, type StoreLook } from './collect.ts';
import { type Evidence, field, named, nameOf, targetOf, type Trouble } from './words.ts';

export interface CertificateLimits {
  readonly warningDays: number;
  readonly criticalDays: number;
}

const DAY_MS = 86_400_000;

/** A member, or an endpoint where nobody listed the members, with what it serves. */
interface Served {
  readonly id: string;
  readonly name: string;
  readonly certificate: ports.Certificate;
}

/** Their ids: that they do not respond is reported with their certificate. */
export function idsOfExpired(store: StoreLook, now: Date): readonly string[] {
  return servedIn(store)
    .filter((one) => leftMs(one, now) <= 0)
    .map(({ id }) => id);
}

/** What the client ports serve, and what we show. Members get theirs on the same day, so those that expire are one finding, and those that have expired another. */
export function certificateTroubles(store: StoreLook, limits: CertificateLimits, now: Date): Trouble[] {
  const served = servedIn(store);
  const isSoon = (one: Served) => leftMs(one, now) > 0 && leftMs(one, now) <= soonestMs(limits);
  return [
    ownCertificate(store, limits, now),
    expiredPeers(store, now),
    expired(
      store,
      served.filter((one) => leftMs(one, now) <= 0),
      served.length,
      now,
    ),
    notYetValid(
      store,
      served.filter(({ certificate }) => certificate.notBefore.getTime() > now.getTime()),
      now,
    ),
    expiring(store, served.filter(isSoon), limits, now),
  ].flatMap((trouble) => trouble ?? []);
}

/** `the peer certificates of n1 and n2 have expired`; undefined where nothing of the kind is known. */
export function certificateProblem(
  members: readonly ports.StoreMember[],
  which: 'certificate' | 'peerCertificate',
  now: Date,
): string | undefined {
  const ended = members.filter((member) => hasExpired(member[which], now));
  if (ended.length === 0) return undefined;
  const isOne = ended.length === 1;
  const kind = which === 'peerCertificate' ? 'peer certificate' : 'certificate';
  return `the ${kind}${isOne ? '' : 's'} of ${named(ended)} ${isOne ? 'has' : 'have'} expired`;
}

function servedIn({ members, endpoints }: StoreLook): readonly Served[] {
  const all =
    members.length > 0 ? members : endpoints.map((one) => ({ ...one, id: one.address, name: one.address }));
  return all.flatMap(({ id, name, certificate }) => (certificate ? [{ id, name, certificate }] : []));
}

function soonestMs({ warningDays, criticalDays }: CertificateLimits): number {
  return Math.max(warningDays, criticalDays) * DAY_MS;
}

/** With an expired one every member rejects us, and nothing else can be seen. */
function ownCertificate(store: StoreLook, limits: CertificateLimits, now: Date): Trouble | undefined {
  const { clientCertificate: certificate, name } = store;
  if (!certificate) return undefined;
  const left = certificate.notAfter.getTime() - now.getTime();
  if (left > soonestMs(limits)) return undefined;
  const whose = `Wrench's client certificate for ${name}`;
  const hasExpired = left <= 0;
  const headline = hasExpired
    ? `${whose} expired ${wording.span(left)} ago`
    : `${whose} expires in ${wording.span(left)}`;
  return {
    headline,
    finding: {
      reason: hasExpired ? 'client-certificate-expired' : 'client-certificate-expiring',
      severity: left <= limits.criticalDays * DAY_MS ? 'critical' : 'warning',
      target: name,
      summary: `${headline}: ${hasExpired ? 'members reject it, so their state is not known. Renew it, and check whether other clients use the same one' : 'from then on members reject it, and this check sees nothing. Renew it'}`,
      evidence: [
        field('Certificate', certificate.name),
        field('Expires', wording.moment(certificate.notAfter)),
        field('Configured as', `clientCertificate of the source ${name}`),
      ],
    },
  };
}

function expired(
  store: StoreLook,
  ended: readonly Served[],
  servedCount: number,
  now: Date,
): Trouble | undefined {
  const [first] = ended.toSorted((a, b) => leftMs(a, now) - leftMs(b, now));
  if (!first) return undefined;
  const isOne = ended.length === 1;
  const count = store.members.length || store.endpoints.length;
  const all = wording.count(count, store.members.length > 0 ? 'member' : 'endpoint');
  const isAll = ended.length === count && servedCount === count && count > 1;
  const headline = isAll
    ? `the certificates of all ${all} of ${store.name} have expired`
    : `the ${isOne ? 'certificate' : 'certificates'} of ${ended.length} of ${all} of ${store.name} ${isOne ? 'has' : 'have'} expired`;
  return {
    headline,
    finding: {
      reason: 'certificate-expired',
      severity: 'critical',
      target: targetOf(store, ended),
      summary: `The ${isOne ? 'certificate' : 'certificates'} of ${named(ended)} expired ${wording.span(leftMs(first, now))} ago: clients that verify it do not connect`,
      evidence: [table(ended)],
    },
  };
}

/** Connections that are open go on; a member that restarts, or is cut off for a moment, is lost. */
function expiredPeers(store: StoreLook, now: Date): Trouble | undefined {
  const problem = certificateProblem(store.members, 'peerCertificate', now);
  // Without a leader it is the cause, and reported there.
  if (problem === undefined || store.hasQuorum === false) return undefined;
  const ended = store.members.filter(({ peerCertificate }) => hasExpired(peerCertificate, now));
  return {
    headline: problem,
    finding: {
      reason: 'peer-certificate-expired',
      severity: 'critical',
      target: targetOf(store, ended),
      summary: `${capital(problem)}: members that restart or reconnect cannot join, and with the next one ${store.name} may lose its quorum. Renew the peer certificates`,
      evidence: [
        {
          kind: 'table',
          columns: ['Member', 'Peer certificate', 'Expires'],
          rows: ended.map((member) => [
            nameOf(member),
            member.peerCertificate?.name ?? '',
            member.peerCertificate ? wording.moment(member.peerCertificate.notAfter) : '',
          ]),
        },
      ],
    },
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function notYetValid(store: StoreLook, early: readonly Served[], now: Date): Trouble | undefined {
  const [first] = early.toSorted(
    (a, b) => b.certificate.notBefore.getTime() - a.certificate.notBefore.getTime(),
  );
  if (!first) return undefined;
  const isOne = early.length === 1;
  const headline = `the ${isOne ? 'certificate' : 'certificates'} of ${named(early)} ${isOne ? 'is' : 'are'} not valid yet`;
  const startsIn = first.certificate.notBefore.getTime() - now.getTime();
  return {
    headline,
    finding: {
      reason: 'certificate-not-yet-valid',
      severity: 'critical',
      target: targetOf(store, early),
      summary: `T${headline.slice(1)}, for another ${wording.span(startsIn)}: clients that verify it do not connect. Check the clocks, too`,
      evidence: [table(early)],
    },
  };
}

function expiring(
  store: StoreLook,
  ending: readonly Served[],
  { criticalDays }: CertificateLimits,
  now: Date,
): Trouble | undefined {
  const [first] = ending.toSorted((a, b) => leftMs(a, now) - leftMs(b, now));
  if (!first) return undefined;
  const left = leftMs(first, now);
  const isOne = ending.length === 1;
  const whose = `${isOne ? 'certificate' : 'certificates'} of ${named(ending)} ${isOne ? 'expires' : 'expire'} in ${wording.span(left)}`;
  return {
    headline: `the ${whose}`,
    finding: {
      reason: 'certificate-expiring',
      severity: left <= criticalDays * DAY_MS ? 'critical' : 'warning',
      target: targetOf(store, ending),
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
      nameOf(member),
      member.certificate.name,
      wording.moment(member.certificate.notAfter),
    ]),
  };
}
