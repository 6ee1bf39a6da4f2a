import { type Element, readChildren, readElement, tags } from './der.ts';

/** The fields of a certificate as raw bytes, for comparison. */
interface CertificateParts {
  readonly subject: Buffer;
  /** The whole SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  /** Each whole extension with its criticality, by the DER of its OID in hex. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

/** The extension authorityKeyIdentifier (2.5.29.35), as {@link CertificateParts.extensions} names it. */
export const AUTHORITY_KEY_ID = '0603551d23';
/** subjectKeyIdentifier (2.5.29.14). */
export const SUBJECT_KEY_ID = '0603551d0e';

const CONTEXT_3 = 0xa3;

/** RFC 5280 section 4.1. @throws {RangeError} if it is not a certificate. */
export function partsOf(der: Buffer): CertificateParts {
  const body = readElement(der, readElement(der, 0).start);
  const fields = [...readChildren(der, body)];
  const first = fields[0]?.tag === tags.context0 ? 1 : 0;
  // serial, signature, issuer, validity, subject, subjectPublicKeyInfo
  const [, , , , subject, publicKey, ...rest] = fields.slice(first);
  if (!subject || !publicKey) throw new RangeError('not a certificate');
  const extensions = rest.find(({ tag }) => tag === CONTEXT_3);
  return {
    subject: bytesOf(der, subject),
    publicKey: bytesOf(der, publicKey),
    extensions: new Map(extensions ? extensionsIn(der, extensions) : []),
  };
}

function extensionsIn(der: Buffer, wrapper: Element): readonly (readonly [string, Buffer])[] {
  return [...readChildren(der, readElement(der, wrapper.start))].map((extension) => {
    const oid = readElement(der, extension.start);
    return [bytesOf(der, oid).toString('hex'), bytesOf(der, extension)];
  });
}

function bytesOf(der: Buffer, { from, next }: Element): Buffer {
  return der.subarray(from, next);
}

/**
 * What a renewal of `present` must keep but `fresh` lacks; empty if nothing is lost. The authority's key identifier may differ or be new.
 */
export function lostIn(present: Buffer, fresh: Buffer): readonly string[] {
  const before = partsOf(present);
  const after = partsOf(fresh);
  const differing = [...before.extensions].filter(
    ([oid, bytes]) => oid !== AUTHORITY_KEY_ID && !after.extensions.get(oid)?.equals(bytes),
  );
  const added = [...after.extensions.keys()].filter(
    (oid) => oid !== AUTHORITY_KEY_ID && !before.extensions.has(oid),
  );
  return [
    ...(after.subject.equals(before.subject) ? [] : ['the subject']),
    ...(after.publicKey.equals(before.publicKey) ? [] : ['the public key']),
    ...(differing.length + added.length === 0 ? [] : ['the extensions']),
  ];
}
