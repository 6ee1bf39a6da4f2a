import { expect, test } from 'vitest';
import { namesCertificate } from './certificate-names.ts';

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
])('`%s` may hold a certificate', (name) => {
  expect(namesCertificate(name)).toBe(true);
});

test.each(['password', 'key', 'private', 'username', 'location', 'cascade', 'api-token', ''])(
  '`%s` holds none',
  (name) => {
    expect(namesCertificate(name)).toBe(false);
  },
);
