import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { pairedKeyNames } from './key-pairs.ts';

export interface FoundChain {
  /** `''` for the first of a value, `#n` for its n-th, `:dotted.path` within a document or an archive, or the latter two together. */
  readonly at: string;
  /** The leaf is the first. Never empty. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  /** Whether the private key stored with it is the leaf's; absent if no key was readable, or none belongs to it. */
  readonly keyMatches?: boolean;
}

export interface Unreadable {
  readonly at: string;
  /** Never quotes what was read. */
  readonly because: string;
  /** It needs a passphrase that is not configured. */
  readonly locked?: true;
}

/**
 * A private key, parsed when it is first compared: parsing is the slowest step, and most keys have no certificate next to them. Undefined if it can't
 * be read.
 */
export type LazyKey = () => KeyObject | undefined;

/** Counts of what is not a certificate. */
export interface Others {
  /** Private and public keys, parameters, revocation lists. */
  readonly harmless: number;
  /** Certificate signing requests. */
  readonly requests: number;
  /** DER or PEM of an unknown kind. */
  readonly unknown: number;
}

/** What was found in one value. It never leaves src/wire, because it contains private keys until they have been compared with the certificates. */
export interface FoundContent {
  readonly chains: readonly FoundChain[];
  readonly unreadable: readonly Unreadable[];
  readonly keys: readonly LazyKey[];
  readonly others: Others;
}

export const NO_CONTENT: FoundContent = {
  chains: [],
  unreadable: [],
  keys: [],
  others: { harmless: 0, requests: 0, unknown: 0 },
};

export const HARMLESS_CONTENT: FoundContent = {
  ...NO_CONTENT,
  others: { harmless: 1, requests: 0, unknown: 0 },
};
export const REQUEST_CONTENT: FoundContent = {
  ...NO_CONTENT,
  others: { harmless: 0, requests: 1, unknown: 0 },
};
export const UNKNOWN_CONTENT: FoundContent = {
  ...NO_CONTENT,
  others: { harmless: 0, requests: 0, unknown: 1 },
};

export function unreadableContent(at: string, because: string): FoundContent {
  return { ...NO_CONTENT, unreadable: [{ at, because }] };
}

export function isEmpty({ chains, unreadable }: FoundContent): boolean {
  return chains.length + unreadable.length === 0;
}

/** Whether it contains nothing that was recognized. */
export function isNoContent(contents: FoundContent): boolean {
  return isEmpty(contents) && contents.keys.length === 0 && countOthers(contents) === 0;
}

/** Whether it contains keys, parameters or revocation lists, and nothing else. */
export function isHarmless(contents: FoundContent): boolean {
  return (
    isEmpty(contents) && contents.others.harmless > 0 && contents.others.harmless === countOthers(contents)
  );
}

function countOthers({ others: { harmless, requests, unknown } }: FoundContent): number {
  return harmless + requests + unknown;
}

/** Merges what was found in adjacent values. */
export function mergeContent(parts: readonly FoundContent[]): FoundContent {
  const [first, ...more] = parts.filter((part) => !isNoContent(part));
  if (first === undefined || more.length === 0) return first ?? NO_CONTENT;
  const sum = (kind: keyof Others) => parts.reduce((count, { others }) => count + others[kind], 0);
  return {
    chains: parts.flatMap(({ chains }) => chains),
    unreadable: parts.flatMap(({ unreadable }) => unreadable),
    keys: parts.flatMap(({ keys }) => keys).slice(0, MAX_KEYS),
    others: { harmless: sum('harmless'), requests: sum('requests'), unknown: sum('unknown') },
  };
}

/** Puts a prefix before every place. */
export function prefixPlaces(prefix: string, contents: FoundContent): FoundContent {
  if (prefix === '' || isEmpty(contents)) return contents;
  const placed = <T extends { readonly at: string }>(item: T): T => ({ ...item, at: prefix + item.at });
  return { ...contents, chains: contents.chains.map(placed), unreadable: contents.unreadable.map(placed) };
}

/** `:a.b` from `:b` within `a`; `:a#2` from `#2` within `a`. */
export function nestPlaces(name: string, contents: FoundContent): FoundContent {
  if (isEmpty(contents)) return contents;
  const placed = <T extends { readonly at: string }>(item: T): T => ({
    ...item,
    at: `:${name}${item.at.startsWith(':') ? `.${item.at.slice(1)}` : item.at}`,
  });
  return { ...contents, chains: contents.chains.map(placed), unreadable: contents.unreadable.map(placed) };
}

/** Gives each chain a place: `''` for the first, then `#2`, `#3` ... */
export function numbered(chains: readonly (readonly X509Certificate[])[]): FoundChain[] {
  return chains.flatMap(([leaf, ...issuers], index) =>
    leaf ? [{ at: ordinal(index + 1), chain: [leaf, ...issuers] as const }] : [],
  );
}

export function ordinal(number: number): string {
  return number === 1 ? '' : `#${number}`;
}

/** Each key is compared with each certificate, and a file may contain ten thousand of both. */
const MAX_KEYS = 20;

/**
 * Stores a key to compare it with certificates. An encrypted key is not opened: passphrases are configured for PKCS#12 only, and a file can require
 * endless key derivation.
 */
export function contentOfKey(pem: string, label: string): FoundContent {
  if (label.startsWith('ENCRYPTED') || pem.includes('Proc-Type:')) return HARMLESS_CONTENT;
  let key: KeyObject | undefined;
  let isParsed = false;
  const parse = () => {
    if (!isParsed) key = parseKey(pem);
    isParsed = true;
    return key;
  };
  return { ...HARMLESS_CONTENT, keys: [parse] };
}

/** @returns undefined for a key that is encrypted, damaged or of a type that this OpenSSL does not know. */
export function parseKey(key: Parameters<typeof createPrivateKey>[0]): KeyObject | undefined {
  try {
    return createPrivateKey(key);
  } catch {
    return undefined;
  }
}

/** Marks the chains whose leaf belongs to one of the keys. A key that belongs to none proves nothing: it may sign tokens or sessions. */
export function matchKeys(contents: FoundContent): FoundContent {
  const { chains, keys } = contents;
  if (keys.length === 0 || chains.length === 0) return contents;
  const chainsWithKeys = chains.map((found): FoundChain =>
    found.keyMatches === undefined && keys.some((key) => belongs(found.chain[0], key))
      ? { ...found, keyMatches: true }
      : found,
  );
  return { ...contents, chains: chainsWithKeys };
}

/** Like {@link matchKeys}, for a layout in which the only key is for the only leaf: a key that belongs to none is a mismatch. */
export function matchOnlyKey(contents: FoundContent): FoundContent {
  const matched = matchKeys(contents);
  if (contents.keys.length !== 1) return matched;
  const [key] = contents.keys;
  const [meant, ...others] = matched.chains.filter(({ chain: [leaf] }) => !leaf.ca);
  // The key of an authority may be next to what it issued.
  const isTaken = matched.chains.some(({ chain }) => chain.some((one) => key && belongs(one, key)));
  if (meant === undefined || others.length > 0 || isTaken || key?.() === undefined) return matched;
  return {
    ...matched,
    chains: matched.chains.map((found) => (found === meant ? { ...found, keyMatches: false } : found)),
  };
}

/**
 * Compares the certificates in the values of one mapping with the keys next to them, and drops the keys. Any key may match a leaf. It is a mismatch
 * only if its name pairs it with the certificate (`tls.key` with `tls.crt`) and it does not belong to another certificate that its name is paired
 * with.
 */
export function matchWithin(
  entries: readonly (readonly [name: string, contents: FoundContent])[],
): readonly FoundContent[] {
  const keys = entries.flatMap(([, contents]) => contents.keys).slice(0, MAX_KEYS);
  if (keys.length === 0) return entries.map(([, contents]) => contents);
  if (entries.every(([, { chains }]) => chains.length === 0))
    return entries.map(([, contents]) => ({ ...contents, keys: [] }));
  const matched = entries.map(([name, contents]) => {
    const { chains } = matchKeys({ ...contents, keys });
    return {
      contents: { ...contents, chains, keys: [] },
      paired: chains.length > 0 ? pairedKeyNames(name) : [],
    };
  });
  // Values that are one readable key and nothing else.
  const lone = new Map(
    entries.flatMap(([name, contents]) =>
      contents.chains.length === 0 && contents.keys.length === 1 && contents.keys[0]?.()
        ? [[name, contents.keys] as const]
        : [],
    ),
  );
  // Names of keys that belong to one of the certificates paired with them.
  const taken = new Set(
    matched.flatMap(({ contents, paired }) =>
      paired.filter((name) =>
        lone.get(name)?.some((key) => contents.chains.some(({ chain: [leaf] }) => belongs(leaf, key))),
      ),
    ),
  );
  return matched.map(({ contents, paired }) => {
    const [first] = contents.chains;
    // A key with a paired name takes precedence over any other key next to it, because the pairs may have been swapped.
    const own = paired.filter((name) => lone.has(name));
    const isMismatch =
      first?.at === '' &&
      own.some((name) => !taken.has(name)) &&
      !own.some((name) => lone.get(name)?.some((key) => belongs(first.chain[0], key)));
    return isMismatch
      ? { ...contents, chains: contents.chains.with(0, { ...first, keyMatches: false }) }
      : contents;
  });
}

function belongs(leaf: X509Certificate, contents: LazyKey): boolean {
  const key = contents();
  return key !== undefined && isKeyOf(leaf, key);
}

/** Whether a private key belongs to a certificate. Never throws. */
export function isKeyOf(leaf: X509Certificate, key: KeyObject): boolean {
  try {
    return leaf.checkPrivateKey(key);
  } catch {
    return false;
  }
}
