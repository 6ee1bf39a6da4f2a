import { arrangeChains } from './arrange-chains.ts';
import { readElement, tags } from './der.ts';
import { findInDocument, parseDocuments } from './find-in-document.ts';
import { findInPem, findInPkcs7, readX509 } from './find-in-pem.ts';
import {
  below,
  type FoundChain,
  type Held,
  matchKeys,
  nothing,
  numbered,
  ordinal,
  together,
  type Unreadable,
  unreadable,
} from './held.ts';
import { isJks, readJks } from './jks.ts';
import { isPkcs12, readPkcs12, WrongPassphrase } from './pkcs12.ts';
import { UnsupportedEncryption } from './pkcs12-decrypt.ts';
import { isPkcs7 } from './pkcs7.ts';
import { printable } from './x509.ts';

export interface FindOptions {
  /** Tried in turn on PKCS#12 files, besides none. */
  readonly passphrases?: readonly string[];
  /** Default 10 MiB; anything larger is one `unreadable`, and costs nothing. */
  readonly maxBytes?: number;
}

export interface Found {
  readonly certificates: readonly FoundChain[];
  /** What should have been a certificate and is none, or could not be looked at. */
  readonly unreadable: readonly Unreadable[];
  /** How many known things besides certificates were there: private keys, requests, revocation lists. */
  readonly others: number;
}

export const DEFAULT_MAX_BYTES = 10 * 1024 * 1024;

/** Base64 in PEM in base64 in YAML happens (Kubernetes Secrets of whole files); more than that is somebody's joke. */
const MAX_WRAPPINGS = 4;
const MAX_CERTIFICATES = 500;

/**
 * Finds the certificates in a file's or a field's content, whatever way they are kept: PEM however mangled, DER, PKCS#7, PKCS#12, JKS, any of these
 * in base64, and YAML or JSON with any of these inside. Private keys are compared and dropped; none is in what is given back. Never throws.
 */
export function findCertificates(content: Buffer | string, options: FindOptions = {}): Found {
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  if (content.length > maxBytes) return given(unreadable('', `it is larger than ${sizeInWords(maxBytes)}`));
  return given(
    typeof content === 'string'
      ? findInText(content, options, MAX_WRAPPINGS)
      : findInBytes(content, options, MAX_WRAPPINGS),
  );
}

function given(held: Held): Found {
  const { chains, unreadable, others } = matchKeys(held);
  return { certificates: chains, unreadable, others };
}

/** Nothing that can be found starts otherwise: PEM, base64 of PEM, of DER, of JKS. */
const worthwhile = /-----[ ]?BEGIN |LS0tLS1CRUdJ|(?<![A-Za-z0-9+/])MI[A-L][A-Za-z0-9+/]{40}|\/u3\+7Q/;

function findInText(text: string, options: FindOptions, wrappings: number): Held {
  if (wrappings === 0 || !worthwhile.test(text)) return nothing;
  const deeper = (inner: string) => findInText(inner, options, wrappings - 1);
  if (/^\s*(MI[A-L]|LS0t|\/u3\+7Q)/.test(text) && !/[^A-Za-z0-9+/=\s]/.test(text)) {
    return findInBytes(Buffer.from(text, 'base64'), options, wrappings - 1);
  }
  const documents = parseDocuments(text);
  if (documents) {
    const held = findInDocument(documents.length === 1 ? documents[0] : documents, deeper);
    if (held.chains.length + held.unreadable.length + held.others > 0) return held;
  }
  // Settings of any other syntax may hold PEM in base64 too: environment files, TOML, templates of YAML.
  const packed = [...text.matchAll(/(?<![A-Za-z0-9+/])LS0tLS1CRUdJ[A-Za-z0-9+/]{80,}={0,2}/g)].slice(
    0,
    MAX_CERTIFICATES,
  );
  const unpacked = packed.map(([base64], index) =>
    below(ordinal(index + 1), deeper(Buffer.from(base64, 'base64').toString('latin1'))),
  );
  return together([findInPem(text), ...unpacked]);
}

function findInBytes(bytes: Buffer, options: FindOptions, wrappings: number): Held {
  if (isJks(bytes)) return findInJks(bytes);
  if (isPkcs12(bytes)) return findInPkcs12(bytes, options.passphrases ?? []);
  if (isPkcs7(bytes)) return findInPkcs7(bytes);
  return findInDer(bytes) ?? findInText(decodeText(bytes), options, wrappings);
}

/** Certificates one after the other; undefined where the bytes are no DER at all. */
function findInDer(bytes: Buffer): Held | undefined {
  // A DER sequence of more than 127 bytes goes on with a byte that no text has there.
  if (bytes[0] !== tags.sequence || ((bytes[1] ?? 0) & 0x80) === 0) return undefined;
  const parts: Held[] = [];
  for (let at = 0; bytes[at] === tags.sequence && parts.length < MAX_CERTIFICATES;) {
    const next = endOf(bytes, at);
    if (next === undefined)
      return parts.length > 0 || looksLikeCertificate(bytes)
        ? together([...parts, unreadable(ordinal(parts.length + 1), 'it is cut short')])
        : undefined;
    const certificate = readX509(bytes.subarray(at, next));
    const place = ordinal(parts.length + 1);
    if (typeof certificate !== 'string')
      parts.push({ ...nothing, chains: [{ at: place, chain: [certificate] }] });
    else
      parts.push(
        looksLikeCertificate(bytes.subarray(at)) ? unreadable(place, certificate) : { ...nothing, others: 1 },
      );
    at = next;
  }
  return together(parts);
}

function endOf(bytes: Buffer, at: number): number | undefined {
  try {
    return readElement(bytes, at).next;
  } catch {
    return undefined;
  }
}

/** Sequence, sequence, version `[0]`: keys, requests and revocation lists begin otherwise. */
function looksLikeCertificate(bytes: Buffer): boolean {
  return /^30(8[1-4])?(?:..){0,4}?30(8[1-4])?(?:..){0,4}?a003020102/.test(bytes.toString('hex', 0, 20));
}

function findInJks(bytes: Buffer): Held {
  const parts: Held[] = [];
  try {
    for (const { alias, chain } of readJks(bytes)) {
      parts.push(below(`:${printable(alias)}`, { ...nothing, chains: numbered([chain]) }));
    }
  } catch (error) {
    const because = error instanceof RangeError ? error.message : 'a certificate in it cannot be read';
    parts.push(unreadable('', `it is a Java keystore (JKS), but ${because}`));
  }
  return together(parts);
}

function findInPkcs12(bytes: Buffer, passphrases: readonly string[]): Held {
  try {
    return { ...nothing, chains: numbered(arrangeChains(readPkcs12(bytes, passphrases))) };
  } catch (error) {
    if (error instanceof WrongPassphrase) {
      const because =
        passphrases.length > 0
          ? 'that none of the configured passphrases opens'
          : 'that needs a passphrase, and none is configured';
      return {
        ...nothing,
        unreadable: [{ at: '', because: `it is a PKCS#12 file ${because}`, locked: true }],
      };
    }
    return unreadable(
      '',
      error instanceof UnsupportedEncryption
        ? `it is a PKCS#12 file, but ${error.message}`
        : 'it is a PKCS#12 file, but damaged or cut short',
    );
  }
}

/** UTF-8, or UTF-16 where it says so (as PowerShell's `>` writes); what has zeros in it otherwise is no text. */
function decodeText(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le', 2);
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return Buffer.from(bytes.subarray(2, bytes.length - (bytes.length % 2)))
      .swap16()
      .toString('utf16le');
  return bytes.subarray(0, 8000).includes(0) ? '' : bytes.toString('utf8');
}

function sizeInWords(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MB` : `${Math.round(bytes / 1024)} kB`;
}
