import type { ports } from '../../kit.ts';
import type {
  CertificateSurvey,
  SurveyedCertificate,
  SurveyedPlace,
} from '../../shared/certificate-survey.ts';
import { hostOf, secretOf, secretsOf, type SurveyedPod } from '../../shared/survey-clusters.ts';
import { isIssuedBefore } from '../../shared/former-certificates.ts';
import { nameKeyOf } from '../../shared/survey-versions.ts';
import { activeVersion } from '../../shared/managed-chain.ts';
import { defaultCertificateOf } from './default-certificates.ts';
import { isMadeAtStart, isOurs, isOursByName, isPrivate } from './ownership.ts';

/** A live site, with what it serves and who serves it. */
export interface ServedSite {
  readonly site: SurveyedPlace;
  readonly leaf: ports.Certificate;
  /** The instance or machine without the process that follows it: `diego-cell/1b` of `diego-cell/1b rep`. */
  readonly host?: string;
  readonly process?: string;
  readonly pod?: { readonly cluster: string; readonly pod: SurveyedPod };
}

/** What a store contains now in the place of a served certificate. */
export interface StoredVersion {
  readonly place: string;
  readonly store: string;
  /** The Secret of a cluster that this is: `shop/shop-tls`. */
  readonly secret?: string;
  /** Of a file on a machine. */
  readonly host?: string;
  /** Absent if only its end is known. */
  readonly leaf?: ports.Certificate;
  readonly notAfter?: Date;
  readonly since?: Date;
  readonly version?: string;
  readonly keyMatches?: boolean;
  readonly managed?: SurveyedCertificate;
}

export type Origin =
  /** The served certificate is the one that is stored. */
  | { readonly is: 'stored'; readonly at: StoredVersion }
  /** A version before the stored one. `proof` says how that is known. */
  | {
      readonly is: 'former';
      readonly at: StoredVersion;
      readonly behind?: number;
      readonly proof: 'content' | 'key' | 'names' | 'end';
      /** Only names and issuer are the same, and nothing says that the store is where the site has it from: a CDN has its own. */
      readonly isGuess?: true;
    }
  /** The store has an older certificate with the same names. */
  | { readonly is: 'newer'; readonly at: StoredVersion }
  /** A version that ends at the same second is current, and its content is unknown. */
  | { readonly is: 'likely-stored'; readonly at: StoredVersion }
  | { readonly is: 'default'; readonly of: string }
  /** Not stored, but signed by an authority that signs stored certificates too. */
  | { readonly is: 'same-authority' }
  /** No store has it. `similar` has its names, but is from another authority. */
  | { readonly is: 'unknown'; readonly similar?: StoredVersion }
  /** Nothing indicates that a store should have it. */
  | { readonly is: 'elsewhere' };

export interface Matched extends ServedSite {
  readonly origin: Origin;
}

/** No store has anything to compare the others with. */
export function isCompared({ origin }: Matched): boolean {
  return origin.is !== 'elsewhere' && origin.is !== 'same-authority';
}

interface Index {
  readonly byFingerprint: ReadonlyMap<string, readonly SurveyedPlace[]>;
  readonly byFormer: ReadonlyMap<string, { readonly place: SurveyedPlace; readonly behind: number }>;
  readonly byKey: ReadonlyMap<string, readonly SurveyedPlace[]>;
  readonly byNames: ReadonlyMap<string, readonly SurveyedPlace[]>;
  readonly names: ReadonlySet<string>;
  readonly authorities: ReadonlySet<string>;
  readonly clusters: ReadonlySet<string>;
  readonly contents: ReadonlyMap<
    string,
    readonly { readonly of: SurveyedCertificate; readonly id: string }[]
  >;
  readonly ends: ReadonlyMap<number, readonly { readonly of: SurveyedCertificate; readonly id: string }[]>;
}

/** Says of each live site where its certificate comes from: by content, then by former versions, then by key, then by names and issuer. */
export function matchSites(survey: CertificateSurvey): readonly Matched[] {
  const index = indexStored(survey);
  const podsAt = podsByAddress(survey);
  return survey.places
    .filter(({ role }) => role === 'served')
    .map((site) => {
      const served = describeSite(site, podsAt);
      return { ...served, origin: originOf(served, index, survey) };
    });
}

type PodAt = NonNullable<ServedSite['pod']>;

/** Not of pods that have ended or are being deleted: their address may already belong to another one. */
function podsByAddress({ clusters }: CertificateSurvey): ReadonlyMap<string, readonly PodAt[]> {
  const all = clusters.flatMap(({ source, pods }) =>
    pods
      .filter(
        ({ deletingSince, phase }) =>
          deletingSince === undefined && phase !== 'Succeeded' && phase !== 'Failed',
      )
      .flatMap((pod) => (pod.addresses ?? []).map((address) => ({ address, at: { cluster: source, pod } }))),
  );
  return new Map(
    [...Map.groupBy(all, ({ address }) => address)].map(([address, found]) => [
      address,
      found.map(({ at }) => at),
    ]),
  );
}

function describeSite(site: SurveyedPlace, podsAt: ReadonlyMap<string, readonly PodAt[]>): ServedSite {
  const pods = podsAt.get(hostOf(site.served?.address ?? '')) ?? [];
  // Pods in the network of their node share its address. The one that serves a certificate has a Secret.
  const withSecret = pods.length > 1 ? pods.filter(({ pod }) => secretsOf(pod).length > 0) : pods;
  const [pod] = withSecret.length === 1 ? withSecret : [];
  const [host, ...process] = (site.host ?? '').split(' ');
  return {
    site,
    leaf: site.chain[0],
    ...(host && { host }),
    ...(process.length > 0 && { process: process.join(' ') }),
    ...(pod && { pod }),
  };
}

function originOf(served: ServedSite, index: Index, survey: CertificateSurvey): Origin {
  const { leaf } = served;
  const isDefault = defaultCertificateOf(leaf);
  if (isDefault !== undefined) return { is: 'default', of: isDefault };
  const former = index.byFormer.get(leaf.fingerprint);
  if (former) {
    const at = versionAt(former.place, index);
    // An old version that was stored again is not newer.
    return isIssuedBefore(former.place.chain[0], leaf)
      ? { is: 'newer', at }
      : { is: 'former', at, behind: former.behind, proof: 'content' };
  }
  const content = fromContents(leaf, index);
  if (content) return content;
  const same = (index.byFingerprint.get(leaf.fingerprint) ?? []).filter((one) => mayBeOn(one, served));
  const [exact] = same.toSorted(preferred(served));
  // A file on the machine that serves it is a copy, which a deploy renders: the store that it was rendered from may be ahead of it.
  if (exact && (exact.host === undefined || !isAhead(served, index)))
    return { is: 'stored', at: versionAt(exact, index) };
  const candidate = candidateFor(served, index);
  if (candidate) {
    const at = versionAt(candidate, index);
    if (!isIssuedBefore(leaf, candidate.chain[0])) return { is: 'newer', at };
    if (candidate.chain[0].publicKey === leaf.publicKey) return { is: 'former', at, proof: 'key' };
    const isGuess = !isOurs(served, survey) && !isPrivate(candidate);
    return { is: 'former', at, proof: 'names', ...(isGuess && { isGuess }) };
  }
  if (exact) return { is: 'stored', at: versionAt(exact, index) };
  return fromEnd(leaf, index) ?? unmatched(served, index, survey);
}

/** Of several versions with the same certificate, the one in use counts: a new version may differ only in the authorities beside it. */
function fromContents(leaf: ports.Certificate, index: Index): Origin | undefined {
  const found = (index.contents.get(leaf.fingerprint) ?? []).map(({ of, id }) =>
    versionOrigin(of, id, 'content'),
  );
  const current = found.find(({ is }) => is === 'likely-stored');
  return current && 'at' in current ? { is: 'stored', at: current.at } : found[0];
}

function fromEnd(leaf: ports.Certificate, index: Index): Origin | undefined {
  const [found] = (index.ends.get(leaf.notAfter.getTime()) ?? []).filter(
    // Its content is known, and it is another certificate.
    ({ of, id }) => !of.contents.some((content) => content.id === id),
  );
  return found && versionOrigin(found.of, found.id, 'end');
}

function versionOrigin(of: SurveyedCertificate, id: string, proof: 'content' | 'end'): Origin {
  const active = activeVersion(of);
  const place = versionOf(of, active);
  const at = of.versions.findIndex((version) => version.id === id);
  const current = of.versions.findIndex((version) => version === active);
  return active && at > current
    ? { is: 'former', at: place, behind: at - current, proof }
    : { is: 'likely-stored', at: place };
}

function unmatched(served: ServedSite, index: Index, survey: CertificateSurvey): Origin {
  const { leaf } = served;
  if (isMadeAtStart(leaf)) return { is: 'elsewhere' };
  const [similar] = (index.byNames.get(nameKeyOf(leaf)) ?? []).filter((one) => mayBeOn(one, served));
  if (similar) return { is: 'unknown', similar: versionAt(similar, index) };
  if (index.authorities.has(authorityKeyOf(leaf))) return { is: 'same-authority' };
  const isStoredSomewhere = index.byFingerprint.size > 0;
  const sharesName = leaf.alternativeNames.some((name) => index.names.has(name.toLowerCase()));
  if (sharesName) return { is: 'unknown' };
  // What couldn't be read may contain it, and is a gap.
  return isOursByName(served, survey) && isStoredSomewhere && survey.unread.length === 0
    ? { is: 'unknown' }
    : { is: 'elsewhere' };
}

/** Whether a store other than the machine itself has a newer certificate with the same names. */
function isAhead(served: ServedSite, index: Index): boolean {
  const found = candidateFor(served, index);
  return found !== undefined && found.host === undefined && isIssuedBefore(served.leaf, found.chain[0]);
}

/** The place whose certificate was renewed from the served one, or the other way round. */
function candidateFor(served: ServedSite, index: Index): SurveyedPlace | undefined {
  const { leaf } = served;
  const sameKey = index.byKey.get(leaf.publicKey) ?? [];
  const sameNames = (index.byNames.get(nameKeyOf(leaf)) ?? []).filter(
    (one) => one.chain[0].issuer === leaf.issuer || isMountedBy(served, one),
  );
  const [found] = [...new Set([...sameKey, ...sameNames])]
    .filter((one) => one.chain[0].fingerprint !== leaf.fingerprint && mayBeOn(one, served))
    .toSorted(preferred(served));
  return found;
}

function mayBeOn({ host, chain: [leaf] }: SurveyedPlace, served: ServedSite): boolean {
  return (
    !leaf.authority && (host === undefined || served.host === undefined || host.split(' ')[0] === served.host)
  );
}

function isMountedBy({ pod }: ServedSite, { store, place }: SurveyedPlace): boolean {
  if (pod?.cluster !== store) return false;
  const secret = secretOf(place);
  return secretsOf(pod.pod).some((name) => `${pod.pod.namespace}/${name}` === secret);
}

/** What the pod mounts, then what is on the same machine, then the newest, then by name. */
function preferred(served: ServedSite): (a: SurveyedPlace, b: SurveyedPlace) => number {
  const rank = (one: SurveyedPlace) =>
    isMountedBy(served, one) ? 0 : one.host !== undefined && one.host === served.host ? 1 : 2;
  return (a, b) => {
    const byRank = rank(a) - rank(b);
    if (byRank !== 0) return byRank;
    const byDate = b.chain[0].notAfter.getTime() - a.chain[0].notAfter.getTime();
    return byDate || (a.place < b.place ? -1 : 1);
  };
}

/** Equal for certificates that the same key of the same authority signed. */
export function authorityKeyOf({ issuer, authorityKeyId }: ports.Certificate): string {
  return `${authorityKeyId ?? ''} ${issuer}`;
}

function versionAt(place: SurveyedPlace, { clusters }: Index): StoredVersion {
  const { place: at, store, host, chain, storedSince, version, keyMatches } = place;
  const secret = clusters.has(store) ? secretOf(at) : undefined;
  return {
    place: at,
    store,
    ...(secret !== undefined && { secret }),
    leaf: chain[0],
    notAfter: chain[0].notAfter,
    ...(host !== undefined && { host: host.split(' ')[0] ?? host }),
    ...(storedSince && { since: storedSince }),
    ...(version !== undefined && { version }),
    ...(keyMatches !== undefined && { keyMatches }),
  };
}

function versionOf(
  managed: SurveyedCertificate,
  active: ports.CertificateVersion | undefined,
): StoredVersion {
  const content = managed.contents.find(({ id }) => id === active?.id);
  return {
    place: managed.place,
    store: managed.store,
    managed,
    ...(active?.notAfter && { notAfter: active.notAfter }),
    ...(active?.createdAt && { since: active.createdAt }),
    ...(active && { version: active.id }),
    ...(content && { leaf: content.chain[0] }),
  };
}

function indexStored({ places, managed, clusters }: CertificateSurvey): Index {
  const stored = places.filter(
    ({ role, chain: [leaf], verifies }) => role === 'stored' && verifies === undefined && !leaf.authority,
  );
  const authorities = places.filter(({ role, chain: [leaf] }) => role === 'stored' && leaf.authority);
  const versions = managed.flatMap((of) => of.versions.map((version) => ({ of, ...version })));
  return {
    byFingerprint: Map.groupBy(stored, ({ chain: [leaf] }) => leaf.fingerprint),
    byFormer: new Map(
      stored.flatMap((place) =>
        (place.history ?? []).flatMap(({ chain: [leaf] }, at) =>
          leaf.fingerprint === place.chain[0].fingerprint
            ? []
            : [[leaf.fingerprint, { place, behind: at + 1 }] as const],
        ),
      ),
    ),
    byKey: Map.groupBy(stored, ({ chain: [leaf] }) => leaf.publicKey),
    byNames: Map.groupBy(stored, ({ chain: [leaf] }) => nameKeyOf(leaf)),
    names: new Set(
      stored.flatMap(({ chain: [leaf] }) => leaf.alternativeNames.map((name) => name.toLowerCase())),
    ),
    authorities: new Set([
      ...stored.map(({ chain: [leaf] }) => authorityKeyOf(leaf)),
      ...authorities.map(({ chain: [{ subject, subjectKeyId }] }) => `${subjectKeyId ?? ''} ${subject}`),
      ...managed.flatMap(({ contents }) => contents.map(({ chain: [leaf] }) => authorityKeyOf(leaf))),
    ]),
    clusters: new Set([
      ...clusters.map(({ source }) => source),
      ...managed.flatMap(({ automation, store }) => (automation ? [store] : [])),
    ]),
    contents: Map.groupBy(
      managed.flatMap((of) =>
        of.contents.map(({ id, chain: [leaf] }) => ({ of, id, fingerprint: leaf.fingerprint })),
      ),
      ({ fingerprint }) => fingerprint,
    ),
    ends: Map.groupBy(
      // A certificate of cert-manager is the Secret that it writes.
      versions.filter(({ of, notAfter }) => notAfter !== undefined && of.automation === undefined),
      ({ notAfter }) => notAfter?.getTime() ?? Number.NaN,
    ),
  };
}
