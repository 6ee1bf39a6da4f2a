import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { pairedKeyNames } from './key-pairs.ts';

export interface FoundChain {
  /** `''` for the first of a value, `#n` for its n-th, `:dotted.path` within a document or an archive, or the latter two together. */
  readonly at: string;
  /** The leaf is the first. Never empty. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  /** Whether the private key that is kept with it is the leaf's; absent where none was readable, or none is meant for it. */
  readonly keyMatches?: boolean;
}

export interface Unreadable {
  readonly at: string;
  /** Never quotes what was read. */
  readonly because: string;
  /** It needs a passphrase that is not known here. */
  readonly locked?: true;
}

/** A private key, parsed when it is first compared: that takes longer than all else, and most keys lie beside no certificate. Undefined where it cannot be read. */
export type HeldKey = () => KeyObject | undefined;

/** How many things that are no certificates were there. */
export interface Others {
  /** Private and public keys, parameters, revocation lists. */
  readonly harmless: number;
  /** Certificate signing requests. */
  readonly requests: number;
  /** Data in the form of DER or PEM, of a kind that is not known here. */
  readonly unknown: number;
}

/** What one value holds. It never leaves src/wire: keys are in it until they have been compared with the certificates. */
export interface Held {
  readonly chains: readonly FoundChain[];
  readonly unreadable: readonly Unreadable[];
  readonly keys: readonly HeldKey[];
  readonly others: Others;
}

export const nothing: Held = {
  chains: [],
  unreadable: [],
  keys: [],
  others: { harmless: 0, requests: 0, unknown: 0 },
};

export const harmless: Held = { ...nothing, others: { harmless: 1, requests: 0, unknown: 0 } };
export const request: Held = { ...nothing, others: { harmless: 0, requests: 1, unknown: 0 } };
export const unknown: Held = { ...nothing, others: { harmless: 0, requests: 0, unknown: 1 } };

export function unreadable(at: string, because: string): Held {
  return { ...nothing, unreadable: [{ at, because }] };
}

export function isEmpty({ chains, unreadable }: Held): boolean {
  return chains.length + unreadable.length === 0;
}

/** Puts together what stands side by side. */
export function together(parts: readonly Held[]): Held {
  const [first, ...more] = parts.filter((part) => part !== nothing);
  if (first === undefined || more.length === 0) return first ?? nothing;
  const sum = (kind: keyof Others) => parts.reduce((count, { others }) => count + others[kind], 0);
  return {
    chains: parts.flatMap(({ chains }) => chains),
    unreadable: parts.flatMap(({ unreadable }) => unreadable),
    keys: parts.flatMap(({ keys }) => keys).slice(0, MAX_KEYS),
    others: { harmless: sum('harmless'), requests: sum('requests'), unknown: sum('unknown') },
  };
}

/** Says where all of it was found. */
export function below(prefix: string, held: Held): Held {
  if (prefix === '' || held === nothing) return held;
  const placed = <T extends { readonly at: string }>(item: T): T => ({ ...item, at: prefix + item.at });
  return { ...held, chains: held.chains.map(placed), unreadable: held.unreadable.map(placed) };
}

/** `:a.b` from `:b` within `a`; `:a#2` from `#2` within `a`. */
export function within(name: string, held: Held): Held {
  if (isEmpty(held)) return held;
  const placed = <T extends { readonly at: string }>(item: T): T => ({
    ...item,
    at: `:${name}${item.at.startsWith(':') ? `.${item.at.slice(1)}` : item.at}`,
  });
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

/** Keeps a key to compare it with certificates. One under a passphrase stays closed: opening it can be made to take for ever, and it is not asked for. */
export function heldKey(pem: string, label: string): Held {
  if (label.startsWith('ENCRYPTED') || pem.includes('Proc-Type:')) return harmless;
  let key: KeyObject | undefined;
  let isParsed = false;
  const parse = () => {
    if (!isParsed) key = parseKey(pem);
    isParsed = true;
    return key;
  };
  return { ...harmless, keys: [parse] };
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Of a kind this OpenSSL does not know, or damaged.
    return undefined;
  }
}

/** Marks the chains whose leaf one of the keys belongs to. A key that belongs to none says nothing: it may sign tokens or sessions. */
export function matchKeys(held: Held): Held {
  const { chains, keys } = held;
  if (keys.length === 0 || chains.length === 0) return held;
  const chainsWithKeys = chains.map((found): FoundChain =>
    found.keyMatches === undefined && keys.some((key) => belongs(found.chain[0], key))
      ? { ...found, keyMatches: true }
      : found,
  );
  return { ...held, chains: chainsWithKeys };
}

/** The same where the layout says that the only key is for the only leaf: then one that belongs to none is a mismatch. */
export function matchOnlyKey(held: Held): Held {
  const matched = matchKeys(held);
  if (held.keys.length !== 1) return matched;
  const leaves = matched.chains.filter(({ chain: [leaf] }) => !leaf.ca);
  const meant = leaves.length === 1 ? leaves[0] : matched.chains.length === 1 ? matched.chains[0] : undefined;
  if (
    meant === undefined ||
    matched.chains.some(({ keyMatches }) => keyMatches) ||
    held.keys[0]?.() === undefined
  )
    return matched;
  return {
    ...matched,
    chains: matched.chains.map((found) => (found === meant ? { ...found, keyMatches: false } : found)),
  };
}

/**
 * Compares the certificates in the values of one mapping with the keys beside them, and drops the keys. Any key may prove to be a leaf's;
 * one whose name says that it should be (`tls.key` for `tls.crt`) and that is no other one's by name is a mismatch.
 */
export function matchWithin(entries: readonly (readonly [name: string, held: Held])[]): readonly Held[] {
  const keys = entries.flatMap(([, held]) => held.keys).slice(0, MAX_KEYS);
  if (keys.length === 0) return entries.map(([, held]) => held);
  if (entries.every(([, { chains }]) => chains.length === 0))
    return entries.map(([, held]) => ({ ...held, keys: [] }));
  const matched = entries.map(([name, held]) => {
    const { chains } = matchKeys({ ...held, keys });
    return { held: { ...held, chains, keys: [] }, paired: chains.length > 0 ? pairedKeyNames(name) : [] };
  });
  const lone = new Map(
    entries.flatMap(([name, held]) =>
      held.chains.length === 0 && held.keys.length === 1 && held.keys[0]?.()
        ? [[name, held.keys] as const]
        : [],
    ),
  );
  const taken = new Set(
    matched.flatMap(({ held, paired }) =>
      paired.filter((name) =>
        lone.get(name)?.some((key) => held.chains.some(({ chain: [leaf] }) => belongs(leaf, key))),
      ),
    ),
  );
  return matched.map(({ held, paired }) => {
    const [first] = held.chains;
    const isMismatch =
      first?.at === '' &&
      first.keyMatches === undefined &&
      paired.some((name) => lone.has(name) && !taken.has(name));
    return isMismatch ? { ...held, chains: held.chains.with(0, { ...first, keyMatches: false }) } : held;
  });
}

function belongs(leaf: X509Certificate, held: HeldKey): boolean {
  const key = held();
  try {
    return key !== undefined && leaf.checkPrivateKey(key);
  } catch {
    return false;
  }
}
