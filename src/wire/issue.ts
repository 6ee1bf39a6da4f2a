import { createPrivateKey, X509Certificate } from 'node:crypto';
import type * as issuer from '@peculiar/x509';
import { AUTHORITY_KEY_ID, lostIn, partsOf, SUBJECT_KEY_ID } from './certificate-parts.ts';

/** How an authority's key will sign a renewal. */
export interface Signing {
  /** For WebCrypto. */
  readonly algorithm: SigningAlgorithm;
  /** Set if the hash of the present certificate is no longer used: `SHA-1`. */
  readonly insteadOf?: string;
}

interface SigningAlgorithm {
  readonly name: 'RSASSA-PKCS1-v1_5' | 'RSA-PSS' | 'ECDSA' | 'Ed25519';
  readonly hash?: string;
  readonly namedCurve?: string;
  readonly saltLength?: number;
}

interface Reissue {
  /** The certificate to replace: everything is kept except serial, validity, authority and signature. */
  readonly present: X509Certificate;
  readonly authority: X509Certificate;
  /** PEM, without a passphrase. */
  readonly authorityKey: string;
  readonly signing: Signing;
  /** Hex; positive. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

type Library = typeof issuer;

let library: Promise<Library> | undefined;

/** Loaded only when a certificate is issued, because loading takes as long as many checks. */
function load(): Promise<Library> {
  // It requires the polyfill before its own import: https://github.com/PeculiarVentures/x509#-reflect-polyfill-required
  library ??= import('reflect-metadata').then(() => import('@peculiar/x509'));
  return library;
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};
const GOOD_HASHES: ReadonlySet<string> = new Set(['SHA-256', 'SHA-384', 'SHA-512']);

/**
 * The same signature algorithm, but SHA-256 in place of a broken hash (SHA-1, MD5). `undefined` if the authority's key type can't sign here.
 */
export async function signingFor(
  present: X509Certificate,
  authority: X509Certificate,
): Promise<Signing | undefined> {
  const { X509Certificate: Reader } = await load();
  const before = new Reader(present.raw).signatureAlgorithm as {
    readonly name: string;
    readonly hash?: { readonly name: string } | string;
    readonly saltLength?: number;
  };
  const hashBefore = typeof before.hash === 'string' ? before.hash : before.hash?.name;
  const good = hashBefore !== undefined && GOOD_HASHES.has(hashBefore);
  const hash = good ? hashBefore : 'SHA-256';
  const hashed = good ? {} : { insteadOf: hashBefore ?? present.signatureAlgorithm ?? 'another hash' };

  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = authority.publicKey;
  if (type === 'ed25519') return { algorithm: { name: 'Ed25519' } };
  const namedCurve = CURVES[details?.namedCurve ?? ''];
  if (type === 'ec' && namedCurve) return { algorithm: { name: 'ECDSA', hash, namedCurve }, ...hashed };
  if (type !== 'rsa') return undefined;
  if (before.name !== 'RSA-PSS') return { algorithm: { name: 'RSASSA-PKCS1-v1_5', hash }, ...hashed };
  return { algorithm: { name: 'RSA-PSS', hash, saltLength: before.saltLength ?? 32 }, ...hashed };
}

/**
 * Reissues a certificate with the same subject, key and extensions, byte for byte. @throws {Error} if the result would lose something; the message
 * never contains the key.
 */
export async function reissue(wanted: Reissue): Promise<X509Certificate> {
  const { present, authority, signing, notBefore, notAfter } = wanted;
  const x509 = await load();
  const old = new x509.X509Certificate(present.raw);
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: evenHex(wanted.serial),
    subject: old.subjectName,
    issuer: new x509.X509Certificate(authority.raw).subjectName,
    publicKey: old.publicKey.rawData,
    signingKey: createPrivateKey(wanted.authorityKey).toCryptoKey(signing.algorithm, false, ['sign']),
    signingAlgorithm: signing.algorithm,
    notBefore,
    notAfter,
    extensions: await extensionsOf(x509, present, authority),
  });
  const fresh = new X509Certificate(Buffer.from(made.rawData));
  const lost = lostIn(present.raw, fresh.raw);
  if (lost.length > 0) throw new Error(`reissuing it would lose ${lost.join(', ')}`);
  if (!fresh.verify(authority.publicKey))
    throw new Error('the issued certificate is not signed by the key of the authority');
  return fresh;
}

/**
 * All unchanged and in their order, except the authority's key identifier; with the same key it stays. They are copied as bytes, because the library
 * parses those it knows and throws if one is malformed.
 */
async function extensionsOf(x509: Library, present: X509Certificate, authority: X509Certificate) {
  const extensions = [...partsOf(present.raw).extensions].map(
    ([oid, bytes]) => [oid, new x509.Extension(bytes)] as const,
  );
  const named = partsOf(authority.raw).extensions.get(SUBJECT_KEY_ID);
  const { publicKey } = new x509.X509Certificate(authority.raw);
  const identifier = named
    ? new x509.AuthorityKeyIdentifierExtension(new x509.SubjectKeyIdentifierExtension(named).keyId)
    : await x509.AuthorityKeyIdentifierExtension.create(publicKey);
  // An empty list of extensions is not allowed (RFC 5280 section 4.1.2.9).
  if (extensions.length === 0) return [identifier];
  return extensions.map(([oid, extension]) =>
    oid === AUTHORITY_KEY_ID
      ? new x509.Extension(identifier.type, extension.critical, identifier.value)
      : extension,
  );
}

function evenHex(hex: string): string {
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}
