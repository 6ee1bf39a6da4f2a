import type { ports } from '../../kit.ts';
import { indexOccurrences, certificatePath } from '../../shared/certificate-occurrences.ts';
import type { Facts, Shown } from './collect.ts';

/** Builders for stories and tests: a certificate and where it is stored. */

export function certificate(name: string, issuer: string, from: string, until: string): ports.Certificate {
  return {
    fingerprint: Buffer.from(name.repeat(32)).toString('hex').slice(0, 64),
    name,
    subject: `CN=${name}`,
    issuer: `CN=${issuer}`,
    alternativeNames: name === issuer ? [] : [`DNS:${name}`],
    serial: '4d2',
    notBefore: new Date(from),
    notAfter: new Date(until),
    authority: name === issuer,
    selfSigned: name === issuer,
    key: { type: 'rsa', bits: 4096 },
    publicKey: Buffer.from(`key of ${name}`.repeat(32)).toString('hex').slice(0, 64),
    signature: 'sha512WithRSAEncryption',
    extendedKeyUsage: name === issuer ? [] : ['serverAuth', 'clientAuth'],
    mustStaple: false,
  };
}

export function stored(place: string, chain: ports.SeenPlace['chain']): ports.SeenPlace {
  return { kind: 'seen', place, chain };
}

/** The result of a search that matches the leaf of each of these places. */
export function factsOf(what: string, seen: readonly ports.SeenPlace[], now: Date): Facts {
  const shown = seen.map((one) => shownAt(one, now));
  return { what, exact: true, shown, matching: shown.length, managed: [], unchecked: 0 };
}

/** A certificate at a place (its leaf unless another is given) and at other places. */
export function shownAt(
  seen: ports.SeenPlace,
  now: Date,
  {
    certificate: shown = seen.chain[0],
    elsewhere = [],
  }: { readonly certificate?: ports.Certificate; readonly elsewhere?: readonly ports.SeenPlace[] } = {},
): Shown {
  const occurrences = indexOccurrences();
  for (const one of [seen, ...elsewhere]) occurrences.add(one, certificatePath(one, now));
  const found = occurrences.find(shown);
  if (!found) throw new TypeError(`${shown.name} is not at ${seen.place}`);
  return { ...found, seen };
}
