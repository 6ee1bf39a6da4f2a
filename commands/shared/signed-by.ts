// oxlint-disable-next-line no-restricted-imports -- verifying a signature is pure
import { X509Certificate } from 'node:crypto';
import type { ports } from '../kit.ts';

/**
 * Whether the key of `authority` signed `certificate`. Names don't tell: a renewed authority with a new key has the same name. By signature if both DERs
 * are known, else by key identifiers, which RFC 5280 requires authorities to set. undefined if neither tells.
 */
export function isSignedBy(
  certificate: ports.Certificate,
  authority: ports.Certificate,
): boolean | undefined {
  if (certificate.issuer !== authority.subject) return false;
  if (certificate.der !== undefined && authority.der !== undefined)
    return verifies(certificate.der, authority.der);
  if (certificate.authorityKeyId === undefined || authority.subjectKeyId === undefined) return undefined;
  return certificate.authorityKeyId === authority.subjectKeyId;
}

function verifies(certificate: string, authority: string): boolean | undefined {
  try {
    const { publicKey } = new X509Certificate(Buffer.from(authority, 'base64'));
    return new X509Certificate(Buffer.from(certificate, 'base64')).verify(publicKey);
  } catch {
    // A type of key that this OpenSSL doesn't know.
    return undefined;
  }
}
