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
    // What is no DER is tried as PEM, and that it is no PEM either says nothing.
    return code === 'ERR_OSSL_PEM_NO_START_LINE'
      ? 'OpenSSL cannot read this certificate'
      : `OpenSSL cannot read this certificate (${code})`;
  }
}
