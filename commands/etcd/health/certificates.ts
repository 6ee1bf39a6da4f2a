import { type ports, wording } from '../../kit.ts';
import type { StoreLook } from './collect.ts';
import { type Evidence, named, nameOf, targetOf, type Trouble } from './words.ts';

export interface CertificateLimits {
  readonly warningDays: number;
  readonly criticalDays: number;
}

const DAY_MS = 86_400_000;

type Served = ports.StoreMember & { readonly certificate: ports.Certificate };

/** Those whose certificate has ended: that they do not answer is told with it. */
export function withEnded({ members }: StoreLook, now: Date): readonly Served[] {
  return members.filter(isServed).filter((member) => leftMs(member, now) <= 0);
}

/** What the client ports serve. Members get theirs on the same day, so those that end are one finding, and those that have ended another. */
export function certificateTroubles(store: StoreLook, limits: CertificateLimits, now: Date): Trouble[] {
  const days = Math.max(limits.warningDays, limits.criticalDays);
  const ending = store.members
    .filter(isServed)
    .filter((member) => leftMs(member, now) > 0 && leftMs(member, now) <= days * DAY_MS);
  return [expired(store, withEnded(store, now), now), expiring(store, ending, limits, now)].flatMap(
    (trouble) => trouble ?? [],
  );
}

function expired(store: StoreLook, ended: readonly Served[], now: Date): Trouble | undefined {
  const [first] = ended.toSorted((a, b) => leftMs(a, now) - leftMs(b, now));
  if (!first) return undefined;
  const isOne = ended.length === 1;
  const all = wording.count(store.members.length, 'member');
  return {
    headline: `the ${isOne ? 'certificate' : 'certificates'} of ${ended.length} of ${all} of ${store.name} ${isOne ? 'has' : 'have'} expired`,
    finding: {
      reason: 'certificate-expired',
      severity: 'critical',
      target: targetOf(store, ended),
      summary: `The ${isOne ? 'certificate' : 'certificates'} of ${named(ended)} expired ${wording.span(leftMs(first, now))} ago: clients that verify it do not connect`,
      evidence: [table(ended)],
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

function isServed(member: ports.StoreMember): member is Served {
  return member.certificate !== undefined;
}

function leftMs({ certificate }: Served, now: Date): number {
  return certificate.notAfter.getTime() - now.getTime();
}

function table(members: readonly Served[]): Evidence {
  return {
    kind: 'table',
    columns: ['Member', 'Certificate', 'Ends'],
    rows: members.map((member) => [
      nameOf(member),
      member.certificate.name,
      wording.moment(member.certificate.notAfter),
    ]),
  };
}
