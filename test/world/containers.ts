import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';
import forge from 'node-forge';
import { wrap } from './der.ts';

/**
 * Certificate containers as other programs write them, for keys of any type: node-forge writes only RSA,
 * and does not encrypt certificates.
 */

const SEQUENCE = 0x30;
const OCTETS = 0x04;
const sequence = (...parts: Buffer[]) => wrap(SEQUENCE, Buffer.concat(parts));
const octets = (content: Buffer) => wrap(OCTETS, content);
const explicit = (...parts: Buffer[]) => wrap(0xa0, Buffer.concat(parts));
const oid = (dotted: string) => wrap(0x06, Buffer.from(forge.asn1.oidToDer(dotted).getBytes(), 'latin1'));
const integer = (value: number) => {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return wrap(0x02, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
};

/** A bundle without a signature, as `openssl crl2pkcs7 -nocrl` makes (RFC 2315). */
export function makePkcs7(
  certificates: readonly Buffer[],
  order: 'as given' | 'as DER sorts' = 'as DER sorts',
): Buffer {
  const sorted = order === 'as given' ? certificates : certificates.toSorted((a, b) => a.compare(b));
  const data = sequence(oid('1.2.840.113549.1.7.1'));
  const signedData = sequence(
    integer(1),
    wrap(0x31, Buffer.alloc(0)),
    data,
    explicit(...sorted),
    wrap(0x31, Buffer.alloc(0)),
  );
  return sequence(oid('1.2.840.113549.1.7.2'), explicit(signedData));
}

export interface Pkcs12Request {
  readonly certificates: readonly Buffer[];
  /** PKCS#8 DER, stored in a separate bag. */
  readonly key?: Buffer;
  readonly passphrase: string;
  /**
   * `aes`: PBES2 with SHA-256, as in OpenSSL 3 and Java 17; `rc2`, `3des`: as in OpenSSL 1 and Windows;
   * `none`: as with openssl's `-certpbe NONE`.
   */
  readonly encryption?: 'aes' | 'rc2' | '3des' | 'none';
  readonly rounds?: number;
}

/** A PKCS#12 file (RFC 7292), without a MAC. */
export function makePkcs12({
  certificates,
  key,
  passphrase,
  encryption = 'aes',
  rounds = 2048,
}: Pkcs12Request): Buffer {
  const bags = certificates.map((der) =>
    sequence(
      oid('1.2.840.113549.1.12.10.1.3'),
      explicit(sequence(oid('1.2.840.113549.1.9.22.1'), explicit(octets(der)))),
    ),
  );
  const keyBag = key && sequence(oid('1.2.840.113549.1.12.10.1.1'), explicit(key));
  const plain = (content: Buffer) => sequence(oid('1.2.840.113549.1.7.1'), explicit(octets(content)));
  const kept =
    encryption === 'none'
      ? plain(sequence(...bags))
      : encrypted(sequence(...bags), passphrase, encryption, rounds);
  const safe = sequence(kept, ...(keyBag ? [plain(sequence(keyBag))] : []));
  return sequence(integer(3), plain(safe));
}

function encrypted(
  content: Buffer,
  passphrase: string,
  encryption: 'aes' | 'rc2' | '3des',
  rounds: number,
): Buffer {
  const { algorithm, bytes } =
    encryption === 'aes'
      ? pbes2(content, passphrase, rounds)
      : legacy(content, passphrase, encryption, rounds);
  const info = sequence(oid('1.2.840.113549.1.7.1'), algorithm, wrap(0x80, bytes));
  return sequence(oid('1.2.840.113549.1.7.6'), explicit(sequence(integer(0), info)));
}

function pbes2(content: Buffer, passphrase: string, rounds: number): { algorithm: Buffer; bytes: Buffer } {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const cipher = createCipheriv(
    'aes-256-cbc',
    pbkdf2Sync(passphrase, salt, Math.min(rounds, 10_000), 32, 'sha256'),
    iv,
  );
  const prf = sequence(oid('1.2.840.113549.2.9'), Buffer.from('0500', 'hex'));
  const derivation = sequence(oid('1.2.840.113549.1.5.12'), sequence(octets(salt), integer(rounds), prf));
  const scheme = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(iv));
  return {
    algorithm: sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, scheme)),
    bytes: Buffer.concat([cipher.update(content), cipher.final()]),
  };
}

function legacy(
  content: Buffer,
  passphrase: string,
  encryption: 'rc2' | '3des',
  rounds: number,
): { algorithm: Buffer; bytes: Buffer } {
  const salt = randomBytes(8);
  const derive = (id: 1 | 2, length: number) =>
    forge.pkcs12.generateKey(
      passphrase,
      forge.util.createBuffer(salt.toString('latin1')),
      id,
      rounds,
      length,
    );
  const key = derive(1, encryption === 'rc2' ? 5 : 24);
  const iv = derive(2, 8);
  const bytes = encryption === 'rc2' ? rc2(content, key, iv) : tripleDes(content, key, iv);
  return {
    algorithm: sequence(
      oid(encryption === 'rc2' ? '1.2.840.113549.1.12.1.6' : '1.2.840.113549.1.12.1.3'),
      sequence(octets(salt), integer(rounds)),
    ),
    bytes,
  };
}

function rc2(content: Buffer, key: forge.util.ByteStringBuffer, iv: forge.util.ByteStringBuffer): Buffer {
  const cipher = forge.rc2.createEncryptionCipher(key, 40);
  cipher.start(iv);
  cipher.update(forge.util.createBuffer(content.toString('latin1')));
  cipher.finish();
  return Buffer.from(cipher.output.getBytes(), 'latin1');
}

function tripleDes(
  content: Buffer,
  key: forge.util.ByteStringBuffer,
  iv: forge.util.ByteStringBuffer,
): Buffer {
  const cipher = createCipheriv(
    'des-ede3-cbc',
    Buffer.from(key.getBytes(), 'latin1'),
    Buffer.from(iv.getBytes(), 'latin1'),
  );
  return Buffer.concat([cipher.update(content), cipher.final()]);
}

export type JksEntry = {
  readonly alias: string;
  readonly certificates: readonly Buffer[];
  readonly key?: Buffer;
};

/**
 * An old Java keystore (sun.security.provider.JavaKeyStore, version 2), with zeros instead of its checksum.
 */
export function makeJks(entries: readonly JksEntry[]): Buffer {
  const number = (value: number) => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
  const text = (value: string) =>
    Buffer.concat([number(Buffer.byteLength(value)).subarray(2), Buffer.from(value)]);
  const certificate = (der: Buffer) => Buffer.concat([text('X.509'), number(der.length), der]);
  const body = entries.flatMap(({ alias, certificates, key }) => [
    number(key ? 1 : 2),
    text(alias),
    Buffer.alloc(8),
    ...(key ? [number(key.length), key, number(certificates.length)] : []),
    ...certificates.map(certificate),
  ]);
  return Buffer.concat([number(0xfeedfeed), number(2), number(entries.length), ...body, Buffer.alloc(20)]);
}
