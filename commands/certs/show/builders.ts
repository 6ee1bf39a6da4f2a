import type { ports } from '../../kit.ts';

/** Builders for stories and tests: a certificate and where it is held, in short. */

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
    signature: 'sha512WithRSAEncryption',
    extendedKeyUsage: name === issuer ? [] : ['serverAuth', 'clientAuth'],
    mustStaple: false,
  };
}

export function stored(place: string, chain: ports.SeenPlace['chain']): ports.SeenPlace {
  return { kind: 'seen', place, chain };
}
