const WORDS: ReadonlySet<string> = new Set(
  'ca cas cacert crt cer der pem p7b p7c p7s pkcs7 p12 pfx pkcs12 pkipath sst jks jceks bks bcfks uber kdb tls ssl mtls x509 chain fullchain bundle combined root intermediate issuing truststore keystore kubeconfig'.split(
    ' ',
  ),
);

/** Whether the name of a field suggests a certificate: `certificate`, `tls.crt`, `CA_CERT`, `serverCert`. */
export function namesCertificate(name: string): boolean {
  return wordsOf(name).some((word) => WORDS.has(word) || word.includes('cert'));
}

function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

/** With one of these words in its name, a field holds something else about a certificate. */
const BESIDE: ReadonlySet<string> = new Set(
  'key keys password passphrase pass secret token fingerprint thumbprint sha sha1 sha256 pin hash digest serial subject issuer name path file dir url uri id ids days expiry params dhparam'.split(
    ' ',
  ),
);

/** Whether a value of this name should hold a certificate: `tls.crt`, `ca_cert`, `truststore.p12`; not `ca_key`, `cert_path` or `root_token`. */
export function promisesCertificate(name: string): boolean {
  return namesCertificate(name) && !wordsOf(name).some((word) => BESIDE.has(word));
}
