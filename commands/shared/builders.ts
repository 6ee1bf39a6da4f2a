import type { ports } from '../kit.ts';
import { hexOf } from './fixture-sources.ts';

/** Builders for the stories and tests of several checks. Nothing else imports them. */

/** A server's certificate, valid since 2016, with overrides. */
export function certificate(
  name: string,
  until: string,
  known: Partial<ports.Certificate> = {},
): ports.Certificate {
  return {
    fingerprint: hexOf(name, 64).slice(0, 64),
    name,
    subject: `CN=${name}`,
    issuer: 'CN=etcd-ca',
    alternativeNames: [`DNS:${name}`],
    serial: '5eed',
    notBefore: new Date('2016-01-01T00:00:00Z'),
    notAfter: new Date(until),
    authority: false,
    selfSigned: false,
    key: { type: 'rsa', bits: 2048 },
    signature: 'sha256WithRSAEncryption',
    extendedKeyUsage: ['serverAuth'],
    mustStaple: false,
    ...known,
  };
}
