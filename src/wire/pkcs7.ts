import { type Element, readChildren, readElement, tags } from './der.ts';

/** The content types of RFC 2315 section 14 and RFC 5652, as DER without their last byte: `data`, `signedData`, `envelopedData` ... */
const PKCS7 = '06092a864886f70d0107';
/** S/MIME's own content types: `authData`, `compressedData` (RFC 3274) ... */
const SMIME = '060b2a864886f70d0109100109';
const DATA = 1;
const SIGNED_DATA = 2;
const OCTETS = 0x04;
const CONSTRUCTED = 0x20;

/** Also for a truncated one, so that it is reported as PKCS#7. */
export function isPkcs7(der: Buffer): boolean {
  return typeOf(der) !== undefined;
}

export interface Pkcs7 {
  /** The DER of each certificate. Signatures in it are not verified. */
  readonly certificates: readonly Buffer[];
  /** The signed or wrapped content, if it is not encrypted. */
  readonly content?: Buffer;
  /** Why it couldn't be read completely. */
  readonly damaged?: string;
}

/** A PKCS#7 bundle (`.p7b`) or message, which Node can't read, and node-forge only if every key is RSA. Never throws. */
export function readPkcs7(der: Buffer): Pkcs7 {
  const type = typeOf(der);
  if (type !== SIGNED_DATA && type !== DATA)
    return { certificates: [], damaged: 'its content is encrypted or of a kind that is not supported' };
  const certificates: Buffer[] = [];
  try {
    const contentInfo = [...readChildren(der, readElement(der, 0))];
    const wrapper = contentInfo.find(({ tag }) => tag === tags.context0);
    if (!wrapper) return { certificates };
    if (type === DATA) return { certificates, content: octets(der, readElement(der, wrapper.start)) };
    const fields = [...readChildren(der, readElement(der, wrapper.start))];
    // The set may also contain attribute certificates, under different tags.
    for (const set of fields.filter(({ tag }) => tag === tags.context0))
      for (const { tag, from, next } of readChildren(der, set))
        if (tag === tags.sequence) certificates.push(der.subarray(from, next));
    const content = contentOf(der, fields);
    return { certificates, ...(content !== undefined && { content }) };
  } catch {
    return { certificates, damaged: 'damaged or truncated' };
  }
}

/** The signed content: `[0] { OCTET STRING }` of the EncapsulatedContentInfo, or any other value there (RFC 2315). */
function contentOf(der: Buffer, fields: readonly Element[]): Buffer | undefined {
  const info = fields.find(({ tag }) => tag === tags.sequence);
  const wrapped = info && [...readChildren(der, info)].find(({ tag }) => tag === tags.context0);
  if (wrapped === undefined || wrapped.start === wrapped.end) return undefined;
  const value = readElement(der, wrapped.start);
  return (value.tag & ~CONSTRUCTED) === OCTETS ? octets(der, value) : der.subarray(value.from, value.next);
}

/** The last byte of the content type; undefined if the bytes are not PKCS#7. */
function typeOf(der: Buffer): number | undefined {
  try {
    const first = readElement(der, readElement(der, 0, Infinity).start);
    const oid = der.toString('hex', first.from, first.next);
    if (oid.startsWith(SMIME)) return -1;
    return oid.startsWith(PKCS7) && oid.length === PKCS7.length + 2 ? (der[first.next - 1] ?? -1) : undefined;
  } catch {
    return undefined;
  }
}

/** An octet string, which BER may split into pieces, as Windows does. */
export function octets(der: Buffer, element: Element): Buffer {
  if ((element.tag & CONSTRUCTED) === 0) return der.subarray(element.start, element.end);
  return Buffer.concat([...readChildren(der, element)].map((piece) => octets(der, piece)));
}
