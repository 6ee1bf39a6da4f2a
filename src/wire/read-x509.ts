import { X509Certificate } from 'node:crypto';

/** The certificate, from PEM or DER, or the reason why it can't be read. Never quotes content. */
export function readX509(content: Buffer | string): X509Certificate | string {
  try {
    const certificate = new X509Certificate(content);
    const dated =
      Number.isFinite(certificate.validFromDate.getTime()) &&
      Number.isFinite(certificate.validToDate.getTime());
    return dated ? certificate : "its dates can't be read";
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    // OpenSSL tries PEM if DER fails, so this code says nothing about the DER.
    return code === 'ERR_OSSL_PEM_NO_START_LINE'
      ? "OpenSSL can't read this certificate"
      : `OpenSSL can't read this certificate (${code})`;
  }
}
