import type { X509Certificate } from 'node:crypto';
import { readElement } from './der.ts';
import { readX509 } from './read-x509.ts';

/** A certificate's DER inside other bytes, or what looks like one and cannot be read. */
export type Carved =
  | { readonly from: number; readonly certificate: X509Certificate }
  | { readonly from: number; readonly because: string };

/**
 * How a certificate begins (RFC 5280 section 4.1): two sequences of more than 127 bytes, then version 2 or 3, or, in version 1, the serial number.
 * In `latin1`, where one character is one byte.
 */
const SEQUENCE = String.raw`0(?:\x82[^]{2}|\x81[^]|\x83[^]{3})`;
const BEGINNING = new RegExp(String.raw`${SEQUENCE}${SEQUENCE}(?=(\xa0\x03\x02\x01[\x01\x02])|\x02)`, 'g');

/**
 * Finds certificates in DER wherever they stand in bytes of an unknown format: keystores that keep them in the clear, databases, programs, core dumps.
 * What begins as a version 3 certificate and cannot be read is told of; version 1 is too weak a sign for that.
 */
export function carveCertificates(bytes: Buffer, from = 0): Carved[] {
  if (bytes.indexOf('3082', from, 'hex') < 0 && bytes.indexOf('3081', from, 'hex') < 0) return [];
  const carved: Carved[] = [];
  const text = bytes.toString('latin1');
  BEGINNING.lastIndex = from;
  for (let match = BEGINNING.exec(text); match !== null; match = BEGINNING.exec(text)) {
    const at = match.index;
    const isSure = match[1] !== undefined;
    const end = endOf(bytes, at);
    if (end === undefined) {
      if (isSure) carved.push({ from: at, because: 'it is cut short' });
      BEGINNING.lastIndex = at + 1;
      continue;
    }
    const certificate = readX509(bytes.subarray(at, end));
    if (typeof certificate !== 'string') carved.push({ from: at, certificate });
    else if (isSure) carved.push({ from: at, because: certificate });
    BEGINNING.lastIndex = typeof certificate === 'string' ? at + 1 : end;
  }
  return carved;
}

function endOf(bytes: Buffer, at: number): number | undefined {
  try {
    return readElement(bytes, at).next;
  } catch {
    return undefined;
  }
}
