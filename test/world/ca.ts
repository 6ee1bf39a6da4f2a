import 'reflect-metadata'; // Required before @peculiar/x509 is imported: https://github.com/PeculiarVentures/x509#-reflect-polyfill-required
import { KeyObject, sign, type webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { contentLength, headerLength, wrap } from './der.ts';

/** Issues real certificates for tests and the demo. Every call makes new keys; nothing is stored. */
export type KeyType = 'rsa1024' | 'rsa2048' | 'rsa3072' | 'rsa4096' | 'p256' | 'p384' | 'p521' | 'ed25519';

export interface Issued {
  readonly name: string;
  readonly certificatePem: string;
  /** PKCS#8 */
  readonly keyPem: string;
  readonly der: Buffer;
  readonly x509: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** A certificate that may sign others: a root, or an intermediate if `issuer` was given. */
export interface Authority extends Issued {
  /**
   * From this CA's own certificate up to the root, which is not included: what a server sends after its
   * leaf.
   */
  readonly servedPem: string;
}

export interface Validity {
  /** Default: an hour ago. */
  readonly notBefore?: Date;
  /** Default: 397 days after `notBefore` for a leaf, ten years for a CA. */
  readonly notAfter?: Date;
}

interface Common extends Validity {
  readonly name: string;
  /** Default `p256`, the fastest to generate. */
  readonly keyType?: KeyType;
  /** Signs with an existing pair instead of a new one: a renewal that keeps its key. */
  readonly keys?: webcrypto.CryptoKeyPair;
  /**
   * The whole subject, unchanged (even control characters); default `CN=<name>`. `[]` gives an empty
   * subject.
   */
  readonly subject?: x509.JsonNameParams;
  /** Hex; a leading `-` makes it negative, as some old appliances do. Default: random. */
  readonly serial?: string;
}

export interface AuthorityRequest extends Common {
  /** Absent: a self-signed root. */
  readonly issuer?: Authority;
  /** The hash for signatures with this CA's RSA key; default SHA-256. */
  readonly signsWith?: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';
}

export interface LeafRequest extends Common {
  /** DNS names, IP addresses, or `URI:spiffe://…` / `email:…`. Default: `[name]`. `[]` gives a certificate with a CN only. */
  readonly names?: readonly string[];
  /** Default `['serverAuth']`. */
  readonly extendedKeyUsage?: readonly string[];
  readonly mustStaple?: boolean;
}

const DAY_MS = 86_400_000;
const MUST_STAPLE_OID = '1.3.6.1.5.5.7.1.24';
const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
};

export async function makeAuthority(request: AuthorityRequest): Promise<Authority> {
  const { issuer } = request;
  const notBefore = request.notBefore ?? new Date(Date.now() - 3_600_000);
  const notAfter = request.notAfter ?? new Date(notBefore.getTime() + 3650 * DAY_MS);
  const keys = request.keys ?? (await makeKeys(request.keyType, request.signsWith));
  const issued = await create({ ...request, notBefore, notAfter }, keys, issuer, [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ...(await keyIdentifiers(keys, issuer?.keys ?? keys)),
  ]);
  return { ...issued, servedPem: issuer === undefined ? '' : issued.certificatePem + issuer.servedPem };
}

/** A leaf signed by `authority`. */
export async function issue(authority: Authority, request: LeafRequest): Promise<Issued> {
  const keys = request.keys ?? (await makeKeys(request.keyType));
  const identifiers = await keyIdentifiers(keys, authority.keys);
  return create(leafValidity(request), keys, authority, [...leafExtensions(request), ...identifiers]);
}

/** A self-signed leaf, as on appliances. */
export async function issueSelfSigned(
  request: LeafRequest & Pick<AuthorityRequest, 'signsWith'>,
): Promise<Issued> {
  const keys = request.keys ?? (await makeKeys(request.keyType, request.signsWith));
  return create(leafValidity(request), keys, undefined, leafExtensions(request));
}

/** The leaf and what a healthy server sends after it, in one PEM. */
export function fullChain(leaf: Issued, authority: Authority): string {
  return leaf.certificatePem + authority.servedPem;
}

async function create(
  request: Common & Required<Validity>,
  keys: webcrypto.CryptoKeyPair,
  issuer: Authority | undefined,
  extensions: x509.Extension[],
): Promise<Issued> {
  const subject = request.subject ?? [{ CN: [{ utf8String: request.name }] }];
  const signer = issuer?.keys ?? keys;
  const { serial = '' } = request;
  const negative = serial.startsWith('-');
  const made = await x509.X509CertificateGenerator.create({
    subject: new x509.Name(subject),
    issuer: issuer === undefined ? new x509.Name(subject) : new x509.X509Certificate(issuer.der).subjectName,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { name: signer.privateKey.algorithm.name, hash: 'SHA-256' },
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    extensions,
    ...(serial === '' ? {} : { serialNumber: negative ? '01' : serial }),
  });
  const raw = Buffer.from(made.rawData);
  const der = negative ? withNegativeSerial(raw, serial, signer.privateKey) : raw;
  const certificate = new X509Certificate(der);
  const keyPem = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { name: request.name, certificatePem: certificate.toString(), keyPem, der, x509: certificate, keys };
}

function leafValidity<T extends Validity>(request: T): T & Required<Validity> {
  const notBefore = request.notBefore ?? new Date(Date.now() - 3_600_000);
  return {
    ...request,
    notBefore,
    notAfter: request.notAfter ?? new Date(notBefore.getTime() + 397 * DAY_MS),
  };
}

function leafExtensions({
  name,
  names = [name],
  extendedKeyUsage,
  mustStaple,
}: LeafRequest): x509.Extension[] {
  const usages = (extendedKeyUsage ?? ['serverAuth']).map((usage) => EXTENDED_KEY_USAGES[usage] ?? usage);
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    ...(usages.length > 0 ? [new x509.ExtendedKeyUsageExtension(usages)] : []),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names.map(generalName))] : []),
    // TLS feature "status_request": RFC 7633, section 6.
    ...(mustStaple === true
      ? [new x509.Extension(MUST_STAPLE_OID, false, Buffer.from('3003020105', 'hex'))]
      : []),
  ];
}

async function keyIdentifiers(
  own: webcrypto.CryptoKeyPair,
  issuers: webcrypto.CryptoKeyPair,
): Promise<x509.Extension[]> {
  return [
    await x509.SubjectKeyIdentifierExtension.create(own.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuers.publicKey),
  ];
}

function generalName(name: string): x509.JsonGeneralName {
  if (isIP(name) !== 0) return { type: 'ip', value: name };
  if (name.startsWith('URI:')) return { type: 'url', value: name.slice(4) };
  if (name.startsWith('email:')) return { type: 'email', value: name.slice(6) };
  return { type: 'dns', value: name };
}

export async function makeKeys(
  keyType: KeyType = 'p256',
  hash: NonNullable<AuthorityRequest['signsWith']> = 'SHA-256',
): Promise<webcrypto.CryptoKeyPair> {
  const uses: webcrypto.KeyUsage[] = ['sign', 'verify'];
  if (keyType === 'ed25519') {
    const made: webcrypto.CryptoKey | webcrypto.CryptoKeyPair = await crypto.subtle.generateKey(
      'Ed25519',
      true,
      uses,
    );
    if (!('privateKey' in made)) throw new TypeError('Ed25519 gives a pair of keys');
    return made;
  }
  if (keyType.startsWith('rsa')) {
    const modulusLength = Number(keyType.slice(3));
    const publicExponent = new Uint8Array([1, 0, 1]);
    return crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', hash, modulusLength, publicExponent },
      true,
      uses,
    );
  }
  return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: `P-${keyType.slice(1)}` }, true, uses);
}

/**
 * WebCrypto's issuer writes positive serials only, so the byte `01` is replaced and the certificate signed
 * again.
 */
function withNegativeSerial(der: Buffer, serial: string, signer: webcrypto.CryptoKey): Buffer {
  const magnitude = BigInt(`0x${serial.slice(1)}`);
  const octets = Math.floor((magnitude - 1n).toString(2).length / 8) + 1;
  const bytes = Buffer.from(
    ((1n << BigInt(8 * octets)) - magnitude).toString(16).padStart(2 * octets, '0'),
    'hex',
  );
  const outer = der.subarray(headerLength(der));
  const tbsHeader = headerLength(outer);
  const tbsLength = tbsHeader + contentLength(outer);
  const tbs = outer.subarray(tbsHeader, tbsLength);
  // TBSCertificate starts with [0] { INTEGER version } (5 bytes), then the serial: 02 01 01.
  const patched = wrap(0x30, Buffer.concat([tbs.subarray(0, 5), wrap(0x02, bytes), tbs.subarray(8)]));
  const afterTbs = outer.subarray(tbsLength);
  const algorithm = afterTbs.subarray(0, headerLength(afterTbs) + contentLength(afterTbs));
  const key = KeyObject.from(signer);
  const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', patched, key);
  return wrap(
    0x30,
    Buffer.concat([patched, algorithm, wrap(0x03, Buffer.concat([Buffer.from([0]), signature]))]),
  );
}
