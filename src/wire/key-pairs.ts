/**
 * The names under which the private key of a certificate is kept beside it: in a mapping, a secret or a folder.
 * Only a key with one of these names is expected to belong to the certificate. Any other key beside it (JWT, SSH, session) says nothing about it.
 *
 * - `safe` and CredHub: `certificate` with `key` or `private_key` (https://docs.cloudfoundry.org/credhub/credential-types.html)
 * - Kubernetes: `tls.crt` with `tls.key` (https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets)
 * - kubeconfig: `client-certificate-data` with `client-key-data`
 * - certbot: `cert.pem` and `fullchain.pem` with `privkey.pem` (https://eff-certbot.readthedocs.io/en/stable/using.html#where-are-my-certificates)
 * - otherwise the same name with `key` in place of `crt`, `cert` or `certificate`: `rep.crt` with `rep.key`, `web_cert` with `web_key`
 */
export function pairedKeyNames(name: string): readonly string[] {
  const found = new Set<string>(PAIRS[name.toLowerCase()] ?? []);
  for (const [certificate, keys] of WORDS) {
    const replaced = name.match(certificate);
    if (replaced?.index === undefined) continue;
    for (const key of keys)
      found.add(
        name.slice(0, replaced.index) +
          likeCase(replaced[0], key) +
          name.slice(replaced.index + replaced[0].length),
      );
  }
  // `server.pem` with `server.key` or `server-key.pem`.
  const file = /^(.+)\.(pem|crt|cer|cert)$/i.exec(name);
  if (file?.[1] !== undefined)
    for (const ending of ['.key', '-key.pem', '_key.pem', '.key.pem']) found.add(file[1] + ending);
  found.delete(name);
  return [...found];
}

const PAIRS: Readonly<Record<string, readonly string[]>> = {
  certificate: ['key', 'private_key', 'privateKey'],
  cert: ['key', 'private_key', 'privateKey'],
  crt: ['key', 'private_key', 'privateKey'],
  cert_chain: ['private_key', 'key'],
  certificate_chain: ['private_key', 'key'],
  'cert.pem': ['key.pem', 'privkey.pem'],
  'fullchain.pem': ['privkey.pem', 'key.pem'],
  'chain.pem': [],
};

/** The last such word of a name; not inside a longer one: `certs`, `concert`. */
const WORDS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/(?<![a-z])certificate(?![a-z])(?!.*(?<![a-z])cert)/i, ['key', 'private_key', 'private-key']],
  [
    /(?<![a-z])(?:cert|crt|cer)(?![a-z])(?!.*(?<![a-z])(?:cert|crt|cer)(?![a-z]))/i,
    ['key', 'private_key', 'private-key'],
  ],
  [/(?<=[a-z])(?:Cert|Certificate)(?![a-z])/, ['Key', 'PrivateKey']],
];

function likeCase(replaced: string, key: string): string {
  return replaced === replaced.toUpperCase() ? key.toUpperCase() : key;
}
