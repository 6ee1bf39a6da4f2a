import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { SourceError } from '../../ports/source-error.ts';
import type { Certificate, Sighting } from '../../ports/certificates.ts';
import { findCertificates } from '../../wire/find-certificates.ts';
import { printable, toCertificate } from '../../wire/x509.ts';
import type { Json } from './shapes.ts';

/** Shorter than any certificate in any wrapping; what says BEGIN is looked at all the same. */
const SHORTEST = 200;
const MAX_DEPTH = 20;

/** Where a certificate's key is kept, by convention: `safe`, Kubernetes, cert-manager, CredHub, Vault's PKI. */
const KEY_BESIDE: Readonly<Record<string, readonly string[]>> = {
  certificate: ['key', 'private_key', 'privateKey'],
  cert: ['key', 'private_key', 'privateKey'],
  crt: ['key'],
  'tls.crt': ['tls.key'],
  tls_crt: ['tls_key'],
  'cert.pem': ['key.pem', 'privkey.pem'],
  'fullchain.pem': ['privkey.pem'],
};

/**
 * The certificates in a secret's values, each at `<place>:<key>`. `safe` keeps the same certificate in `certificate` and in `combined`:
 * that is one place. Private keys are compared and dropped; nothing of a value but its certificates is given back.
 * With `leave`, those that a renewal could write are told apart.
 */
export function certificatesIn(
  source: string,
  place: string,
  values: Json,
  leave = false,
): readonly Sighting[] {
  const sightings: Sighting[] = [];
  const leaves = new Set<string>();
  for (const { at, key, text, beside } of textsIn(values)) {
    if (text.length < SHORTEST && !text.includes('BEGIN')) continue;
    const { certificates, unreadable } = findCertificates(text);
    for (const found of certificates) {
      const [leaf, ...rest] = found.chain;
      if (!leaf || (key === 'combined' && leaves.has(leaf.fingerprint256))) continue;
      leaves.add(leaf.fingerprint256);
      const keyMatches =
        found.keyMatches ?? (found.at === '' ? keyBesideMatches(leaf, key, beside) : undefined);
      const whole = `${place}:${at}${found.at}`;
      const renewable = leave && keyMatches === true && !leaf.ca && isRenewedAt(whole, place, values);
      sightings.push({
        kind: 'seen',
        place: printable(whole),
        chain: [toCertificate(leaf), ...rest.map(toCertificate)] as [Certificate, ...Certificate[]],
        ...(keyMatches !== undefined && { keyMatches }),
        ...(renewable && { renewable }),
      });
    }
    for (const { at: within, because } of unreadable)
      sightings.push({
        kind: 'unseen',
        place: printable(`${place}:${at}${within}`),
        error: new SourceError(source, 'malformed', because),
      });
  }
  return sightings;
}

/** In the layout of `safe`: `certificate` with its `key`. A name that is not shown as it is could not be found again. */
function isRenewedAt(whole: string, place: string, values: Json): boolean {
  const laidOut = whole === `${place}:certificate` && typeof values['key'] === 'string';
  return laidOut && printable(whole) === whole && !whole.includes('\uFFFD');
}

interface Text {
  /** The names on the way, joined by dots. */
  readonly at: string;
  readonly key: string;
  readonly text: string;
  readonly beside: Json;
}

/** Every text in the values; `combined` last. */
function textsIn(values: object, prefix = '', depth = 0): readonly Text[] {
  if (depth > MAX_DEPTH) return [];
  const last = (key: string): number => (key === 'combined' ? 1 : 0);
  return (Object.entries(values) as [string, unknown][])
    .toSorted(([one], [other]) => last(one) - last(other))
    .flatMap(([key, value]) => {
      const at = prefix + key;
      if (typeof value === 'string') return [{ at, key, text: value, beside: values as Json }];
      return typeof value === 'object' && value !== null ? textsIn(value, `${at}.`, depth + 1) : [];
    });
}

function keyBesideMatches(leaf: X509Certificate, key: string, beside: Json): boolean | undefined {
  const names = KEY_BESIDE[key] ?? [];
  const pem = names.map((name) => beside[name]).find((value) => typeof value === 'string');
  // One under a passphrase stays closed: it says itself how long opening takes.
  if (pem === undefined || pem.includes('ENCRYPTED')) return undefined;
  try {
    return leaf.checkPrivateKey(createPrivateKey(pem.replaceAll(String.raw`\n`, '\n')));
  } catch {
    return undefined;
  }
}
