import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';

export interface FoundChain {
  /** `''` for the first of a value, `#n` for its n-th, `:dotted.path` within a document, or the latter two together. */
  readonly at: string;
  /** The leaf is the first. Never empty. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  /** Whether a private key beside it is the leaf's; absent where none was readable, or none can be told to be meant for it. */
  readonly keyMatches?: boolean;
}

export interface Unreadable {
  readonly at: string;
  /** Never quotes what was read. */
  readonly because: string;
  /** It asks for a passphrase that is not known here. */
  readonly locked?: true;
}

/** What one value holds. It never leaves src/wire: keys are in it until they have been laid beside the certificates. */
export interface Held {
  readonly chains: readonly FoundChain[];
  readonly unreadable: readonly Unreadable[];
  readonly keys: readonly KeyObject[];
  /** Known things which are no certificates: keys, requests, revocation lists, parameters. */
  readonly others: number;
}

export const nothing: Held = { chains: [], unreadable: [], keys: [], others: 0 };

export function unreadable(at: string, because: string): Held {
  return { ...nothing, unreadable: [{ at, because }] };
}

/** Puts together what stands side by side. */
export function together(parts: readonly Held[]): Held {
  return {
    chains: parts.flatMap(({ chains }) => chains),
    unreadable: parts.flatMap(({ unreadable }) => unreadable),
    keys: parts.flatMap(({ keys }) => keys).slice(0, MAX_KEYS),
    others: parts.reduce((sum, { others }) => sum + others, 0),
  };
}

/** Says where all of it was found. */
export function below(prefix: string, held: Held): Held {
  if (prefix === '' || held === nothing) return held;
  const placed = <T extends { readonly at: string }>(item: T): T => ({ ...item, at: prefix + item.at });
  return { ...held, chains: held.chains.map(placed), unreadable: held.unreadable.map(placed) };
}

/** Gives each group a place: its number among its like, `''` for the first. */
export function numbered(chains: readonly (readonly X509Certificate[])[]): FoundChain[] {
  return chains.flatMap(([leaf, ...issuers], index) =>
    leaf ? [{ at: ordinal(index + 1), chain: [leaf, ...issuers] as const }] : [],
  );
}

export function ordinal(number: number): string {
  return number === 1 ? '' : `#${number}`;
}

/** Comparing is quick, but not for a file of ten thousand keys beside as many certificates. */
const MAX_KEYS = 20;

/** Reads a key to compare it with certificates. One under a passphrase stays closed: it says itself how long opening takes, and is not asked for. */
export function heldKey(pem: string, label: string): Held {
  const held: Held = { ...nothing, others: 1 };
  if (label.startsWith('ENCRYPTED') || pem.includes('Proc-Type:')) return held;
  try {
    return { ...held, keys: [createPrivateKey(pem)] };
  } catch {
    // Of a kind this OpenSSL does not know, or damaged.
    return held;
  }
}

/**
 * Says of each chain whether a key beside it is its leaf's, and lets go of the keys.
 * A key that belongs to none is held against the one leaf that is no authority, or the only chain; among several nobody can tell.
 */
export function matchKeys(held: Held): Held {
  const { chains, keys } = held;
  if (keys.length === 0) return held;
  const open = chains.filter(({ keyMatches }) => keyMatches === undefined);
  const matching = new Set(open.filter(({ chain: [leaf] }) => keys.some((key) => belongs(leaf, key))));
  const leaves = open.filter(({ chain: [leaf] }) => !leaf.ca);
  const meant = leaves.length === 1 ? leaves[0] : open.length === 1 ? open[0] : undefined;
  const judged = chains.map((found): FoundChain => {
    if (matching.has(found)) return { ...found, keyMatches: true };
    return found === meant && matching.size === 0 ? { ...found, keyMatches: false } : found;
  });
  return { ...held, chains: judged, keys: [] };
}

function belongs(leaf: X509Certificate, key: KeyObject): boolean {
  try {
    return leaf.checkPrivateKey(key);
  } catch {
    return false;
  }
}
