import { createDecipheriv, pbkdf2Sync } from 'node:crypto';
import forge from 'node-forge';
import { type Element, readChildren, readElement, tags } from './der.ts';

/** The file requires an unreasonable number of rounds of key derivation, or an unknown algorithm. */
export class UnsupportedEncryption extends Error {
  override readonly name = 'UnsupportedEncryption';
}

/**
 * Decrypts data in a PKCS#12 file with a password.
 * @param algorithm the AlgorithmIdentifier, in `der`
 * @throws {UnsupportedEncryption}; any other error means that the passphrase is wrong.
 */
export function decrypt(
  der: Buffer,
  algorithm: Element,
  encrypted: Buffer,
  passphrase: string | undefined,
): Buffer {
  const [oid, parameters] = [...readChildren(der, algorithm)];
  if (!oid || !parameters) throw new UnsupportedEncryption('it does not say how it is encrypted');
  const name = der.toString('hex', oid.from, oid.next);
  if (name === PBES2) return decryptPbes2(der, parameters, encrypted, passphrase ?? '');
  const legacy = legacyOids.get(name);
  if (!legacy) throw new UnsupportedEncryption('its encryption is not supported');
  refuseManyRounds(der, parameters, MAX_LEGACY_ROUNDS);
  return decryptLegacy(legacy, der.subarray(parameters.from, parameters.next), encrypted, passphrase);
}

/** PBES2 with PBKDF2 (RFC 8018 section 6.2 and appendix A), as OpenSSL 3 and Java write it. */
function decryptPbes2(der: Buffer, parameters: Element, encrypted: Buffer, passphrase: string): Buffer {
  const [derivation, scheme] = [...readChildren(der, parameters)];
  if (!derivation || !scheme) throw new UnsupportedEncryption('it does not say how it is encrypted');
  const [, derivationParameters] = [...readChildren(der, derivation)];
  const [schemeOid, iv] = [...readChildren(der, scheme)];
  const cipher = ciphers.get(hex(der, schemeOid));
  if (hex(der, [...readChildren(der, derivation)][0]) !== PBKDF2 || !derivationParameters || !iv || !cipher) {
    throw new UnsupportedEncryption('its encryption is not supported');
  }
  const rounds = refuseManyRounds(der, derivationParameters, MAX_ROUNDS);
  const [salt, ...more] = [...readChildren(der, derivationParameters)];
  const prf = more.find(({ tag }) => tag === tags.sequence);
  const hash = prf ? hashes.get(hex(der, readElement(der, prf.start))) : 'sha1';
  if (!salt || !hash) throw new UnsupportedEncryption('its encryption is not supported');
  const key = pbkdf2Sync(passphrase, der.subarray(salt.start, salt.end), rounds, cipher.keyBytes, hash);
  const decipher = createDecipheriv(cipher.name, key, der.subarray(iv.start, iv.end));
  return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}

/** RFC 7292 appendix C with RC2 or triple DES: OpenSSL 3 has these only in its legacy provider, which Node does not load. */
function decryptLegacy(
  oid: string,
  parameters: Buffer,
  encrypted: Buffer,
  passphrase: string | undefined,
): Buffer {
  const cipher = legacyCiphers.getCipher(oid, forge.asn1.fromDer(parameters.toString('latin1')), passphrase);
  cipher.update(forge.util.createBuffer(encrypted.toString('latin1')));
  if (!cipher.finish()) throw new Error('wrong passphrase');
  return Buffer.from(cipher.output.getBytes(), 'latin1');
}

/** Both kinds of parameters are a salt and a count. Key derivation blocks the process, and the file decides for how long, so the count is limited. */
function refuseManyRounds(der: Buffer, parameters: Element, most: number): number {
  const count = [...readChildren(der, parameters)].find(({ tag }) => tag === tags.integer);
  const rounds =
    count && count.end - count.start <= 5
      ? Number(`0x${der.toString('hex', count.start, count.end)}`)
      : Infinity;
  if (rounds < 1 || rounds > most)
    throw new UnsupportedEncryption('it requires too many rounds of key derivation');
  return rounds;
}

function hex(der: Buffer, element: Element | undefined): string {
  return element ? der.toString('hex', element.from, element.next) : '';
}

/** Half a second at most. Java wrote 50,000 of the legacy kind, OpenSSL and Windows about 2,000. */
const MAX_ROUNDS = 1_000_000;
const MAX_LEGACY_ROUNDS = 60_000;

const PBES2 = '06092a864886f70d01050d';
const PBKDF2 = '06092a864886f70d01050c';

const ciphers: ReadonlyMap<string, { name: string; keyBytes: number }> = new Map([
  ['0609608648016503040102', { name: 'aes-128-cbc', keyBytes: 16 }],
  ['0609608648016503040116', { name: 'aes-192-cbc', keyBytes: 24 }],
  ['060960864801650304012a', { name: 'aes-256-cbc', keyBytes: 32 }],
  ['06082a864886f70d0307', { name: 'des-ede3-cbc', keyBytes: 24 }],
]);

const hashes: ReadonlyMap<string, string> = new Map([
  ['06082a864886f70d0207', 'sha1'],
  ['06082a864886f70d0208', 'sha224'],
  ['06082a864886f70d0209', 'sha256'],
  ['06082a864886f70d020a', 'sha384'],
  ['06082a864886f70d020b', 'sha512'],
]);

const legacyOids: ReadonlyMap<string, string> = new Map([
  ['060a2a864886f70d010c0103', '1.2.840.113549.1.12.1.3'],
  ['060a2a864886f70d010c0106', '1.2.840.113549.1.12.1.6'],
]);

/** `@types/node-forge` lacks `pbe`. */
const legacyCiphers = (
  forge.pki as unknown as {
    readonly pbe: {
      readonly getCipher: (
        oid: string,
        parameters: forge.asn1.Asn1,
        passphrase?: string,
      ) => forge.cipher.BlockCipher;
    };
  }
).pbe;
