import { packedIn } from './archive.ts';

/** PEM, OpenSSH, PuTTY. */
const TEXT_MARKS = ['PRIVATE KEY-----', 'PRIVATE KEY BLOCK-----', 'openssh-key-v1', 'PuTTY-User-Key-File'];
/** JKS and JCEKS. */
const KEYSTORE_MARKS = [Buffer.from('feedfeed', 'hex'), Buffer.from('cececece', 'hex')];

/**
 * How keys and keystores in DER begin, in hexadecimal after the tag and the length of their sequence: PKCS#1 and DSA (RFC 8017 A.1.2), SEC 1
 * (RFC 5915), PKCS#8 (RFC 5958), encrypted PKCS#8 (RFC 8018), PKCS#12 (RFC 7292). A revocation list begins like PKCS#8 and counts as a key.
 */
const LENGTH = '(?:[0-7].|80|81..|82....)';
const DER_HEAD = new RegExp(
  `^(?:02010[01](?:02(?:8[1-4]|[2-7])|04|30${LENGTH}06)|02010330|30${LENGTH}06(?:092a864886f70d0105|0a2a864886f70d010c01))`,
);

/**
 * Whether bytes contain a private key or a keystore of a known format, wherever it begins. Archives and compressed data count too, because their
 * content is not searched.
 */
export function holdsPrivateKey(bytes: Buffer): boolean {
  // Without NUL, which is every second byte of UTF-16.
  const text = bytes.toString('latin1').replaceAll('\0', '');
  if (TEXT_MARKS.some((mark) => text.includes(mark))) return true;
  if (KEYSTORE_MARKS.some((mark) => bytes.includes(mark))) return true;
  for (let at = bytes.indexOf(SEQUENCE); at >= 0; at = bytes.indexOf(SEQUENCE, at + 1))
    if (isKeyAt(bytes, at)) return true;
  return packedIn(bytes) !== undefined;
}

const SEQUENCE = 0x30;

function isKeyAt(bytes: Buffer, at: number): boolean {
  const length = bytes[at + 1] ?? 0;
  const start = at + 2 + (length > 0x80 && length < 0x85 ? length - 0x80 : 0);
  // Most offsets end here.
  if (bytes[start] !== 0x02 && bytes[start] !== SEQUENCE) return false;
  return DER_HEAD.test(bytes.toString('hex', start, start + 24));
}

/** Base64 of either alphabet, also on several lines, and with escaped line breaks. */
const BASE64_RUN =
  /[A-Za-z0-9+/_-]{16,}(?:(?:\\[rn]|\s){1,8}[A-Za-z0-9+/_-]{16,})*(?:(?:\\[rn]|\s){1,8}[A-Za-z0-9+/_-]{1,15}(?![A-Za-z0-9+/_-]))?={0,2}/g;
/** `3082…`, `30:82:…`, `0x30, 0x82, …`, `\x30\x82…` */
const HEX_RUN = /(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[\s:,'"-]{0,3}){24,}/g;
/** A sequence with an Ed25519 key, the shortest in use, has 48 bytes. */
const MIN_KEY_BYTES = 24;

/** Replaces base64 and hexadecimal in a text if `isSecret` returns true for the bytes. */
export function replaceEncoded(
  text: string,
  isSecret: (bytes: Buffer) => boolean,
  replacement: string,
): string {
  const inHex = text.replaceAll(HEX_RUN, (run) =>
    isSecret(Buffer.from(run.replaceAll(/0x|\\x|[^0-9A-Fa-f]/g, ''), 'hex')) ? replacement : run,
  );
  return inHex.replaceAll(BASE64_RUN, (run) => {
    const digits = run.replaceAll(/\\[rn]|[^A-Za-z0-9+/_-]/g, '');
    // The run may begin with other characters of the alphabet, such as those of a path.
    return [0, 1, 2, 3].some((from) => {
      const bytes = Buffer.from(digits.slice(from), 'base64');
      return bytes.length >= MIN_KEY_BYTES && isSecret(bytes);
    })
      ? replacement
      : run;
  });
}
