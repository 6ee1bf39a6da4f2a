import { type Evidence, type ports, wording } from '../kit.ts';
import { field } from './evidence.ts';
import { memberNames, memberName, type Store, storeTarget, type StoreProblem } from './describe-store.ts';

const DAY_MS = 86_400_000;

export interface CertificateLimits {
  readonly warningDays: number;
  readonly criticalDays: number;
}

export function hasExpired(certificate: ports.Certificate | undefined, now: Date): boolean {
  return certificate !== undefined && certificate.notAfter.getTime() <= now.getTime();
}

/** `the peer certificates of n1 and n2 have expired`; undefined where nothing of the kind is known. */
export function describeExpired(
  members: readonly ports.StoreMember[],
  which: 'certificate' | 'peerCertificate',
  now: Date,
): string | undefined {
  const ended = members.filter((member) => hasExpired(member[which], now));
  if (ended.length === 0) return undefined;
  const isOne = ended.length === 1;
  const kind = which === 'peerCertificate' ? 'peer certificate' : 'certificate';
  return `the ${kind}${isOne ? '' : 's'} of ${memberNames(ended)} ${isOne ? 'has' : 'have'} expired`;
}

/** What we show ourselves: with an expired one, members that verify it reject us, and nothing else can be seen. */
export function clientCertificateProblem(
  store: Store,
  { warningDays, criticalDays }: CertificateLimits,
  now: Date,
): StoreProblem | undefined {
  const { clientCertificate: certificate, name } = store;
  if (!certificate) return undefined;
  const early = certificate.notBefore.getTime() - now.getTime();
  if (early > 0) {
    const headline = `Wrench's client certificate for ${name} is not valid for another ${wording.span(early)}`;
    const reason = 'client-certificate-not-yet-valid';
    return toClientProblem(
      store,
      certificate,
      { headline, reason, severity: 'critical' },
      describeEffect(store),
    );
  }
  const left = certificate.notAfter.getTime() - now.getTime();
  if (left > Math.max(warningDays, criticalDays) * DAY_MS) return undefined;
  const isOver = left <= 0;
  const headline = `Wrench's client certificate for ${name} ${isOver ? `expired ${wording.span(left)} ago` : `expires in ${wording.span(left)}`}`;
  const consequence = isOver
    ? describeEffect(store)
    : 'members that verify it will then reject it, and this check will see nothing. Renew it';
  const reason = isOver ? 'client-certificate-expired' : 'client-certificate-expiring';
  const severity = left <= criticalDays * DAY_MS ? 'critical' : 'warning';
  return toClientProblem(store, certificate, { headline, reason, severity }, consequence);
}

function toClientProblem(
  { name }: Store,
  certificate: ports.Certificate,
  {
    headline,
    ...known
  }: { readonly headline: string } & Pick<StoreProblem['finding'], 'reason' | 'severity'>,
  consequence: string,
): StoreProblem {
  return {
    headline,
    finding: {
      ...known,
      target: name,
      summary: `${headline}: ${consequence}`,
      evidence: [
        field('Certificate', certificate.name),
        field(
          'Valid',
          `${wording.utcTime(certificate.notBefore)} to ${wording.utcTime(certificate.notAfter)}`,
        ),
        field('Configured as', `clientCertificate of the source ${name}`),
      ],
    },
  };
}

/** What the endpoints do with one that is not valid, as far as they show it. */
function describeEffect({ endpoints }: Store): string {
  if (endpoints.some(({ error }) => error === undefined))
    return 'some members still accept it; those that verify it do not. Renew it';
  return endpoints.some(({ failureMode }) => failureMode === 'rejected')
    ? 'members reject it, so their state is not known. Renew it, and check whether other clients use the same one'
    : 'members that verify it will reject it. Renew it';
}

interface Served {
  readonly id: string;
  readonly name: string;
  readonly certificate: ports.Certificate;
}

/** What client ports serve: by member, or by endpoint where the members could not be listed. Members get theirs on the same day, so this is one finding. */
export function expiredCertificatesProblem(store: Store, now: Date): StoreProblem | undefined {
  const { members, endpoints, name } = store;
  const all =
    members.length > 0 ? members : endpoints.map((one) => ({ ...one, id: one.address, name: one.address }));
  const ended = all.flatMap(({ certificate, ...one }): Served[] =>
    certificate && hasExpired(certificate, now) ? [{ id: one.id, name: one.name, certificate }] : [],
  );
  if (ended.length === 0) return undefined;
  const isOne = ended.length === 1;
  const count = wording.count(all.length, members.length > 0 ? 'member' : 'endpoint');
  const isAll = ended.length === all.length && !isOne;
  const headline = isAll
    ? `the certificates of all ${count} of ${name} have expired`
    : `the ${isOne ? 'certificate' : 'certificates'} of ${ended.length} of ${count} of ${name} ${isOne ? 'has' : 'have'} expired`;
  const longest = Math.max(...ended.map(({ certificate }) => now.getTime() - certificate.notAfter.getTime()));
  return {
    headline,
    finding: {
      reason: 'certificate-expired',
      severity: 'critical',
      target: storeTarget(store, ended),
      summary: `The ${isOne ? 'certificate' : 'certificates'} of ${memberNames(ended)} expired ${wording.span(longest)} ago: clients that verify ${isOne ? 'it' : 'them'} cannot connect`,
      evidence: [table(members.length > 0 ? 'Member' : 'Endpoint', ended)],
    },
  };
}

function table(who: string, ended: readonly Served[]): Evidence {
  return {
    kind: 'table',
    columns: [who, 'Certificate', 'Expires'],
    rows: ended.map((one) => [
      memberName(one),
      one.certificate.name,
      wording.utcTime(one.certificate.notAfter),
    ]),
  };
}
