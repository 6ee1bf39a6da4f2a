import { expect, test } from 'vitest';
import { pairedKeyNames } from './key-pairs.ts';

test.each([
  // Files.
  ['rep.crt', 'rep.key'],
  ['ca.crt', 'ca.key'],
  ['tls.crt', 'tls.key'],
  ['client.cert', 'client.key'],
  ['example.com.cer', 'example.com.key'],
  ['www.example.com.cert.pem', 'www.example.com.key.pem'],
  ['cert.pem', 'key.pem'],
  ['cert.pem', 'privkey.pem'],
  ['fullchain.pem', 'privkey.pem'],
  ['fullchain3.pem', 'privkey3.pem'],
  ['cert-1700000000.pem', 'privkey-1700000000.pem'],
  ['example.com-fullchain.pem', 'example.com-privkey.pem'],
  ['cert-chain.pem', 'key.pem'],
  ['server-cert.pem', 'server-key.pem'],
  ['server.pem', 'server.key'],
  ['server.pem', 'server-key.pem'],
  ['server.pem', 'server_key.pem'],
  ['kubelet.PEM', 'kubelet.key'],
  ['SERVER.CRT', 'SERVER.KEY'],
  // Names in mappings and secrets.
  ['certificate', 'private_key'],
  ['certificate', 'key'],
  ['certificate', 'privateKey'],
  ['certificate_chain', 'private_key'],
  ['certChain', 'privateKey'],
  ['cert', 'key'],
  ['web_cert', 'web_key'],
  ['web_cert', 'web_private_key'],
  ['cert_pem', 'private_key_pem'],
  ['ca_certificate', 'ca_private_key'],
  ['client-certificate-data', 'client-key-data'],
  ['certificate-authority-certificate', 'certificate-authority-key'],
  ['tlsCert', 'tlsKey'],
  ['clientCertificate', 'clientPrivateKey'],
  ['clientCertificateData', 'clientKeyData'],
  ['certPem', 'keyPem'],
  ['TLSCert', 'TLSKey'],
  ['web2cert', 'web2key'],
  ['TLS_CERT', 'TLS_KEY'],
  ['TLS_CERTIFICATE', 'TLS_PRIVATE_KEY'],
  ['ssl_certificate', 'ssl_certificate_key'],
  ['cert', 'cert_key'],
  ['ca', 'ca_key'],
  ['CA', 'CA_KEY'],
  ['public.crt', 'private.key'],
  ['certificateBody', 'privateKey'],
])('%s has its key in %s', (certificate, key) => {
  expect(pairedKeyNames(certificate)).toContain(key);
});

test.each([
  ['web.crt', 'jwt.key'],
  ['web.crt', 'web2.key'],
  ['upstream-ca.crt', 'id_rsa'],
  // The certificate of a SAML identity provider next to an unrelated key.
  ['cert', 'privateKey'],
  ['upstream-ca.crt', 'upstream.key'],
  ['ca.crt', 'tls.key'],
  ['ca', 'private_key'],
  ['ca_certificate', 'private_key'],
  ['id_rsa-cert.pub', 'id_rsa'],
  // Intermediates only.
  ['chain.pem', 'privkey.pem'],
  ['server-chain.crt', 'server.key'],
  // The number is that of the renewal.
  ['fullchain3.pem', 'privkey2.pem'],
  ['fullchain3.pem', 'privkey.pem'],
  ['certs', 'keys'],
  ['certsDir', 'keysDir'],
  ['certified', 'keyified'],
  ['concert.txt', 'conkey.txt'],
  ['certificates', 'keys'],
  ['key.pem', 'key.pem'],
])('%s does not have its key in %s', (certificate, key) => {
  expect(pairedKeyNames(certificate)).not.toContain(key);
});

test.each(['', 'constructor', '__proto__', 'key', 'id_rsa', 'jwt', 'notes.txt'])(
  'no key belongs to the name %j',
  (name) => {
    expect(pairedKeyNames(name)).toEqual([]);
  },
);

test('a name is never its own key, and key names do not repeat', () => {
  for (const name of ['cert.pem', 'key.pem', 'server-cert.pem', 'tls.crt', 'privkey.pem']) {
    const names = pairedKeyNames(name);
    expect(names).not.toContain(name);
    expect(new Set(names).size).toBe(names.length);
  }
});
