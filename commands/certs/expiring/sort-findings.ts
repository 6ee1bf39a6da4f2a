import type { Finding } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import type { RenewOffer } from './renew.ts';

/** A finding with what its place in the order of work depends on. */
export interface SortableFinding {
  readonly finding: Finding<RenewOffer>;
  /** When its certificate ends, in milliseconds; `NaN`, where that cannot be read, is last. */
  readonly untilMs: number;
  /** The places that have the problem, for the verdict; absent for certificates, which it counts itself. */
  readonly at?: { readonly first: string; readonly count: number };
  /** Present where the finding is about a certificate's dates: only those must wait for their signers. */
  readonly signs?: string;
  readonly signedBy?: string;
}

/**
 * The order in which to work: the most severe first, then what ends first; but a certificate comes right after the authority that signs it
 * where that one is due as well: renewed under the old authority, it would have to be renewed again.
 */
export function sortFindings(findings: readonly SortableFinding[]): Finding<RenewOffer>[] {
  const sorted = findings.toSorted(compare);
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
      // Its signers are in order now, and need not be searched again for each of a thousand leaves.
      bySubject.delete(next.signedBy);
    }
    for (const one of [...path].toReversed()) ordered.add(one);
  }
  return numberRepeated([...ordered].map(({ finding }) => finding));
}

function compare(a: SortableFinding, b: SortableFinding): number {
  const bySeverity = compareSeverity(a.finding, b.finding);
  if (bySeverity !== 0) return bySeverity;
  const byDate = (a.untilMs || Infinity) - (b.untilMs || Infinity);
  if (!Number.isNaN(byDate) && byDate !== 0) return byDate;
  return a.finding.target < b.finding.target ? -1 : 1;
}

/** Two certificates at one place (a site behind several addresses) are two findings: the later ones are numbered. */
function numberRepeated(findings: readonly Finding<RenewOffer>[]): Finding<RenewOffer>[] {
  const times = new Map<string, number>();
  return findings.map((finding) => {
    const key = `${finding.reason} ${finding.target}`;
    const time = (times.get(key) ?? 0) + 1;
    times.set(key, time);
    return time === 1 ? finding : { ...finding, target: `${finding.target} (${time})` };
  });
}
