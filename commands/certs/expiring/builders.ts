import type { ports } from '../../kit.ts';
import { handshake } from '../../shared/fixture-sources.ts';
import { type Facts, groupPlaces } from './collect.ts';

/** Builders for stories and tests: what a place stores or a site serves. */

/** `now` decides which of several paths is valid. Only chains with several issuers of the same name need it. */
export function factsOf(places: readonly ports.SeenPlace[], now = new Date('2026-02-20T07:00:00Z')): Facts {
  const grouper = groupPlaces(now);
  for (const seen of places) grouper.add(seen);
  return grouper.close();
}

interface CertificateSpec {
  readonly name: string;
  readonly from: string;
  readonly until: string;
  /** The CN of its issuer; by default a public one. If it equals the name, the certificate is self-signed. */
  readonly issuer?: string;
  readonly authority?: boolean;
  /** Distinguishes certificates with the same name and dates. */
  readonly serial?: string;
  /** Its key and its authority are stored with it, and it may be renewed there. */
  readonly renewable?: true;
}

export function certificate({
  name,
  from,
  until,
  issuer = 'Example Public CA',
  authority = false,
  serial = '5eed',
}: CertificateSpec): ports.Certificate {
  return {
    fingerprint: fingerprintOf([name, issuer, from, until, serial].join(' ')),
    name,
    subject: `CN=${name}`,
    issuer: `CN=${issuer}`,
    alternativeNames: authority ? [] : [`DNS:${name}`],
    serial,
    notBefore: new Date(from),
    notAfter: new Date(until),
    authority,
    selfSigned: name === issuer,
    key: { type: 'rsa', bits: 2048 },
    publicKey: fingerprintOf(`key of ${name}`),
    signature: 'sha256WithRSAEncryption',
    extendedKeyUsage: authority ? [] : ['serverAuth', 'clientAuth'],
    mustStaple: false,
  };
}

export function inVault(path: string, known: CertificateSpec): ports.SeenPlace {
  const chain = [
    certificate({ issuer: known.authority ? known.name : 'Example Public CA', serial: path, ...known }),
  ] as const;
  const { renewable } = known;
  const place = `vault:secret/${path}:certificate`;
  return { kind: 'seen', place, chain, keyMatches: true, ...(renewable && { renewable }) };
}

export function live(
  site: string,
  chain: readonly ports.Certificate[],
  shown: Partial<NonNullable<ports.SeenPlace['served']>> = {},
): ports.SeenPlace {
  const [leaf, ...rest] = chain;
  if (!leaf) throw new TypeError('a site needs at least a leaf');
  const served = handshake(site.replace(/:\d+$/, ''), shown);
  return { kind: 'seen', place: `edge:${site}`, chain: [leaf, ...rest], served };
}

/** A certificate in an operating system's list of trusted roots. */
export function inTrustStore(file: string, known: CertificateSpec): ports.SeenPlace {
  const { name } = known;
  const root = certificate({ issuer: name, authority: true, ...known });
  return { kind: 'seen', place: `disk:/etc/ssl/certs/${file}`, chain: [root], trustStore: true };
}

/** Looks like a SHA-256 hash: unique for each certificate, and the same in every run. */
function fingerprintOf(text: string): string {
  let state = 0x811c9dc5;
  return Array.from({ length: 8 }, () => {
    for (const character of text)
      state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    return state.toString(16).padStart(8, '0');
  }).join('');
}

/** What a source lists about managed certificates, with the contents that were read by place, and what else was found. */
export function managedFactsOf(
  managed: readonly ports.ManagedCertificate[],
  {
    contents = {},
    places = [],
    now,
  }: {
    readonly contents?: Readonly<Record<string, readonly ports.VersionContent[]>>;
    readonly places?: readonly ports.SeenPlace[];
    readonly now: Date;
  },
): Facts {
  const written = new Map(
    places.map(({ place, chain: [leaf] }) => [place.slice(0, place.lastIndexOf(':')), leaf.fingerprint]),
  );
  return {
    ...factsOf(places, now),
    placeCount: managed.length + places.length,
    managed: managed.map((one) => {
      const fingerprint = one.automation && written.get(one.automation.writesTo);
      return {
        ...one,
        store: one.place.slice(0, one.place.indexOf(':')),
        contents: contents[one.place] ?? [],
        isAsked: true,
        ...(fingerprint !== undefined && { written: fingerprint }),
      };
    }),
  };
}
