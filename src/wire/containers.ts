import { arrangeChains } from './arrange-chains.ts';
import { carveCertificates } from './carve.ts';
import { endOfElement, tags } from './der.ts';
import { kindOfDer } from './der-kind.ts';
import {
  prefixPlaces,
  HARMLESS_CONTENT,
  type FoundContent,
  isHarmless,
  isNoContent,
  NO_CONTENT,
  numbered,
  ordinal,
  REQUEST_CONTENT,
  mergeContent,
  UNKNOWN_CONTENT,
  unreadableContent,
} from './found-content.ts';
import { isJks, readJks, UnreadableKeystore, UnskippableEntry } from './jks.ts';
import { isPkcs12, readPkcs12, WrongPassphrase } from './pkcs12.ts';
import { UnsupportedEncryption } from './pkcs12-decrypt.ts';
import { isPkcs7, readPkcs7 } from './pkcs7.ts';
import { readX509 } from './read-x509.ts';
import { printable } from './x509.ts';

/** The content of a container, and the bytes that it does not cover. */
export interface Contained {
  readonly contents: FoundContent;
  /** Content inside it that may contain more certificates. */
  readonly inner?: Buffer;
  /** The bytes after its end. */
  readonly rest?: Buffer;
}

/** The certificates in bytes that begin with a keystore, a bundle or DER; undefined for anything else. Never throws. */
export function readContainer(bytes: Buffer, passphrases: readonly string[]): Contained | undefined {
  if (isJks(bytes)) return { contents: findInJks(bytes) };
  if (isBouncyCastle(bytes)) return { contents: findInBouncyCastle(bytes) };
  if (bytes[0] !== tags.sequence) return undefined;
  if (isPkcs12(bytes)) return { contents: findInPkcs12(bytes, passphrases), ...restBehind(bytes) };
  if (isPkcs7(bytes)) return findInPkcs7(bytes);
  return findInDer(bytes);
}

/** Certificates and other values in concatenated DER; undefined if the bytes are not DER. */
function findInDer(bytes: Buffer): Contained | undefined {
  // The second byte of a DER sequence of more than 127 bytes occurs in no ASCII text.
  if (((bytes[1] ?? 0) & 0x80) === 0) return undefined;
  const parts: FoundContent[] = [];
  let certificates = 0;
  let at = 0;
  while (bytes[at] === tags.sequence) {
    const next = endOfElement(bytes, at);
    if (next === undefined) {
      if (at === 0 && !looksLikeCertificate(bytes)) return undefined;
      return {
        contents: mergeContent([...parts, unreadableContent(ordinal(certificates + 1), 'it is truncated')]),
      };
    }
    const value = bytes.subarray(at, next);
    if (value.length < SMALLEST) {
      parts[0] ??= UNKNOWN_CONTENT;
      at = next;
      continue;
    }
    if (at > 0 && (isPkcs12(value) || isPkcs7(value))) break;
    at = next;
    const contents = readDer(value, ordinal(certificates + 1));
    if (!isHarmless(contents)) certificates += 1;
    parts.push(contents);
  }
  return { contents: mergeContent(parts), ...(at < bytes.length && { rest: bytes.subarray(at) }) };
}

/** No certificate is shorter, and trying each end of other values with OpenSSL is not worth it. */
const SMALLEST = 100;

function readDer(der: Buffer, place: string): FoundContent {
  const certificate = readX509(der);
  if (typeof certificate !== 'string')
    return { ...NO_CONTENT, chains: [{ at: place, chain: [certificate] }] };
  const kind = kindOfDer(der);
  if (kind === 'certificate' || looksLikeCertificate(der)) return unreadableContent(place, certificate);
  if (kind === 'request') return REQUEST_CONTENT;
  if (kind === 'bcfks')
    return unreadableContent(place, 'it is a Java keystore of Bouncy Castle (BCFKS), which is not supported');
  if (kind !== 'unknown') return HARMLESS_CONTENT;
  // Lists of certificates (PkiPath, Netscape's), OCSP responses with the certificate of their signer, and anything else that contains certificates.
  const carved = carve(der, 'a certificate in it cannot be read');
  return isNoContent(carved) ? UNKNOWN_CONTENT : prefixPlaces(place, carved);
}

/** Certificates recognized by their structure, as chains. */
export function carve(bytes: Buffer, damaged?: string): FoundContent {
  const carved = carveCertificates(bytes);
  if (carved.length === 0) return NO_CONTENT;
  const chains = arrangeChains(carved.flatMap((one) => ('certificate' in one ? [one.certificate] : [])));
  const lost = carved.find((one) => 'because' in one);
  return {
    ...NO_CONTENT,
    chains: numbered(chains),
    unreadable: lost ? [{ at: ordinal(chains.length + 1), because: damaged ?? lost.because }] : [],
  };
}

function restBehind(bytes: Buffer): { readonly rest?: Buffer } {
  const end = endOfElement(bytes, 0) ?? bytes.length;
  return end < bytes.length ? { rest: bytes.subarray(end) } : {};
}

/** Sequence, sequence, version `[0]`: keys, requests and revocation lists begin differently. */
function looksLikeCertificate(bytes: Buffer): boolean {
  return /^30(8[0-4])?(?:..){0,4}?30(8[0-4])?(?:..){0,4}?a003020102/.test(bytes.toString('hex', 0, 20));
}

function findInPkcs7(bytes: Buffer): Contained {
  const { certificates, damaged, content } = readPkcs7(bytes);
  const read = certificates.map(readX509);
  const chains = arrangeChains(read.filter((one) => typeof one !== 'string'));
  const lost = read.find((one) => typeof one === 'string');
  const because =
    damaged !== undefined
      ? `it is a PKCS#7 bundle, but ${damaged}`
      : 'it is a PKCS#7 bundle with a certificate that cannot be read';
  const contents: FoundContent = {
    ...NO_CONTENT,
    chains: numbered(chains),
    unreadable:
      damaged !== undefined || lost !== undefined ? [{ at: ordinal(chains.length + 1), because }] : [],
  };
  return {
    contents:
      contents.chains.length + contents.unreadable.length === 0 && content === undefined
        ? UNKNOWN_CONTENT
        : contents,
    ...(content !== undefined && { inner: content }),
    ...restBehind(bytes),
  };
}

function findInPkcs12(bytes: Buffer, passphrases: readonly string[]): FoundContent {
  const { certificates, problem } = readPkcs12(bytes, passphrases);
  const chains = numbered(arrangeChains(certificates));
  if (problem === undefined) return chains.length > 0 ? { ...NO_CONTENT, chains } : HARMLESS_CONTENT;
  const at = ordinal(chains.length + 1);
  if (problem instanceof WrongPassphrase) {
    const lacks =
      passphrases.length > 0
        ? 'that none of the configured passphrases opens'
        : 'that needs a passphrase, but none is configured';
    return {
      ...NO_CONTENT,
      chains,
      unreadable: [{ at, because: `it is a PKCS#12 file ${lacks}`, locked: true }],
    };
  }
  const because =
    problem instanceof UnsupportedEncryption
      ? `it is a PKCS#12 file, but ${problem.message}`
      : 'it is a PKCS#12 file, but damaged or truncated';
  return { ...NO_CONTENT, chains, unreadable: [{ at, because }] };
}

function findInJks(bytes: Buffer): FoundContent {
  const parts: FoundContent[] = [];
  let read = 0;
  try {
    for (const { alias, chain, end } of readJks(bytes)) {
      parts.push(prefixPlaces(`:${printable(alias)}`, { ...NO_CONTENT, chains: numbered([chain]) }));
      read = end;
    }
  } catch (error) {
    // The length of a secret key is not recorded, so the entries after it are recognized by their structure.
    const carved = carve(bytes.subarray(read), 'a certificate in it cannot be read');
    const isCut = !(error instanceof UnskippableEntry);
    parts.push(renumbered(isCut ? { ...carved, unreadable: [] } : carved, parts.length));
    if (isCut || parts.length === 0)
      parts.push(
        unreadableContent(
          '',
          `it is a Java keystore (JKS), but ${error instanceof UnreadableKeystore ? error.message : 'a certificate in it cannot be read'}`,
        ),
      );
  }
  return mergeContent(parts);
}

function renumbered(contents: FoundContent, before: number): FoundContent {
  return {
    ...contents,
    chains: contents.chains.map((found, index) => ({ ...found, at: ordinal(before + index + 1) })),
  };
}

/**
 * Bouncy Castle's BKS and UBER: a version of 0 to 2, a salt of 20 bytes with its length, an iteration count
 * (https://github.com/bcgit/bc-java/blob/main/prov/src/main/java/org/bouncycastle/jcajce/provider/keystore/bc/BcKeyStoreSpi.java).
 * BKS stores certificates unencrypted, UBER encrypts everything.
 */
function isBouncyCastle(bytes: Buffer): boolean {
  if (bytes.length < 40 || bytes.readUInt32BE(0) > 2) return false;
  const saltLength = bytes.readUInt32BE(4);
  if (saltLength < 8 || saltLength > 64) return false;
  const rounds = bytes.readUInt32BE(8 + Math.min(saltLength, bytes.length - 12));
  return rounds >= 1 && rounds <= 1_000_000;
}

function findInBouncyCastle(bytes: Buffer): FoundContent {
  const carved = carve(bytes, 'a certificate in it cannot be read');
  return isNoContent(carved)
    ? unreadableContent(
        '',
        'it is a Java keystore of Bouncy Castle (BKS or UBER) in which no certificate can be read',
      )
    : carved;
}
