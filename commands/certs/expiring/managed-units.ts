import type { ports } from '../../kit.ts';
import { byPlace, type CertificateOccurrences } from '../../shared/certificate-occurrences.ts';
import {
  type DueStatus,
  isDueStatus,
  judgeValidity,
  type KnownDates,
  type ValidityStatus,
  type ValidityThresholds,
} from '../../shared/certificate-validity.ts';
import {
  activeVersion,
  contentOf,
  datesOf,
  indexManaged,
  type ManagedChain,
} from '../../shared/managed-chain.ts';
import { isSignedBy } from '../../shared/signed-by.ts';
import type { Site } from './collect.ts';
import type { ManagedFact } from './collect-managed.ts';
import { findStuckIssuance, type StuckIssuance } from '../../shared/stuck-issuance.ts';

/** One certificate, with everything that manages it and all places that contain it. */
export interface ManagedUnit {
  /** The one to name and to renew. */
  readonly fact: ManagedFact;
  /** Other managers of the same certificate. */
  readonly also: readonly ManagedFact[];
  readonly isAsked: boolean;
  readonly active?: ports.CertificateVersion;
  /** Of the active version. */
  readonly dates: KnownDates;
  /** By these dates. Absent if nothing was issued. */
  readonly status?: ValidityStatus;
  readonly certificate?: ports.Certificate;
  /** Where the same certificate was found. */
  readonly occurrences?: CertificateOccurrences;
  readonly chain?: ManagedChain;
  /** If an authority ends before it, and that is due. */
  readonly early?: EarlyEnd;
  readonly stuck?: StuckIssuance;
  /** Another certificate is written to the same place. */
  readonly isOverwritten: boolean;
}

interface EarlyEnd {
  readonly status: DueStatus;
  readonly ends: NonNullable<ManagedChain['ends']>;
  /** The certificate to renew for it, unless it is this one. */
  readonly cause?: ManagedFact;
}

/** Below this, a lifetime that is measured from the beginning of the authority may be a real one. */
const SHORT_LIFETIME_MS = 92 * 86_400_000;

export function judgeManaged(
  managed: readonly ManagedFact[],
  certificates: readonly CertificateOccurrences[],
  thresholds: ValidityThresholds,
  nowMs: number,
): readonly ManagedUnit[] {
  const index = indexManaged(managed);
  const byFingerprint = new Map(certificates.map((one) => [one.certificate.fingerprint, one]));
  const writers = new Map<string, number>();
  for (const { automation } of managed)
    if (automation) writers.set(automation.writesTo, (writers.get(automation.writesTo) ?? 0) + 1);
  const units = joinManaged(managed, byFingerprint).map(({ facts, occurrences }): ManagedUnit => {
    const [fact, ...also] = facts;
    const active = activeVersion(fact);
    const content = active && contentOf(fact, active)?.chain[0];
    const certificate = content ?? occurrences?.certificate;
    const chain = index.chainOf(fact);
    const dates = certificate ?? (active ? datesOf(fact, active) : {});
    const known = startsWithAuthority(dates, chain) ? withoutStart(dates) : dates;
    const stuck = findStuckIssuance(fact, nowMs);
    return {
      fact,
      also,
      isAsked: facts.some(({ isAsked }) => isAsked),
      dates: { ...(known.notBefore && { notBefore: known.notBefore }), ...withoutStart(known) },
      ...(active && { active, status: judgeValidity(known, thresholds, nowMs) }),
      ...(certificate && { certificate }),
      ...(occurrences && { occurrences }),
      ...(chain && { chain }),
      ...(stuck && { stuck }),
      isOverwritten: fact.automation !== undefined && (writers.get(fact.automation.writesTo) ?? 0) > 1,
    };
  });
  return withEarlyEnds(units, thresholds, nowMs);
}

/** kubeadm copies the beginning of the authority into what it signs: https://github.com/kubernetes/kubernetes/issues/113618 */
export function hasCopiedStart(dates: KnownDates, authority: KnownDates): boolean {
  const { notBefore, notAfter } = dates;
  if (!notBefore || !notAfter || !authority.notBefore || !authority.notAfter) return false;
  return (
    notBefore.getTime() === authority.notBefore.getTime() &&
    notAfter < authority.notAfter &&
    notAfter.getTime() - notBefore.getTime() > SHORT_LIFETIME_MS
  );
}

function startsWithAuthority(dates: KnownDates, chain: ManagedChain | undefined): boolean {
  const signer = chain?.links[1];
  if (!signer?.certificate || !signer.version) return false;
  return hasCopiedStart(dates, datesOf(signer.certificate, signer.version));
}

function withoutStart({ notAfter }: KnownDates): KnownDates {
  return notAfter ? { notAfter } : {};
}

/**
 * Whether what manages the certificate of a site hands out the root of its chain: its clients have that from there, so the chain is complete for them. A
 * source knows only the roots in its own configuration.
 */
export function verifiedElsewhere(units: readonly ManagedUnit[]): (site: Site) => boolean {
  const byFingerprint = Map.groupBy(units, ({ certificate }) => certificate?.fingerprint);
  return ({ path, served }) => {
    const last = path.at(-1);
    if (served?.path !== 'incomplete' || !last) return false;
    return (byFingerprint.get(path[0].fingerprint) ?? []).some(({ fact, active }) => {
      const { trusts = [] } = (active && contentOf(fact, active)) ?? {};
      return trusts.some((one) => one.selfSigned && isSignedBy(last, one) === true);
    });
  };
}

interface Joined {
  readonly facts: readonly [ManagedFact, ...ManagedFact[]];
  readonly occurrences?: CertificateOccurrences;
}

/**
 * The same certificate may be in several stores: it has the same fingerprint, or where contents are unknown, the same name and end in another store. What
 * a manager wrote to a secret counts only if it still ends at the time that the manager says.
 */
function joinManaged(
  managed: readonly ManagedFact[],
  byFingerprint: ReadonlyMap<string, CertificateOccurrences>,
): readonly Joined[] {
  const groups: ManagedFact[][] = [];
  const byKey = new Map<string, ManagedFact[]>();
  for (const fact of managed.toSorted(byRank)) {
    const active = activeVersion(fact);
    const fingerprint = fingerprintOf(fact, byFingerprint);
    const end = active && datesOf(fact, active).notAfter?.getTime();
    const named = end === undefined ? undefined : `${fact.name.toLowerCase()} until ${end}`;
    const sameName = named === undefined ? undefined : byKey.get(named);
    const known =
      (fingerprint === undefined ? undefined : byKey.get(fingerprint)) ??
      (sameName?.every(({ store }) => store !== fact.store) ? sameName : undefined);
    const group = known ?? [];
    group.push(fact);
    if (!known) groups.push(group);
    for (const key of [fingerprint, named]) if (key !== undefined && !byKey.has(key)) byKey.set(key, group);
  }
  return groups.flatMap((facts) => {
    const [first, ...also] = facts;
    if (!first) return [];
    const fingerprint = facts
      .map((one) => fingerprintOf(one, byFingerprint))
      .find((one) => one !== undefined);
    const occurrences = fingerprint === undefined ? undefined : byFingerprint.get(fingerprint);
    return [{ facts: [first, ...also] as const, ...(occurrences && { occurrences }) }];
  });
}

/** What can be renewed comes first, then what has contents. */
function byRank(a: ManagedFact, b: ManagedFact): number {
  return (
    Number(b.renewable ?? false) - Number(a.renewable ?? false) ||
    Number(b.contents.length > 0) - Number(a.contents.length > 0) ||
    byPlace(a, b)
  );
}

function fingerprintOf(
  fact: ManagedFact,
  byFingerprint: ReadonlyMap<string, CertificateOccurrences>,
): string | undefined {
  const active = activeVersion(fact);
  const content = active && contentOf(fact, active);
  if (content) return content.chain[0].fingerprint;
  const written = fact.written === undefined ? undefined : byFingerprint.get(fact.written)?.certificate;
  if (!written) return undefined;
  const isSame = !active?.notAfter || inSeconds(active.notAfter) === inSeconds(written.notAfter);
  return isSame ? written.fingerprint : undefined;
}

function inSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}

/**
 * An authority that ends first ends everything that it signed. If the authority itself must be renewed, that is one finding with all of them; if a newer
 * version of it exists, each of them must be signed again. Only the days count: how long an authority was valid says nothing about what it signed.
 */
function withEarlyEnds(
  units: readonly ManagedUnit[],
  thresholds: ValidityThresholds,
  nowMs: number,
): readonly ManagedUnit[] {
  const byFact = new Map(
    units.flatMap((unit) => [unit.fact, ...unit.also].map((fact) => [fact.place, unit] as const)),
  );
  return units.map((unit) => {
    const { chain, fact, dates } = unit;
    const ends = chain?.ends;
    if (!chain || !ends || ends === chain.links[0]) return unit;
    if (dates.notAfter && dates.notAfter <= ends.notAfter) return unit;
    const isOwnCause = chain.cause.place === fact.place;
    const isActive = ends.certificate !== undefined && activeVersion(ends.certificate) === ends.version;
    const status = isActive
      ? byFact.get(ends.certificate.place)?.status
      : judgeValidity({ notAfter: ends.notAfter }, thresholds, nowMs);
    if (!status || !isDueStatus(status)) return unit;
    const cause = isOwnCause ? undefined : byFact.get(chain.cause.place)?.fact;
    // An assumption never makes anything critical.
    const severity = chain.isAssumed && status.severity === 'critical' ? 'warning' : status.severity;
    return { ...unit, early: { status: { ...status, severity }, ends, ...(cause && { cause }) } };
  });
}
