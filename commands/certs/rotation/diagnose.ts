import { type Diagnosis, type Finding, finderFor, wording } from '../../kit.ts';
import { BUTTON_RENEWALS, type RenewOffer } from '../../shared/renew.ts';
import { compareSeverity } from '../../shared/severity.ts';
import type { Facts } from './facts.ts';
import { planRotations } from './plan-rotations.ts';
import type { Rotation } from './rotation.ts';

export interface DiagnoseArgs {
  /** In milliseconds. */
  readonly within: number;
  readonly match?: string | undefined;
}

export function diagnose(facts: Facts, { within, match }: DiagnoseArgs, now: Date): Diagnosis<RenewOffer> {
  const nowMs = now.getTime();
  const isMatch = match === undefined ? undefined : finderFor(match);
  const rotations = planRotations(facts, nowMs, within).filter(
    ({ names, target }) => !isMatch || [target, ...names].some(isMatch),
  );
  const sorted = inOrder(rotations);
  const examined = countCertificates(facts);
  return {
    examined,
    verdict: verdictOf(sorted, examined, within),
    findings: sorted.map(toFinding),
    measures: [
      { label: 'rotations', value: sorted.length, unit: `due within ${wording.span(within)}` },
      { label: BUTTON_RENEWALS, value: buttonRenewals(sorted), unit: 'open' },
    ],
  };
}

/** How many certificates can be renewed from here as the next step. A renewal that only begins a rotation lowers it. */
function buttonRenewals(rotations: readonly Rotation[]): number {
  const offered = rotations.flatMap(({ offers }) =>
    offers.flatMap((one) => ('each' in one ? one.each.map(({ params }) => params.place) : one.params.place)),
  );
  return new Set(offered).size;
}

/** The most severe first, then what ends first. What must come before another rotation is listed before it. */
function inOrder(rotations: readonly Rotation[]): readonly Rotation[] {
  const byPlace = new Map(rotations.map((one) => [one.place, one]));
  const sorted = rotations.toSorted(
    (a, b) =>
      compareSeverity(a, b) ||
      (a.endMs ?? Infinity) - (b.endMs ?? Infinity) ||
      (a.target < b.target ? -1 : Number(a.target > b.target)),
  );
  const listed = new Set<Rotation>();
  const add = (one: Rotation, passed: ReadonlySet<Rotation>): void => {
    if (listed.has(one) || passed.has(one)) return;
    const first = one.after === undefined ? undefined : byPlace.get(one.after);
    if (first) add(first, new Set([...passed, one]));
    listed.add(one);
  };
  for (const one of sorted) add(one, new Set());
  return [...listed];
}

function toFinding({
  reason,
  severity,
  target,
  summary,
  evidence,
  members,
  offers,
}: Rotation): Finding<RenewOffer> {
  const names = members.map(({ name }) => name).filter((name) => name !== target);
  // The authority is affected too, not only what it signed.
  const isAuthority = reason === 'rotation-due' || reason === 'rotation-in-progress';
  const targets = isAuthority && names.length > 0 ? [target, ...names] : names;
  return {
    reason,
    severity,
    target,
    ...(targets.length > 0 && { targets: [...new Set(targets)] }),
    summary,
    ...(evidence.length > 0 && { evidence }),
    ...(offers.length > 0 && { offers: offers.map((one) => forTarget(one, target)) }),
  };
}

/** An offer for the finding's own target doesn't name it. */
function forTarget(offer: RenewOffer, target: string): RenewOffer {
  if ('each' in offer || offer.target !== target) return offer;
  const { target: _, ...own } = offer;
  return own;
}

function countCertificates({ places, managed, issuers, directors }: Facts): number {
  const fingerprints = new Set(places.map(({ chain: [leaf] }) => leaf.fingerprint));
  const own = directors.reduce((sum, one) => sum + one.own.length, 0);
  return fingerprints.size + managed.length + issuers.length + own;
}

function verdictOf(rotations: readonly Rotation[], examined: number, within: number): string {
  const [first] = rotations;
  const of = wording.count(examined, 'certificate');
  if (!first) return `No rotation is due within ${wording.span(within)} among ${of}`;
  const urgent = rotations.filter(({ severity }) => severity !== 'info');
  if (rotations.length === 1) return first.summary;
  if (urgent.length === 0)
    return `No rotation is urgent; ${wording.count(rotations.length, 'rotation')} can be planned within ${wording.span(within)}`;
  const rest = rotations.length - urgent.length;
  const later = rest > 0 ? `, ${rest} more can be planned` : '';
  return `${wording.count(urgent.length, 'rotation')} ${urgent.length === 1 ? 'needs' : 'need'} work now${later}; first: ${(urgent[0] ?? first).target}`;
}
