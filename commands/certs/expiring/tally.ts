import type { ports } from '../../kit.ts';

/** One certificate and all the places that hold or serve it. */
export interface Held {
  readonly certificate: ports.Certificate;
  /** The first places in order, at most {@link MOST_PLACES}: those that hold it as their own before those that serve it beneath another. */
  readonly places: readonly Place[];
  /** How many places there are. */
  readonly count: number;
  /** Served by at least one live site. */
  readonly live: boolean;
  /** The first places in order where it could be renewed, at most {@link MOST_RENEWABLE}: apart, for a thousand sites may come before them. */
  readonly renewable: readonly string[];
}

export interface Place {
  readonly place: string;
  /**
   * `own` the place is for this certificate; `issuer` it is on the path from the place's leaf to its root;
   * `extra` it is served along, and the leaf does not need it.
   */
  readonly as: 'own' | 'issuer' | 'extra';
  /** The place's leaf, where this certificate is not that itself. */
  readonly leaf?: Pick<ports.Certificate, 'name' | 'notAfter'>;
}

/** Sites that show the same leaf in the same way, or places whose private key belongs to another certificate. */
export interface Site {
  readonly path: readonly [ports.Certificate, ...ports.Certificate[]];
  readonly served?: NonNullable<ports.Seen['served']>;
  readonly keyMatches?: boolean;
  /** The first of them in order, at most {@link MOST_PLACES}. */
  readonly places: readonly { readonly place: string; readonly asked?: string }[];
  readonly count: number;
}

export interface Tally {
  readonly certificates: readonly Held[];
  readonly sites: readonly Site[];
}

export const MOST_PLACES = 50;
export const MOST_RENEWABLE = 3;

type Open<T extends { places: unknown; count: number }> = {
  -readonly [Key in keyof T]: Key extends 'places' ? T['places'][keyof T['places'] & number][] : T[Key];
};

/** Gathers sightings by certificate as they come, so that ten thousand places of one certificate cost no more than fifty. */
export function openTally(): { readonly add: (seen: ports.Seen) => void; readonly close: () => Tally } {
  const certificates = new Map<string, Open<Held>>();
  const sites = new Map<string, Open<Site>>();
  return {
    add: (seen) => {
      const path = pathOf(seen.chain);
      for (const certificate of new Set(seen.chain)) {
        const held = certificates.get(certificate.fingerprint) ?? {
          certificate,
          places: [],
          count: 0,
          live: false,
          renewable: [],
        };
        held.live ||= seen.served !== undefined;
        if (keep(held.places, placeOf(certificate, seen, path), byPlace)) held.count += 1;
        if (seen.renewable && certificate === seen.chain[0])
          held.renewable = firstOf([...held.renewable, seen.place]);
        certificates.set(certificate.fingerprint, held);
      }
      if (seen.served !== undefined || seen.keyMatches === false) addSite(sites, seen, path);
    },
    close: () => ({ certificates: [...certificates.values()], sites: [...sites.values()] }),
  };
}

/**
 * From the leaf to the last issuer that is there. Of several with the issuer's name the longest-lived counts: a client can choose it,
 * as those that knew its modern form did with the cross-signed USERTrust in 2020.
 */
export function pathOf(chain: ports.Seen['chain']): [ports.Certificate, ...ports.Certificate[]] {
  const path: [ports.Certificate, ...ports.Certificate[]] = [chain[0]];
  for (let last = chain[0]; last.subject !== last.issuer;) {
    const [next] = chain
      .filter((one) => one.subject === last.issuer && !path.includes(one))
      .toSorted((a, b) => b.notAfter.getTime() - a.notAfter.getTime());
    if (!next) break;
    path.push(next);
    last = next;
  }
  return path;
}

function placeOf(
  certificate: ports.Certificate,
  { place, chain }: ports.Seen,
  path: readonly ports.Certificate[],
): Place {
  const [leaf] = chain;
  if (certificate.fingerprint === leaf.fingerprint) return { place, as: 'own' };
  const as = path.some(({ fingerprint }) => fingerprint === certificate.fingerprint) ? 'issuer' : 'extra';
  return { place, as, leaf: { name: leaf.name, notAfter: leaf.notAfter } };
}

function addSite(
  sites: Map<string, Open<Site>>,
  { place, served, keyMatches }: ports.Seen,
  path: Site['path'],
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
  const added = keep(site.places, { place, ...(servername !== undefined && { asked: servername }) }, byName);
  if (added) site.count += 1;
  sites.set(key, site);
}

function firstOf(places: readonly string[]): readonly string[] {
  return [...new Set(places)].toSorted().slice(0, MOST_RENEWABLE);
}

const ORDER = { own: 0, issuer: 1, extra: 2 } as const;

function byPlace(a: Place, b: Place): number {
  return ORDER[a.as] - ORDER[b.as] || byName(a, b);
}

/** By code unit: the same on every machine, for a finding's target is the first place. */
function byName(a: { readonly place: string }, b: { readonly place: string }): number {
  if (a.place === b.place) return 0;
  return a.place < b.place ? -1 : 1;
}

/** Inserts in order and drops what comes after the last one that is kept. False where it is there already. */
function keep<T>(kept: T[], item: T, compare: (a: T, b: T) => number): boolean {
  let low = 0;
  for (let high = kept.length; low < high;) {
    const middle = (low + high) >> 1;
    if (compare(kept[middle] as T, item) < 0) low = middle + 1;
    else high = middle;
  }
  const there = kept[low];
  if (there !== undefined && compare(there, item) === 0) return false;
  if (low < MOST_PLACES) kept.splice(low, 0, item);
  if (kept.length > MOST_PLACES) kept.pop();
  return true;
}
