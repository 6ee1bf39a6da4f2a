import { expect, test } from 'vitest';
import { namesCertificate, namesCertificateFile, promisesCertificate } from './certificate-names.ts';

test.each([
  'certificate',
  'cert',
  'server_cert',
  'serverCert',
  'tls.crt',
  'CA',
  'ca_cert',
  'ca-chain',
  'combined',
  'CERTIFICATES',
  'fullchain.pem',
  'client.p12',
  'rootCA',
])('`%s` may contain a certificate', (name) => {
  expect(namesCertificate(name)).toBe(true);
});

test.each(['password', 'key', 'private', 'username', 'location', 'cascade', 'api-token', ''])(
  '`%s` contains none',
  (name) => {
    expect(namesCertificate(name)).toBe(false);
  },
);

test.each(['a.spc', 'a.UBR', 'x.ca-bundle', 'cacerts', 'jssecacerts', 'rep.crt', 'a.pkcs7'])(
  'a file `%s` should contain certificates',
  (name) => {
    expect(namesCertificateFile(name)).toBe(true);
    expect(promisesCertificate(name)).toBe(true);
  },
);

test.each(['a.pem', 'a.key', 'a.crt.bak', 'cacerts.txt', 'bks', 'aspc'])(
  'a file `%s` may contain something else',
  (name) => {
    expect(namesCertificateFile(name)).toBe(false);
  },
);
