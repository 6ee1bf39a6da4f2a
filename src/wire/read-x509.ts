import { X509Certificate } from 'node:crypto';

/** The certificate, PEM or DER, or why there is none. Never quotes what was read. */
export function readX509(content: Buffer | string): X509Certificate | string {
  try {
    const certificate = new X509Certificate(content);
    const dated =
      Number.isFinite(certificate.validFromDate.getTime()) &&
      Number.isFinite(certificate.validToDate.getTime());
    return dated ? certificate : 'its dates cannot be read';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    // OpenSSL tries PEM where DER fails, so this code says nothing about the DER.
    return code === 'ERR_OSSL_PEM_NO_START_LINE'
      ? 'OpenSSL cannot read this certificate'
      : `OpenSSL cannot read this certificate (${code})`;
  }
}
