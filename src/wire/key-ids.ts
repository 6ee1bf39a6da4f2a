import { createHash } from 'node:crypto';
import { type Element, readChildren, readElement, tags } from './der.ts';

export interface KeyIds {
  readonly subjectKeyId?: string;
  readonly authorityKeyId?: string;
}

const EXTENSIONS_TAG = 0xa3;
const OCTET_STRING_TAG = 0x04;
/** The first field of an AuthorityKeyIdentifier: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.1 */
const KEY_IDENTIFIER_TAG = 0x80;
const SUBJECT_KEY_ID_OID = '0603551d0e';
const AUTHORITY_KEY_ID_OID = '0603551d23';

/** The SubjectPublicKeyInfo of a certificate. RFC 5280 section 4.1: the seventh field of a version 3 body, the sixth of a version 1 body. */
export function publicKeyElement(der: Uint8Array): Element {
  const body = readElement(der, readElement(der, 0).start);
  let field = readElement(der, body.start);
  for (let left = field.tag === tags.context0 ? 6 : 5; left > 0; left -= 1)
    field = readElement(der, field.next);
  return field;
}

/** SHA-256 of the public key, lower-case hex. */
export function hashPublicKey(der: Uint8Array): string {
  const { from, next } = publicKeyElement(der);
  return createHash('sha256').update(der.subarray(from, next)).digest('hex');
}

/** The key identifiers of a certificate, lower-case hex. Neither if its extensions can't be read. */
export function keyIdsIn(der: Buffer): KeyIds {
  try {
    const body = readElement(der, readElement(der, 0).start);
    const ids: { subjectKeyId?: string; authorityKeyId?: string } = {};
    for (const field of readChildren(der, body)) {
      if (field.tag !== EXTENSIONS_TAG) continue;
      for (const extension of readChildren(der, readElement(der, field.start))) {
        const [oid, ...rest] = readChildren(der, extension);
        const value = rest.find(({ tag }) => tag === OCTET_STRING_TAG);
        if (!oid || !value) continue;
        const type = der.toString('hex', oid.from, oid.next);
        if (type === SUBJECT_KEY_ID_OID) ids.subjectKeyId = contentOf(der, readElement(der, value.start));
        if (type !== AUTHORITY_KEY_ID_OID) continue;
        const [id] = readChildren(der, readElement(der, value.start));
        if (id?.tag === KEY_IDENTIFIER_TAG) ids.authorityKeyId = contentOf(der, id);
      }
    }
    return ids;
  } catch {
    return {};
  }
}

function contentOf(der: Buffer, { start, end }: Element): string {
  return der.toString('hex', start, end);
}
