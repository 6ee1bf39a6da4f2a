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
    publicKey: hexOf(`key of ${name}`, 64).slice(0, 64),
    signature: 'sha256WithRSAEncryption',
    extendedKeyUsage: ['serverAuth'],
    mustStaple: false,
    ...known,
  };
}

/** A certificate whose key is `key`, signed by the key `signedWith`: names of keys, so that versions of an authority can differ. */
export function signedCertificate(
  name: string,
  until: string,
  { issuer, key, signedWith, ...known }: SignedSpec,
): ports.Certificate {
  return certificate(name, until, {
    issuer: `CN=${issuer ?? 'Example Private CA'}`,
    fingerprint: hexOf(`${name} ${until} ${key ?? ''}`, 64).slice(-64),
    authority: key !== undefined,
    selfSigned: key !== undefined && key === signedWith,
    ...(key !== undefined && { subjectKeyId: hexOf(key, 40) }),
    authorityKeyId: hexOf(signedWith, 40),
    ...known,
  });
}

interface SignedSpec extends Partial<Omit<ports.Certificate, 'key' | 'issuer'>> {
  readonly issuer?: string;
  /** Of an authority. */
  readonly key?: string;
  readonly signedWith: string;
}

/** `/bosh/cf/ca` of a CredHub, with its versions, newest first. */
export function managedInCredHub(
  name: string,
  versions: readonly (Partial<ports.CertificateVersion> & { readonly id: string; readonly until?: string })[],
  known: Partial<ports.ManagedCertificate> = {},
): ports.ManagedCertificate {
  return {
    kind: 'managed',
    place: `credhub:${name}`,
    name,
    renewedBy: 'store',
    versions: versions.map(({ until, ...version }) => ({
      transitional: false,
      generated: true,
      ...(until !== undefined && { notAfter: new Date(until) }),
      ...version,
    })),
    ...known,
  };
}
