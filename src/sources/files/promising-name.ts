/** Formats that are made to hold certificates, with or without keys. */
const CERTIFICATES =
  /\.(crt|cer|cert|der|ca-bundle|p7b|p7c|p7s|pkcs7|spc|sst|pkipath|p12|pfx|pkcs12|jks|jceks|keystore|truststore|bks|bcfks|ubr|uber|kdb)$/i;
/** Java's own list of authorities has no ending: https://docs.oracle.com/en/java/javase/21/docs/specs/man/keytool.html */
const JAVA_CACERTS = /^(jsse)?cacerts$/;
const PEM = /\.pem$/i;
const REQUEST = /(?<![a-z])(csr|req|request)(?![a-z])/i;

/** What a file without certificates holds instead. */
export interface OtherContent {
  /** Signing requests. */
  readonly requests: number;
  /** Private and public keys, parameters, revocation lists. */
  readonly keysAndLists: number;
}

/** Whether something that cannot be read as a file is named like a certificate. */
export function isPromising(name: string): boolean {
  return CERTIFICATES.test(name) || PEM.test(name);
}

/**
 * Whether it is a gap that a file holds no certificate.
 * `.pem` is for keys too, as in `privkey.pem`; a signing request in it is only expected where the name says so.
 * @param literal it is configured by exactly this name, so anything unknown in it is a gap
 */
export function missesCertificate(
  name: string,
  literal: boolean,
  { requests, keysAndLists }: OtherContent,
): boolean {
  if (CERTIFICATES.test(name) || JAVA_CACERTS.test(name)) return true;
  if (PEM.test(name) && requests > 0 && !REQUEST.test(name)) return true;
  return (literal || PEM.test(name)) && requests + keysAndLists === 0;
}
