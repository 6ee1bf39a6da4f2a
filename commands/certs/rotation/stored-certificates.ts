import type { ports } from '../../kit.ts';
import type { SurveyedPlace } from '../../shared/certificate-survey.ts';
import { indexSuccessors } from '../../shared/former-certificates.ts';
import { isSignedBy } from '../../shared/signed-by.ts';
import { activeVersion } from '../../shared/managed-chain.ts';
import { withoutSource } from '../../shared/sources.ts';
import type { PlanContext } from './plan-context.ts';
import { isOnSchedule } from './rotation.ts';
import { besideKeys } from './trust.ts';

/** A certificate that is stored or served, and that no manager has: with all its places, stored ones first. */
export interface StoredCertificate {
  readonly certificate: ports.Certificate;
  readonly places: readonly [SurveyedPlace, ...SurveyedPlace[]];
  readonly name: string;
  /** What signed it, by its signature, if that is stored or handed out anywhere. */
  readonly signer?: ports.Certificate;
  /** When it stops being valid, with what signed it. */
  readonly endMs: number;
  /** Absent if its beginning says nothing about its age. */
  readonly fromMs?: number;
  /** It is only in lists of trusted authorities. */
  readonly isOnlyTrusted: boolean;
  /** Where its successor is stored, if it is only deployed: then it is renewed, and what uses it has the former one. */
  readonly renewedAt?: string;
}

/** How many certificates of the same name are compared with a signature. */
const MAX_CANDIDATES = 20;
const MAX_DEPTH = 10;

/** What no manager has, and what ends before the horizon. `isCovered`: another rotation includes it. */
export function storedCertificates(
  plan: PlanContext,
  isCovered: (certificate: ports.Certificate) => boolean,
): readonly StoredCertificate[] {
  const { facts, nowMs, horizonMs } = plan;
  const isManaged = managedCertificates(plan);
  const signersOf = indexSigners(facts.places);
  const isBesideKey = besideKeys(facts.places);
  const renewedAtOf = findRenewals(facts.places);
  const groups = Map.groupBy(
    facts.places.filter((one) => one.keyMatches !== undefined || !isBesideKey(one)),
    ({ chain: [leaf] }) => leaf.fingerprint,
  );
  return [...groups.values()].flatMap((group): readonly StoredCertificate[] => {
    const [{ chain }] = group as [SurveyedPlace];
    const [certificate] = chain;
    if (isManaged(certificate) || isCovered(certificate)) return [];
    const signer = signersOf(certificate);
    const endMs = Math.min(certificate.notAfter.getTime(), endOf(signer, signersOf));
    if (Number.isNaN(endMs) || endMs > horizonMs) return [];
    // kubeadm gives what it signs the beginning of the authority: https://github.com/kubernetes/kubernetes/issues/113618
    const isCopied = signer?.notBefore.getTime() === certificate.notBefore.getTime();
    const fromMs = isCopied ? undefined : certificate.notBefore.getTime();
    const isOwnEnd = certificate.notAfter.getTime() === endMs;
    if (isOwnEnd && isOnSchedule(endMs, nowMs, fromMs)) return [];
    const places = group.toSorted(byUse) as unknown as StoredCertificate['places'];
    const renewedAt = renewedAtOf(certificate, places);
    return [
      {
        certificate,
        places,
        name: nameOfPlace(places[0]),
        ...(signer && { signer }),
        endMs,
        ...(isOwnEnd && fromMs !== undefined && { fromMs }),
        ...(renewedAt !== undefined && { renewedAt }),
        isOnlyTrusted:
          certificate.authority &&
          places.every((one) => one.role === 'stored' && one.keyMatches === undefined && !one.renewable),
      },
    ];
  });
}

/** In a store, or in a file of the host that serves the former one. Files of other hosts are deployed copies, not where it is renewed. */
function findRenewals(
  places: readonly SurveyedPlace[],
): (certificate: ports.Certificate, at: StoredCertificate['places']) => string | undefined {
  const hostOf = ({ host }: SurveyedPlace) => host?.split(' ')[0];
  const stored = places.filter(({ role }) => role === 'stored');
  const indexOf = (some: readonly SurveyedPlace[]) =>
    indexSuccessors(
      some.map(({ place, chain: [leaf], history }) => ({
        place,
        certificate: leaf,
        ...(history && { history }),
      })),
    );
  const inStores = indexOf(stored.filter(({ host }) => host === undefined));
  const onHosts = new Map([...Map.groupBy(stored, hostOf)].map(([host, some]) => [host, indexOf(some)]));
  return (certificate, at) => {
    const isOnlyDeployed = at.every(({ role, host }) => role === 'served' || host !== undefined);
    if (!isOnlyDeployed) return undefined;
    const [first] = at;
    const fromHost = hostOf(first) === undefined ? undefined : onHosts.get(hostOf(first));
    return inStores(certificate) ?? (first.role === 'served' ? fromHost?.(certificate) : undefined);
  };
}

/** Those that can be renewed first, then those that are stored. */
function byUse(a: SurveyedPlace, b: SurveyedPlace): number {
  const rank = ({ renewable, role, keyMatches }: SurveyedPlace) =>
    renewable ? 0 : role === 'served' ? 3 : keyMatches === undefined ? 2 : 1;
  return rank(a) - rank(b) || (a.place < b.place ? -1 : 1);
}

/** `kv/edge/gw`, `shop/shop-tls`, `cp-1:/etc/kubernetes/pki/apiserver.crt` */
export function nameOfPlace({ place, role }: Pick<SurveyedPlace, 'place' | 'role'>): string {
  const path = withoutSource(place);
  return role === 'served' ? path : path.replace(/:(?:certificate|tls\.crt|combined)$/, '');
}

/**
 * Whether a manager has it: by its content, or by the second in which a version ends. Public authorities let everything end at midnight, so that says
 * nothing about a leaf.
 */
function managedCertificates({ managed, facts }: PlanContext): (certificate: ports.Certificate) => boolean {
  const fingerprints = new Set<string>();
  const ends = new Set<string>();
  const targets = new Set<string>();
  for (const one of managed.all) {
    for (const { chain } of one.contents ?? []) fingerprints.add(chain[0].fingerprint);
    if (one.automation) targets.add(one.automation.writesTo);
    for (const { notAfter, authority } of one.versions)
      if (notAfter) ends.add(endKey(notAfter, authority ?? activeVersion(one)?.authority ?? false));
  }
  for (const { place, chain } of facts.places)
    if (targets.has(place.replace(/:[^:]+$/, ''))) fingerprints.add(chain[0].fingerprint);
  for (const { chain } of facts.issuers) fingerprints.add(chain[0].fingerprint);
  return ({ fingerprint, notAfter, authority }) =>
    fingerprints.has(fingerprint) ||
    ((authority || !isMidnight(notAfter)) && ends.has(endKey(notAfter, authority)));
}

function isMidnight(date: Date): boolean {
  return /T(?:00:00:00|23:59:59)/.test(date.toISOString());
}

function endKey(notAfter: Date, isAuthority: boolean): string {
  return `${Math.floor(notAfter.getTime() / 1_000)} ${isAuthority}`;
}

/** Of several that signed it, such as a renewed one with the same key, the one that ends last. */
function indexSigners(
  places: readonly SurveyedPlace[],
): (certificate: ports.Certificate) => ports.Certificate | undefined {
  const authorities = new Map<string, ports.Certificate>();
  for (const { chain, trusts = [] } of places)
    for (const one of [...chain, ...trusts]) if (one.authority) authorities.set(one.fingerprint, one);
  const byKey = Map.groupBy(
    authorities.values(),
    ({ subject, subjectKeyId }) => `${subjectKeyId} ${subject}`,
  );
  const bySubject = Map.groupBy(authorities.values(), ({ subject }) => subject);
  const known = new Map<string, ports.Certificate | undefined>();
  return (certificate) => {
    const { fingerprint, issuer, subject, authorityKeyId } = certificate;
    if (issuer === subject) return undefined;
    if (known.has(fingerprint)) return known.get(fingerprint);
    const candidates =
      (authorityKeyId === undefined ? undefined : byKey.get(`${authorityKeyId} ${issuer}`)) ??
      bySubject.get(issuer) ??
      [];
    const [longest] = candidates
      .slice(0, MAX_CANDIDATES)
      .filter((one) => one.fingerprint !== fingerprint && isSignedBy(certificate, one) === true)
      .toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
    known.set(fingerprint, longest);
    return longest;
  };
}

function endOf(
  signer: ports.Certificate | undefined,
  signersOf: (certificate: ports.Certificate) => ports.Certificate | undefined,
): number {
  let endMs = Infinity;
  // Two authorities may have signed each other.
  for (let one = signer, depth = 0; one && depth < MAX_DEPTH; one = signersOf(one), depth += 1)
    endMs = Math.min(endMs, one.notAfter.getTime());
  return endMs;
}
