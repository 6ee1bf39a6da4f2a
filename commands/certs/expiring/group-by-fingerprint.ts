import type { ports } from '../../kit.ts';
import { isValidAt } from './severity.ts';

/** One certificate and all the places that hold or serve it. */
export interface CertificateOccurrences {
  readonly certificate: ports.Certificate;
  /** The first places in order, at most {@link MAX_PLACES}: first those whose own it is, last those that merely trust it. Never empty. */
  readonly places: readonly [Place, ...Place[]];
  /** How many places there are. */
  readonly count: number;
  /** At least one live site needs it. */
  readonly live: boolean;
  /** The first place, in order, that keeps it as its own: a secret or a file, no site that serves it and no trust store. */
  readonly storedAt?: string;
  /** The first places in order where it could be renewed, at most {@link MAX_RENEWABLE}: a list of its own, because a thousand sites may come before them in `places`. */
  readonly renewable: readonly string[];
}

export interface Place {
  readonly place: string;
  /**
   * `own` the place is for this certificate; `issuer` it is on the path from the place's leaf to its root;
   * `extra` it is in the chain, and the leaf does not need it; `trusted` the place is a trust store.
   */
  readonly as: 'own' | 'issuer' | 'extra' | 'trusted';
  /** The place's leaf, where this certificate is not that itself. */
  readonly leaf?: Pick<ports.Certificate, 'name' | 'notAfter'>;
}

type Path = readonly [ports.Certificate, ...ports.Certificate[]];

/** Sites that show the same leaf in the same way, or places whose private key belongs to another certificate. */
export interface Site {
  readonly path: Path;
  readonly served?: NonNullable<ports.SeenPlace['served']>;
  readonly keyMatches?: boolean;
  /** The first of them in order, at most {@link MAX_PLACES}. */
  readonly places: readonly { readonly place: string; readonly asked?: string }[];
  readonly count: number;
}

export interface GroupedCertificates {
  readonly certificates: readonly CertificateOccurrences[];
  readonly sites: readonly Site[];
  /** How many places were examined, those without a certificate included and trust stores not. */
  readonly placeCount: number;
}

export const MAX_PLACES = 50;
export const MAX_RENEWABLE = 3;
/** In certificates. OpenSSL gives up earlier. */
const MAX_PATH_LENGTH = 200;

interface MutableOccurrences extends Omit<
  CertificateOccurrences,
  'places' | 'count' | 'live' | 'keptAt' | 'renewable'
> {
  places: [Place, ...Place[]];
  count: number;
  live: boolean;
  storedAt?: string;
  renewable: readonly string[];
}

interface MutableSite extends Omit<Site, 'places' | 'count'> {
  places: Site['places'][number][];
  count: number;
}

export interface CertificateGrouper {
  readonly add: (seen: ports.SeenPlace) => void;
  readonly addEmpty: () => void;
  readonly close: () => GroupedCertificates;
}

/** Groups by certificate as places arrive, so that ten thousand places of one certificate take no more memory than fifty. */
export function groupByFingerprint(now: Date): CertificateGrouper {
  const certificates = new Map<string, MutableOccurrences>();
  const sites = new Map<string, MutableSite>();
  let placeCount = 0;
  return {
    add: (seen) => {
      const path = seen.path ?? pathOf(seen.chain, now);
      if (!seen.trustStore) placeCount += 1;
      for (const certificate of allOf(seen, path)) addCertificate(certificates, certificate, seen, path);
      if (seen.served !== undefined || seen.keyMatches === false) addSite(sites, seen, path);
    },
    addEmpty: () => {
      placeCount += 1;
    },
    close: () => ({
      certificates: [...certificates.values()],
      sites: [...sites.values()],
      placeCount,
    }),
  };
}

/** Certificates in the chain and, if not in it, on the path: a root that clients have in their configuration. */
function allOf({ chain }: ports.SeenPlace, path: Path): Iterable<ports.Certificate> {
  return new Map([...path, ...chain].map((one) => [one.fingerprint, one])).values();
}

function addCertificate(
  certificates: Map<string, MutableOccurrences>,
  certificate: ports.Certificate,
  seen: ports.SeenPlace,
  path: Path,
): void {
  const place = placeOf(certificate, seen, path);
  const occurrences = certificates.get(certificate.fingerprint) ?? {
    certificate,
    places: [place],
    count: 1,
    live: false,
    renewable: [],
  };
  const isStored = place.as === 'own' && seen.served === undefined && !seen.trustStore;
  occurrences.live ||= seen.served !== undefined && place.as !== 'extra';
  if (insertSorted(occurrences.places, place, byPlace)) occurrences.count += 1;
  if (isStored && !(occurrences.storedAt !== undefined && occurrences.storedAt <= seen.place))
    occurrences.storedAt = seen.place;
  if (seen.renewable && place.as === 'own')
    occurrences.renewable = firstOf([...occurrences.renewable, seen.place]);
  certificates.set(certificate.fingerprint, occurrences);
}

/**
 * From the leaf to the last issuer that is there, by their names, where the source does not say which path clients take. One whose
 * certificates are all valid now is preferred, for clients can take it, as those that knew the modern USERTrust did in 2020 beside the
 * cross-signed one. Of several with the issuer's name the longest-lived counts.
 */
export function pathOf(chain: ports.SeenPlace['chain'], now: Date): Path {
  const [leaf] = chain;
  return validPath(chain, [leaf], new Set([leaf]), now) ?? longestLived(chain);
}

function validPath(
  chain: ports.SeenPlace['chain'],
  path: Path,
  tried: Set<ports.Certificate>,
  now: Date,
): Path | undefined {
  const issuers = issuersOf(path.at(-1), chain);
  if (issuers.length === 0) return path;
  if (path.length === MAX_PATH_LENGTH) return undefined;
  for (const issuer of issuers) {
    if (tried.has(issuer) || !isValidAt(issuer, now)) continue;
    tried.add(issuer);
    const whole = validPath(chain, [...path, issuer], tried, now);
    if (whole) return whole;
  }
  return undefined;
}

function longestLived(chain: ports.SeenPlace['chain']): Path {
  const path: [ports.Certificate, ...ports.Certificate[]] = [chain[0]];
  for (;;) {
    const next = issuersOf(path.at(-1), chain).find((one) => !path.includes(one));
    if (!next) return path;
    path.push(next);
  }
}

/** The longest-lived first; none for what signs itself. */
function issuersOf(
  certificate: ports.Certificate | undefined,
  chain: ports.SeenPlace['chain'],
): readonly ports.Certificate[] {
  if (!certificate || certificate.subject === certificate.issuer) return [];
  return chain
    .filter(({ subject }) => subject === certificate.issuer)
    .toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
}

function placeOf(
  certificate: ports.Certificate,
  { place, chain, trustStore }: ports.SeenPlace,
  path: Path,
): Place {
  const [leaf] = chain;
  if (trustStore && isAuthority(certificate)) return { place, as: 'trusted' };
  if (certificate.fingerprint === leaf.fingerprint) return { place, as: 'own' };
  const as = path.some(({ fingerprint }) => fingerprint === certificate.fingerprint) ? 'issuer' : 'extra';
  return { place, as, leaf: { name: leaf.name, notAfter: leaf.notAfter } };
}

/**
 * Roots of the nineties have no extension that says so. A server's own certificate in the folder of a trust store, such as Debian's
 * `ssl-cert-snakeoil.pem` in `/etc/ssl/certs`, has alternative names.
 */
function isAuthority({ authority, selfSigned, alternativeNames }: ports.Certificate): boolean {
  return authority || (selfSigned && alternativeNames.length === 0);
}

function addSite(
  sites: Map<string, MutableSite>,
  { place, served, keyMatches }: ports.SeenPlace,
  path: Path,
): void {
  const { address: _, servername, ...traits } = served ?? {};
  const key = JSON.stringify([path.map(({ fingerprint }) => fingerprint), traits, keyMatches]);
  const site = sites.get(key) ?? {
    path,
    ...(served && { served }),
    ...(keyMatches !== undefined && { keyMatches }),
    places: [],
    count: 0,
  };
  const added = insertSorted(
    site.places,
    { place, ...(servername !== undefined && { asked: servername }) },
    byName,
  );
  if (added) site.count += 1;
  sites.set(key, site);
}

function firstOf(places: readonly string[]): readonly string[] {
  return [...new Set(places)].toSorted().slice(0, MAX_RENEWABLE);
}

const ROLE_ORDER = { own: 0, issuer: 1, extra: 2, trusted: 3 } as const;

function byPlace(a: Place, b: Place): number {
  return ROLE_ORDER[a.as] - ROLE_ORDER[b.as] || byName(a, b);
}

/** By code unit: the same on every machine, for a finding's target is the first place. */
function byName(a: { readonly place: string }, b: { readonly place: string }): number {
  if (a.place === b.place) return 0;
  return a.place < b.place ? -1 : 1;
}

/** Inserts in order and drops what comes after the last one that is kept. False where it is there already. */
function insertSorted<T>(kept: T[], item: T, compare: (a: T, b: T) => number): boolean {
  let low = 0;
  for (let high = kept.length; low < high;) {
    const middle = (low + high) >> 1;
    if (compare(kept[middle] as T, item) < 0) low = middle + 1;
    else high = middle;
  }
  const there = kept[low];
  if (there !== undefined && compare(there, item) === 0) return false;
  if (low < MAX_PLACES) kept.splice(low, 0, item);
  if (kept.length > MAX_PLACES) kept.pop();
  return true;
}
