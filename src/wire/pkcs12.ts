import { X509Certificate } from 'node:crypto';
import { type Element, readChildren, readElement, tags } from './der.ts';
import { octets } from './pkcs7.ts';
import { decrypt, UnsupportedEncryption } from './pkcs12-decrypt.ts';

/** The DER of OIDs. */
const oids = {
  data: '06092a864886f70d010701',
  encryptedData: '06092a864886f70d010706',
  certificateBag: '060b2a864886f70d010c0a0103',
  nestedBags: '060b2a864886f70d010c0a0106',
  x509: '060a2a864886f70d01091601',
} as const;

/** A PFX (RFC 7292 section 4) is a sequence that begins with the integer 3; also a truncated one, so that it is reported as PKCS#12. */
export function isPkcs12(der: Buffer): boolean {
  try {
    const version = readElement(der, readElement(der, 0, Infinity).start);
    const content = readElement(der, version.next, Infinity);
    return der.toString('hex', version.from, version.next) === '020103' && content.tag === tags.sequence;
  } catch {
    return false;
  }
}

/**
 * The certificates of a PKCS#12 file, with or without a private key, in any version. The bags with keys are never decrypted. The MAC is not verified:
 * it would add no protection here, and a wrong passphrase is detected after decryption.
 *
 * Not `tls.createSecureContext({ pfx })`: it opens neither truststores nor RC2, and returns only the leaf.
 * Never throws: what can be read is returned with the first problem, which is a `RangeError` if it is truncated or not PKCS#12.
 */
export function readPkcs12(
  der: Buffer,
  passphrases: readonly string[],
): {
  readonly certificates: readonly X509Certificate[];
  readonly problem?: RangeError | UnsupportedEncryption | WrongPassphrase;
} {
  const certificates: X509Certificate[] = [];
  let problem: Error | undefined;
  const attempt = (read: () => void) => {
    try {
      read();
    } catch (error) {
      problem ??= error instanceof Error ? error : new RangeError(String(error));
    }
  };
  attempt(() => {
    const [, authSafe] = [...readChildren(der, readElement(der, 0))];
    const content = authSafe && contentOf(der, authSafe, oids.data);
    if (!content) throw new RangeError('no PKCS#12 content');
    const safe = octets(der, readElement(der, content.start));
    for (const part of readChildren(safe, readElement(safe, 0)))
      attempt(() => certificates.push(...readPart(safe, part, passphrases)));
  });
  return { certificates, ...(problem && { problem }) };
}

function readPart(safe: Buffer, part: Element, passphrases: readonly string[]): X509Certificate[] {
  const plain = contentOf(safe, part, oids.data);
  if (plain) return certificatesIn(octets(safe, readElement(safe, plain.start)));
  const encrypted = contentOf(safe, part, oids.encryptedData);
  if (encrypted) return open(safe, encrypted, passphrases);
  throw new UnsupportedEncryption('it is encrypted with a public key, not with a passphrase');
}

export class WrongPassphrase extends Error {
  override readonly name = 'WrongPassphrase';
}

/** EncryptedData (RFC 5652 section 8): version, then content type, algorithm and octets. No passphrase and an empty one derive different keys. */
function open(der: Buffer, content: Element, passphrases: readonly string[]): X509Certificate[] {
  const [, info] = [...readChildren(der, readElement(der, content.start))];
  const [, algorithm, encrypted] = info ? [...readChildren(der, info)] : [];
  if (!algorithm || !encrypted) throw new RangeError('no PKCS#12 content');
  const bytes = octets(der, encrypted);
  for (const passphrase of [...passphrases, '', undefined]) {
    try {
      return certificatesIn(decrypt(der, algorithm, bytes, passphrase));
    } catch (error) {
      if (error instanceof UnsupportedEncryption) throw error;
    }
  }
  throw new WrongPassphrase();
}

function certificatesIn(bags: Buffer): X509Certificate[] {
  return [...readChildren(bags, readElement(bags, 0))].flatMap((bag) => {
    const [type, value] = [...readChildren(bags, bag)];
    const kind = type && bags.toString('hex', type.from, type.next);
    if (!value || (kind !== oids.certificateBag && kind !== oids.nestedBags)) return [];
    if (kind === oids.nestedBags) return certificatesIn(bags.subarray(value.start, value.end));
    const certificate = contentOf(bags, readElement(bags, value.start), oids.x509);
    return certificate ? [new X509Certificate(octets(bags, readElement(bags, certificate.start)))] : [];
  });
}

/** A sequence of an OID and, in `[0]`, its value; undefined for another OID. */
function contentOf(der: Buffer, sequence: Element, oid: string): Element | undefined {
  const [type, content] = [...readChildren(der, sequence)];
  return type && der.toString('hex', type.from, type.next) === oid ? content : undefined;
}
