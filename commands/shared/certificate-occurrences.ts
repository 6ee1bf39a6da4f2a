import type { Finding, ports } from '../kit.ts';
import { isSignedBy } from './signed-by.ts';
import { type DueStatus, isValidAt } from './certificate-validity.ts';

/** One certificate and all the places that store or serve it. */
export interface CertificateOccurrences {
  readonly certificate: ports.Certificate;
  /**
   * The first places in order, at most {@link MAX_PLACES}: those where it can be renewed first, then those whose own certificate it is, and those that
   * only trust it last. Never empty.
   */
  readonly places: readonly [CertificatePlace, ...CertificatePlace[]];
  /** How many places there are. */
  readonly count: number;
  /** Whether at least one live site needs it. */
  readonly live: boolean;
  /** The first place, in order, that stores it as its own: a secret or a file, not a site that serves it or a trust store. */
  readonly storedAt?: string;
  /**
   * The first places in order where it could be renewed, at most {@link MAX_RENEWABLE}: a separate list, because a thousand sites may come
   * before them in `places`.
   */
  readonly renewable: readonly string[];
}

export interface CertificatePlace {
  readonly place: string;
  /**
   * `own`: it is the place's own certificate. `issuer`: it is on the path from the place's leaf to its root. `extra`: it is in the chain,
   * but the leaf does not need it. `trusted`: the place is a trust store.
   */
  readonly as: 'own' | 'issuer' | 'extra' | 'trusted';
  /** It can be renewed here. What still serves it then is another finding. */
  readonly renewable?: true;
  /** The leaf of the place, unless it is this certificate. */
  readonly leaf?: Pick<ports.Certificate, 'name' | 'notAfter'>;
}

/** From a leaf to its last known issuer. */
export type CertificatePath = readonly [ports.Certificate, ...ports.Certificate[]];

export interface OccurrenceIndex {
  /** Adds every certificate of one place. `path` is the result of {@link certificatePath} for it. */
  readonly add: (seen: ports.SeenPlace, path: CertificatePath) => void;
  readonly find: (certificate: ports.Certificate) => CertificateOccurrences | undefined;
  readonly all: () => readonly CertificateOccurrences[];
}

export const MAX_PLACES = 50;
export const MAX_RENEWABLE = 3;
/** In certificates. OpenSSL gives up earlier. */
const MAX_PATH_LENGTH = 200;

type MutableOccurrences = { -readonly [K in keyof CertificateOccurrences]: CertificateOccurrences[K] } & {
  places: [CertificatePlace, ...CertificatePlace[]];
};

/** Groups places by certificate as they arrive, so that ten thousand places of one certificate take no more memory than fifty. */
export function indexOccurrences(): OccurrenceIndex {
  const byFingerprint = new Map<string, MutableOccurrences>();
  return {
    add: (seen, path) => {
      for (const certificate of certificatesAt(seen.chain, path))
        addOccurrence(byFingerprint, certificate, seen, roleOf(certificate, seen, path));
    },
    find: ({ fingerprint }) => byFingerprint.get(fingerprint),
    all: () => [...byFingerprint.values()],
  };
}

/** Certificates on the path and in the chain, each once: a root that clients have in their configuration is only on the path. */
export function certificatesAt(
  chain: ports.SeenPlace['chain'],
  path: readonly ports.Certificate[] = [],
): readonly ports.Certificate[] {
  return [...new Map([...path, ...chain].map((one) => [one.fingerprint, one])).values()];
}

function addOccurrence(
  byFingerprint: Map<string, MutableOccurrences>,
  certificate: ports.Certificate,
  { place, chain: [leaf], served, trustStore, renewable }: ports.SeenPlace,
  as: CertificatePlace['as'],
): void {
  const isOwn = as === 'own';
  const isBehindLeaf = as === 'issuer' || as === 'extra';
  const here: CertificatePlace = {
    place,
    as,
    ...(isOwn && renewable && { renewable }),
    ...(isBehindLeaf && { leaf: { name: leaf.name, notAfter: leaf.notAfter } }),
  };
  const occurrences = byFingerprint.get(certificate.fingerprint) ?? {
    certificate,
    places: [here],
    count: 1,
    live: false,
    renewable: [],
  };
  occurrences.live ||= served !== undefined && as !== 'extra';
  if (insertSorted(occurrences.places, here, byRole)) occurrences.count += 1;
  const isStored = isOwn && served === undefined && !trustStore;
  if (isStored && !(occurrences.storedAt !== undefined && occurrences.storedAt <= place))
    occurrences.storedAt = place;
  if (renewable && isOwn)
    occurrences.renewable = [...new Set([...occurrences.renewable, place])]
      .toSorted()
      .slice(0, MAX_RENEWABLE);
  byFingerprint.set(certificate.fingerprint, occurrences);
}

function roleOf(
  certificate: ports.Certificate,
  { chain: [leaf], trustStore }: ports.SeenPlace,
  path: CertificatePath,
): CertificatePlace['as'] {
  if (trustStore && isAuthority(certificate)) return 'trusted';
  if (certificate.fingerprint === leaf.fingerprint) return 'own';
  return path.some(({ fingerprint }) => fingerprint === certificate.fingerprint) ? 'issuer' : 'extra';
}

/**
 * Roots from the 1990s have no extension that says so. A server's own certificate in the folder of a trust store, such as Debian's
 * `ssl-cert-snakeoil.pem` in `/etc/ssl/certs`, has alternative names.
 */
function isAuthority({ authority, selfSigned, alternativeNames }: ports.Certificate): boolean {
  return authority || (selfSigned && alternativeNames.length === 0);
}

/** Whether a place needs it: false if it is only extra in chains, or only trusted. */
export function isNeeded({ places: [first] }: Pick<CertificateOccurrences, 'places'>): boolean {
  return first.as === 'own' || first.as === 'issuer';
}

/** Whether it is in trust stores and nowhere else. */
export function isOnlyTrusted({ places: [first] }: Pick<CertificateOccurrences, 'places'>): boolean {
  return first.as === 'trusted';
}

/** `info` if no client needs it; `critical` if a site serves it before it is valid. */
export function severityOfDue(
  occurrences: Pick<CertificateOccurrences, 'places' | 'live'>,
  { is, severity }: DueStatus,
): Finding['severity'] {
  if (!isNeeded(occurrences)) return 'info';
  return is === 'not-yet-valid' && occurrences.live ? 'critical' : severity;
}

/**
 * The path that clients take. If the source does not report it, it is built by the names of issuers, and a path whose certificates are all
 * valid now is preferred. Of several issuers with the same name, the one that expires last is used.
 */
export function certificatePath(
  { chain, path, trusts = [] }: Pick<ports.SeenPlace, 'chain' | 'path' | 'trusts'>,
  now: Date,
): CertificatePath {
  if (path) return path;
  const inChain = validPath(chain, [chain[0]], new Set([chain[0]]), now) ?? longestLived(chain);
  return withTrusted(inChain, trusts);
}

/** The authorities that are stored beside it for those who verify it (`ca.crt`), if they signed it. Of several, the one that expires last. */
function withTrusted(path: CertificatePath, trusts: readonly ports.Certificate[]): CertificatePath {
  const whole: [ports.Certificate, ...ports.Certificate[]] = [...path];
  for (let last = whole.at(-1); last && last.subject !== last.issuer;) {
    const signed: ports.Certificate = last;
    const [issuer] = trusts
      .filter((one) => !whole.some(({ fingerprint }) => fingerprint === one.fingerprint))
      .filter((one) => isSignedBy(signed, one) === true)
      .toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
    if (!issuer) break;
    whole.push(issuer);
    last = issuer;
  }
  return whole;
}

function validPath(
  chain: ports.SeenPlace['chain'],
  path: CertificatePath,
  tried: Set<ports.Certificate>,
  now: Date,
): CertificatePath | undefined {
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

function longestLived(chain: ports.SeenPlace['chain']): CertificatePath {
  const path: [ports.Certificate, ...ports.Certificate[]] = [chain[0]];
  for (;;) {
    const next = issuersOf(path.at(-1), chain).find((one) => !path.includes(one));
    if (!next) return path;
    path.push(next);
  }
}

/** The one that expires last comes first. Empty for a self-signed certificate. */
function issuersOf(
  certificate: ports.Certificate | undefined,
  chain: ports.SeenPlace['chain'],
): readonly ports.Certificate[] {
  if (!certificate || certificate.subject === certificate.issuer) return [];
  return chain
    .filter(({ subject }) => subject === certificate.issuer)
    .toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
}

const ROLE_ORDER = { own: 0, issuer: 1, extra: 2, trusted: 3 } as const;

function byRole(a: CertificatePlace, b: CertificatePlace): number {
  return rankOf(a) - rankOf(b) || byPlace(a, b);
}

function rankOf({ as, renewable }: CertificatePlace): number {
  return renewable ? -1 : ROLE_ORDER[as];
}

/** By code unit, so that the order is the same on every machine: a finding's target is the first place. */
export function byPlace(a: { readonly place: string }, b: { readonly place: string }): number {
  if (a.place === b.place) return 0;
  return a.place < b.place ? -1 : 1;
}

/** Inserts in order and keeps the first {@link MAX_PLACES}. Returns false if the item is already there. */
export function insertSorted<T>(kept: T[], item: T, compare: (a: T, b: T) => number): boolean {
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
