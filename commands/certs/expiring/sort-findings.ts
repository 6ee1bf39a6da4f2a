import type { Finding } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { likelyImpact } from './impact.ts';
import type { RenewOffer } from '../../shared/renew.ts';

/** A finding with what determines its position in the order of work. */
export interface SortableFinding {
  readonly finding: Finding<RenewOffer>;
  /** When its certificate expires, in milliseconds. `NaN` if that is unreadable, which sorts last. */
  readonly untilMs: number;
  /** The places that have the problem, for the verdict. Absent for certificates, which the verdict counts. */
  readonly at?: { readonly first: string; readonly count: number };
  /** Present if the finding is about a certificate's dates: only those must wait for their signers. */
  readonly signs?: string;
  readonly signedBy?: string;
  /** Present if the finding is about the dates of one certificate. */
  readonly about?: DatedCertificate;
}

/** What decides whether the findings of several certificates become one, and what it says. */
export interface DatedCertificate {
  readonly name: string;
  /** The name of the issuer in the certificate, or as its manager names it. */
  readonly issuer: string;
  readonly notAfter: Date;
  /** The first ones in order, and how many there are. */
  readonly places: readonly [string, ...string[]];
  readonly count: number;
  /** Whether a store has it as its own. */
  readonly isStored: boolean;
  /** Authorities, and certificates that can be renewed in several places, each need their own decision. */
  readonly canBeGrouped: boolean;
  /** What must be renewed before it, and where that is stored. */
  readonly signers: readonly SigningCertificate[];
}

export interface SigningCertificate {
  readonly name: string;
  readonly place: string;
}

/**
 * Sorts findings in the order of work: the most severe first; of these what has expired, and of that one cause with many targets and what is
 * known to break something. If the authority that signs a certificate is also due, the certificate comes right after it: renewed under the
 * old authority, it would have to be renewed again. No two findings have the same reason and target.
 */
export function sortFindings(findings: readonly SortableFinding[]): SortableFinding[] {
  const sorted = findings.toSorted(compareUrgency);
  const bySubject = Map.groupBy(
    sorted.filter(({ signs }) => signs !== undefined),
    ({ signs }) => signs,
  );
  const ordered = new Set<SortableFinding>();
  for (const task of sorted) {
    const waiting = [task];
    const path = new Set<SortableFinding>();
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      if (ordered.has(next) || path.has(next)) continue;
      path.add(next);
      for (const signer of bySubject.get(next.signedBy) ?? []) waiting.push(signer);
      // Its signers are in order now, so they need not be searched again for each of a thousand leaves.
      bySubject.delete(next.signedBy);
    }
    for (const one of [...path].toReversed()) ordered.add(one);
  }
  return numberRepeated([...ordered]);
}

/** By severity, whether it has expired, how much it affects, then the one that expires first. */
export function compareUrgency(a: SortableFinding, b: SortableFinding): number {
  const bySeverity = compareSeverity(a.finding, b.finding);
  if (bySeverity !== 0) return bySeverity;
  const byEffect = Number(hasExpired(b)) - Number(hasExpired(a)) || Number(isOutage(b)) - Number(isOutage(a));
  if (byEffect !== 0) return byEffect;
  const byDate = (a.untilMs || Infinity) - (b.untilMs || Infinity);
  if (!Number.isNaN(byDate) && byDate !== 0) return byDate;
  if (a.finding.target === b.finding.target) return 0;
  return a.finding.target < b.finding.target ? -1 : 1;
}

/** What no longer works comes before what soon won't. */
function hasExpired({ finding: { reason } }: SortableFinding): boolean {
  return reason === 'certificate-expired';
}

/**
 * Whether it has one cause and many targets, or is about a stored certificate of a known component. A single site without such a certificate
 * is often a test site that nobody renews.
 */
function isOutage({ finding: { targets }, at, about }: SortableFinding): boolean {
  if ((targets?.length ?? 0) > 1 || (at?.count ?? 1) > 1) return true;
  return about?.isStored === true && likelyImpact(about.places[0], about.name) !== undefined;
}

/** Two certificates at one place (a site with several addresses) are two findings: the later ones are numbered. */
function numberRepeated(findings: readonly SortableFinding[]): SortableFinding[] {
  const times = new Map<string, number>();
  return findings.map((one) => {
    const { reason, target } = one.finding;
    const key = `${reason} ${target}`;
    const time = (times.get(key) ?? 0) + 1;
    times.set(key, time);
    return time === 1 ? one : { ...one, finding: { ...one.finding, target: `${target} (${time})` } };
  });
}
