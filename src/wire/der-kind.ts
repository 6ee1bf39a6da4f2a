import { type Element, readChildren, readElement, tags } from './der.ts';

/**
 * The kind of a DER value. `certificate` only means that it has the structure of one; `bcfks` is Bouncy Castle's keystore, which is encrypted as a
 * whole.
 */
export type DerKind =
  | 'certificate'
  | 'key'
  | 'public-key'
  | 'request'
  | 'revocation-list'
  | 'parameters'
  | 'bcfks'
  | 'unknown';

const OCTETS = 0x04;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/**
 * Recognizes a value by its structure:
 * keys (RFC 8017 A.1, RFC 5958, RFC 5915), public keys (RFC 5280 4.1), requests (RFC 2986 4), revocation lists (RFC 5280 5.1), Diffie-Hellman and DSA
 * parameters.
 * Never throws.
 */
export function kindOfDer(bytes: Buffer): DerKind {
  try {
    return kindOf(bytes, [...readChildren(bytes, readElement(bytes, 0))]);
  } catch {
    return 'unknown';
  }
}

function kindOf(bytes: Buffer, children: readonly Element[]): DerKind {
  const [first, second, third] = children;
  const shape = children.map(({ tag }) => tag);
  if (shape.length > 0 && shape.every((tag) => tag === tags.integer))
    return shape.length >= 5 ? 'key' : 'parameters';
  if (first?.tag === tags.integer) {
    const isKey = second?.tag === OCTETS || (second?.tag === tags.sequence && third?.tag === OCTETS);
    if (isKey) return 'key';
    // Explicit curves (RFC 5480 allows only names, but older files have them).
    return second?.tag === tags.sequence && isAlgorithm(bytes, second) ? 'parameters' : 'unknown';
  }
  if (first?.tag !== tags.sequence) return 'unknown';
  if (isAlgorithm(bytes, first)) {
    if (shape.length !== 2) return 'unknown';
    if (second?.tag === OCTETS) return 'key';
    return second?.tag === tags.bitString ? 'public-key' : 'unknown';
  }
  if (shape.length === 2 && isEncrypted(bytes, first)) return 'bcfks';
  const isSigned =
    shape.length === 3 && second !== undefined && isAlgorithm(bytes, second) && third?.tag === tags.bitString;
  return isSigned ? kindOfSigned(bytes, [...readChildren(bytes, first)]) : 'unknown';
}

/** Signed values: a certificate has a sequence of two times, a revocation list has times side by side, a request has none. */
function kindOfSigned(bytes: Buffer, fields: readonly Element[]): DerKind {
  if (fields.some(isTime)) return 'revocation-list';
  if (fields.some((field) => isValidity(bytes, field))) return 'certificate';
  const isRequest =
    fields[0]?.tag === tags.integer &&
    fields[1]?.tag === tags.sequence &&
    fields[2]?.tag === tags.sequence &&
    fields.length <= 4;
  return isRequest && (fields[3] === undefined || fields[3].tag === tags.context0) ? 'request' : 'unknown';
}

function isAlgorithm(bytes: Buffer, sequence: Element): boolean {
  return (
    sequence.tag === tags.sequence && sequence.end > sequence.start && bytes[sequence.start] === tags.oid
  );
}

function isEncrypted(bytes: Buffer, sequence: Element): boolean {
  const [algorithm, content] = [...readChildren(bytes, sequence)];
  return algorithm !== undefined && isAlgorithm(bytes, algorithm) && content?.tag === OCTETS;
}

function isTime({ tag }: Element): boolean {
  return tag === UTC_TIME || tag === GENERALIZED_TIME;
}

function isValidity(bytes: Buffer, field: Element): boolean {
  if (field.tag !== tags.sequence) return false;
  const times = [...readChildren(bytes, field)];
  return times.length === 2 && times.every(isTime);
}

/** In bytes, or characters of base64: as much of the beginning of a value as the functions below need. */
export const HEAD_LENGTH = 40;

/** Whether a value begins like a certificate, PKCS#7, PKCS#12 or a list of certificates. */
export function isContainerHead(bytes: Buffer): boolean {
  return /^30(8[0-4])?(?:..){0,4}?(?:30(8[1-4])(?:..){1,4}?(?:a0030201|02|30)|06092a864886f70d0107|020103)/.test(
    bytes.toString('hex', 0, 24),
  );
}

/** The length of a value in bytes, from its header: `Infinity` for BER's indefinite length, undefined if it is not DER. */
export function sizeOf(bytes: Buffer): number | undefined {
  try {
    if (bytes[1] === 0x80) return Infinity;
    return readElement(bytes, 0, Infinity).next;
  } catch {
    return undefined;
  }
}
