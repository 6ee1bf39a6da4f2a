/** Extensions of files that contain certificates, with or without keys. */
const ENDINGS: readonly string[] =
  'crt cer cert der ca-bundle p7b p7c p7s pkcs7 spc sst pkipath p12 pfx pkcs12 jks jceks keystore truststore bks bcfks ubr uber kdb'.split(
    ' ',
  );
const CERTIFICATE_FILE = new RegExp(String.raw`\.(?:${ENDINGS.join('|')})$`, 'i');
/** Java's own list of authorities has no extension: https://docs.oracle.com/en/java/javase/21/docs/specs/man/keytool.html */
const JAVA_CACERTS = /^(jsse)?cacerts$/;

/** Whether a file of this name should contain certificates: `tls.crt`, `rep.p12`, `cacerts`. */
export function namesCertificateFile(name: string): boolean {
  return hasCertificateEnding(name) || JAVA_CACERTS.test(name);
}

/** Like {@link namesCertificateFile}, without Java's `cacerts`, which is also the name of folders. */
export function hasCertificateEnding(name: string): boolean {
  return CERTIFICATE_FILE.test(name);
}

/** `.pem` is used for keys too, as in `privkey.pem`. */
export function namesPemFile(name: string): boolean {
  return /\.pem$/i.test(name);
}

const CERTIFICATE_WORDS: ReadonlySet<string> = new Set([
  ...ENDINGS,
  ...'pem ca cas cacert tls ssl mtls x509 chain fullchain bundle combined root intermediate issuing kubeconfig'.split(
    ' ',
  ),
]);

/** Whether the name of a field suggests a certificate: `certificate`, `tls.crt`, `CA_CERT`, `serverCert`. */
export function namesCertificate(name: string): boolean {
  return wordsOf(name).some((word) => CERTIFICATE_WORDS.has(word) || word.includes('cert'));
}

function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

/** A field with one of these words in its name contains something else about a certificate. */
const OTHER_WORDS: ReadonlySet<string> = new Set(
  'key keys password passphrase pass secret token fingerprint thumbprint sha sha1 sha256 pin hash digest serial subject issuer name path file dir url uri id ids days expiry params dhparam'.split(
    ' ',
  ),
);

/** Whether a value of this name should contain a certificate: `tls.crt`, `ca_cert`, `truststore.p12`; not `ca_key`, `cert_path` or `root_token`. */
export function promisesCertificate(name: string): boolean {
  return namesCertificate(name) && !wordsOf(name).some((word) => OTHER_WORDS.has(word));
}
