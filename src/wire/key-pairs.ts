/**
 * The names under which the private key of a certificate is stored next to it: in a mapping, a secret or a folder.
 * Only a key with one of these names is expected to belong to the certificate. Any other key next to it (JWT, SSH, session) says nothing about it.
 *
 * - CredHub and `safe`: `certificate` with `private_key` or `key` (https://docs.cloudfoundry.org/credhub/credential-types.html)
 * - Kubernetes: `tls.crt` with `tls.key` (https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets)
 * - kubeconfig: `client-certificate-data` with `client-key-data` (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/)
 * - certbot: `cert.pem` and `fullchain.pem` with `privkey.pem` (https://eff-certbot.readthedocs.io/en/stable/using.html#where-are-my-certificates);
 *   with the same number at the end of each in its archive
 * - Envoy: `certificate_chain` with `private_key`
 * (https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/transport_sockets/tls/v3/common.proto)
 * - MySQL: `server-cert.pem` with `server-key.pem` (https://dev.mysql.com/doc/refman/8.4/en/creating-ssl-rsa-files-using-mysql.html)
 * - cfssl: `server.pem` with `server-key.pem` (https://github.com/cloudflare/cfssl)
 */
export function pairedKeyNames(name: string): readonly string[] {
  const names = new Set([
    ...keysForWord(name),
    ...keysForFile(name),
    ...keysForWhole(name),
    ...(SPECIAL.get(name) ?? []),
  ]);
  names.delete(name);
  return [...names];
}

/** A whole word, in any case; not part of a longer one: `certs`, `concert`. */
const WORD = /(?<![a-z])(?:(?:certificate|cert|crt|cer)(?:[_-]?chain)?|fullchain)(?![a-z])/gi;
/** A word of a camel-case name: `tlsCert`, `clientCertificate`, `certPem`. */
const CAMEL_WORD =
  /(?<![a-zA-Z])cert(?:ificate)?(?:Chain(?![a-z])|(?=[A-Z]))|(?<=[a-zA-Z0-9])Cert(?:ificate)?(?:Chain)?(?![a-z])/g;

/** `key` and similar words in place of the last word that means a certificate. */
function keysForWord(name: string): readonly string[] {
  const words = [...name.matchAll(WORD), ...name.matchAll(CAMEL_WORD)];
  const word = words.toSorted((one, other) => one.index - other.index).at(-1);
  if (!word) return [];
  const [found] = word;
  const before = name.slice(0, word.index);
  const after = name.slice(word.index + found.length);
  return keyWords(found).map((key) => before + key + after);
}

function keyWords(word: string): readonly string[] {
  if (/^[A-Z][a-z]/.test(word)) return ['Key', 'PrivateKey'];
  if (word === word.toUpperCase()) return ['KEY', 'PRIVATE_KEY'];
  const usual = ['key', 'private_key', 'private-key', 'privkey'];
  // SAML libraries call the other party's certificate `cert` and their own key `privateKey`.
  return word === 'cert' ? usual : [...usual, 'privateKey'];
}

/** `ssl_certificate_key` for nginx's `ssl_certificate`, `ca_key` for `ca`. */
function keysForWhole(name: string): readonly string[] {
  return /(?<![a-z])(?:certificate|cert|crt|ca)$/i.test(name)
    ? [`${name}${name === name.toUpperCase() ? '_KEY' : '_key'}`, `${name}-key`]
    : [];
}

/** MinIO's files, and the fields of AWS Certificate Manager. */
const SPECIAL: ReadonlyMap<string, readonly string[]> = new Map([
  ['public.crt', ['private.key']],
  ['certificateBody', ['privateKey']],
]);

/** The same file name with an extension of key files. */
function keysForFile(name: string): readonly string[] {
  const [, stem] = /^(.+)\.(?:pem|crt|cer|cert)$/i.exec(name) ?? [];
  if (stem === undefined) return [];
  return ['.key', '-key.pem', '_key.pem', '.key.pem'].map((ending) => stem + ending);
}
