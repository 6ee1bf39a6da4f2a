import { X509Certificate } from 'node:crypto';
import { type Element, readChildren, readElement, tags } from './der.ts';

/** signedData (RFC 2315 section 14, RFC 5652 section 5.1), as DER. */
const signedDataOid = '06092a864886f70d010702';

/** Also of one that is cut short, so that it can be told as what it is. */
export function isPkcs7(der: Buffer): boolean {
  try {
    const first = readElement(der, readElement(der, 0, Infinity).start);
    return der.toString('hex', first.from, first.next) === signedDataOid;
  } catch {
    return false;
  }
}

/**
 * The certificates of a PKCS#7 bundle (`.p7b`), which Node cannot read and node-forge only where every key is RSA. Signatures in it are not verified.
 * @throws {RangeError} where the bytes are no PKCS#7 or are cut short; what `X509Certificate` throws where one of them cannot be read.
 */
export function readPkcs7(der: Buffer): X509Certificate[] {
  const contentInfo = [...readChildren(der, readElement(der, 0))];
  const content = contentInfo.find(({ tag }) => tag === tags.context0);
  if (!content) throw new RangeError('no PKCS#7 content');
  const signedData = readElement(der, content.start);
  const held = [...readChildren(der, signedData)].find(({ tag }) => tag === tags.context0);
  return held ? certificatesIn(der, held) : [];
}

/** The set may also hold attribute certificates, under tags of their own. */
function certificatesIn(der: Buffer, held: Element): X509Certificate[] {
  return [...readChildren(der, held)]
    .filter(({ tag }) => tag === tags.sequence)
    .map(({ from, next }) => new X509Certificate(der.subarray(from, next)));
}
