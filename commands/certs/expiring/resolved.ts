import { type Finding, type ports, wording } from '../../kit.ts';
import type { CertificateOccurrences } from '../../shared/certificate-occurrences.ts';
import { isInverted, isValidAt, neverEnds, VALIDITY_REASONS } from '../../shared/certificate-validity.ts';
import { activeVersion, datesOf, indexManaged } from '../../shared/managed-chain.ts';
import type { ManagedFact } from './collect-managed.ts';
import type { Facts } from './collect.ts';
import { targetAt } from './expiry.ts';

const { expired, 'never-valid': neverValid, 'not-yet-valid': notYetValid, expiring } = VALIDITY_REASONS;
/** Automation renews after two thirds of the lifetime: with more than this share left, it is a new certificate. */
const NEW_SHARE = 0.5;

/**
 * How the finding about a certificate was resolved, if the facts show it. It was renewed only if there is a valid certificate at its place
 * that cannot be the old one. undefined for findings that are not about dates.
 */
export function resolved(
  { certificates, managed = [] }: Pick<Facts, 'certificates'> & Partial<Pick<Facts, 'managed'>>,
  { reason, target }: Pick<Finding, 'reason' | 'target'>,
  now: Date,
): string | undefined {
  if (certificates.length + managed.length === 0 || !isAboutDates(reason)) return undefined;
  const byName = managed.find(({ place }) => place === target);
  if (byName) return managedResolved(byName, managed, reason, now);
  const group = /^issuer (.*), until (\d{4}-\d{2}-\d{2})(?:, not renewable here)?$/.exec(target);
  // The issuer of a group may be a name in a manager, whose certificates these are not.
  const isManaged = managed.some(({ name, issuer }) => [name, issuer].includes(group?.[1]));
  if (isManaged) return undefined;
  if (group) return groupResolved(certificates, reason, { issuer: group[1] ?? '', day: group[2] ?? '' }, now);
  const here = certificates.filter((one) => one.places.some((place) => targetAt(place, one) === target));
  if (here.length > 0) return nowAt(here, reason, now);
  // Not all places of a certificate are known if there are very many, and a source without any may not have been read.
  if (certificates.some(({ places, count }) => count > places.length)) return undefined;
  const seen = certificates.flatMap(({ places }) => places.map(({ place }) => place));
  if (!seen.some((place) => sourceOf(place) === sourceOf(target))) return undefined;
  const isPlaceSeen = seen.some((place) => target.startsWith(`${place} `));
  return isPlaceSeen ? 'no longer in the chain' : 'no longer there';
}

function sourceOf(place: string): string {
  return place.slice(0, place.indexOf(':'));
}

function isAboutDates(reason: string): boolean {
  return Object.values<string>(VALIDITY_REASONS).includes(reason);
}

/** A new version is in use if the present one ends much later than any that was reported, or begins now. Its issuers must last as well. */
function managedResolved(
  fact: ManagedFact,
  managed: readonly ManagedFact[],
  reason: string,
  now: Date,
): string | undefined {
  const chain = indexManaged(managed).chainOf(fact);
  const active = activeVersion(fact);
  if (!active || !chain?.ends || chain.ends !== chain.links[0] || chain.ends.notAfter <= now)
    return undefined;
  const { notBefore, notAfter } = datesOf(fact, active);
  if (!notAfter) return undefined;
  const isNew =
    reason === expired ||
    (notBefore !== undefined &&
      (notAfter.getTime() - now.getTime()) / (notAfter.getTime() - notBefore.getTime()) > NEW_SHARE);
  return isNew ? `renewed, now valid until ${wording.calendarDay(notAfter)}` : undefined;
}

function nowAt(here: readonly CertificateOccurrences[], reason: string, now: Date): string | undefined {
  const all = here.map(({ certificate }) => certificate);
  if (reason === expiring && all.some((one) => isOver(one, now))) return 'it has expired since';
  if (!all.every((one) => isValidAt(one, now))) return undefined;
  const first = all.reduce((soonest, one) => (one.notAfter < soonest.notAfter ? one : soonest));
  const until = neverEnds(first)
    ? 'now valid without expiry'
    : `now valid until ${wording.calendarDay(first.notAfter)}`;
  if (reason === notYetValid) return until;
  const isNew = reason === expired || reason === neverValid || shareLeft(first, now) > NEW_SHARE;
  return isNew ? `renewed, ${until}` : undefined;
}

function isOver({ notAfter }: ports.Certificate, now: Date): boolean {
  return now > notAfter;
}

function shareLeft(certificate: ports.Certificate, now: Date): number {
  if (isInverted(certificate)) return 0;
  const [from, until] = [certificate.notBefore.getTime(), certificate.notAfter.getTime()];
  return (until - now.getTime()) / (until - from);
}

/** The last certificate of a group expires on the day in its target, the others up to a day earlier. */
function groupResolved(
  certificates: readonly CertificateOccurrences[],
  reason: string,
  { issuer, day }: { readonly issuer: string; readonly day: string },
  now: Date,
): string | undefined {
  const left = certificates.filter(
    ({ certificate }) => certificate.issuer === issuer && endDayOf(certificate) <= day,
  );
  if (left.length === 0) return 'all of them renewed or removed';
  const last = left.filter(({ certificate }) => endDayOf(certificate) === day);
  const isPast =
    reason === expiring && last.length > 0 && last.every(({ certificate }) => isOver(certificate, now));
  return isPast ? 'they have expired since' : undefined;
}

/** `2026-12-05`. Sorts by time. */
function endDayOf({ notAfter }: ports.Certificate): string {
  return wording.utcTime(notAfter).slice(0, 10);
}
