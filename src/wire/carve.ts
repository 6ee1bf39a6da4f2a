import type { X509Certificate } from 'node:crypto';
import { endOfElement } from './der.ts';
import { matchFrom } from './match-from.ts';
import { readX509 } from './read-x509.ts';

/** The DER of a certificate inside other bytes, or of something that looks like one but can't be read. */
type Carved = { readonly certificate: X509Certificate } | { readonly because: string };

/**
 * How a certificate begins (RFC 5280 section 4.1): two sequences of more than 127 bytes, then version 2 or 3, or, in version 1, the serial number.
 * In `latin1`, where one character is one byte.
 */
const SEQUENCE = String.raw`0(?:\x82[^]{2}|\x81[^]|\x83[^]{3})`;
const BEGINNING = new RegExp(String.raw`${SEQUENCE}${SEQUENCE}(?=(\xa0\x03\x02\x01[\x01\x02])|\x02)`, 'g');

/** How many bytes are searched without finding a certificate; only crafted content has more. */
const MAX_BYTES_IN_VAIN = 16 * 1024 * 1024;

/**
 * Finds DER certificates anywhere in bytes of an unknown format: keystores that store them unencrypted, databases, programs, core dumps. What begins
 * like a version 2 or 3 certificate but can't be read is reported; the beginning of version 1 is too common for that.
 */
export function carveCertificates(bytes: Buffer): Carved[] {
  if (!bytes.includes('3082', 0, 'hex') && !bytes.includes('3081', 0, 'hex')) return [];
  const carved: Carved[] = [];
  const text = bytes.toString('latin1');
  let next = 0;
  let left = MAX_BYTES_IN_VAIN;
  for (let match = matchFrom(BEGINNING, text, 0); match !== null; match = matchFrom(BEGINNING, text, next)) {
    const at = match.index;
    const isSure = match[1] !== undefined;
    next = at + 1;
    const end = endOfElement(bytes, at);
    const certificate = end === undefined ? 'it is truncated' : readX509(bytes.subarray(at, end));
    if (typeof certificate !== 'string') {
      carved.push({ certificate });
      next = end ?? next;
    } else if (isSure) carved.push({ because: certificate });
    if (typeof certificate === 'string') left -= (end ?? at) - at;
    if (left < 0) return [...carved, { because: 'searching it for certificates takes too long' }];
  }
  return carved;
}
