import { createPrivateKey } from 'node:crypto';
import type { Issued } from './ca.ts';

/**
 * As written by `safe x509 issue`: an RSA key in PKCS#1, and `combined` without a blank line in between.
 */
export function asSafe({ certificatePem, keyPem }: Pick<Issued, 'certificatePem' | 'keyPem'>): {
  certificate: string;
  key: string;
  combined: string;
} {
  const privateKey = createPrivateKey(keyPem);
  const rsa = privateKey.asymmetricKeyType === 'rsa';
  const key = rsa ? privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() : keyPem;
  return { certificate: certificatePem, key, combined: certificatePem + key };
}

/** What `safe` stores next to a CA. */
export function asSafeAuthority(
  authority: Pick<Issued, 'certificatePem' | 'keyPem'>,
  serial: string,
): Record<string, string> {
  const crl = '-----BEGIN X509 CRL-----\nMIIBbjBYAgEB\n-----END X509 CRL-----\n';
  return { ...asSafe(authority), serial, crl };
}
