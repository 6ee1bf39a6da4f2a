const WORDS: ReadonlySet<string> = new Set(
  'ca cas cacert crt pem p7b p7c pkcs7 p12 pfx pkcs12 jks tls ssl mtls x509 chain fullchain bundle combined root intermediate issuing truststore keystore kubeconfig'.split(
    ' ',
  ),
);

/** Whether a key's name looks as though a certificate were behind it: `certificate`, `tls.crt`, `CA_CERT`, `serverCert`. */
export function namesCertificate(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => WORDS.has(word) || word.includes('cert'));
}
