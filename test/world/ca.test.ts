import { createPrivateKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { fullChain, issue, issueSelfSigned, type KeyType, makeAuthority } from './ca.ts';

test('a leaf behind an intermediate verifies up to its root', async () => {
  const root = await makeAuthority({ name: 'Root' });
  const middle = await makeAuthority({ name: 'Middle', issuer: root });
  const leaf = await issue(middle, { name: 'www.example.test', names: ['www.example.test', '10.0.0.5'] });

  expect(leaf.x509.checkIssued(middle.x509) && leaf.x509.verify(middle.x509.publicKey)).toBe(true);
  expect(middle.x509.checkIssued(root.x509) && middle.x509.verify(root.x509.publicKey)).toBe(true);
  expect(leaf.x509.subjectAltName).toBe('DNS:www.example.test, IP Address:10.0.0.5');
  expect(leaf.x509.checkPrivateKey(createPrivateKey(leaf.keyPem))).toBe(true);
  expect(fullChain(leaf, middle).match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
});

test.each<KeyType>(['rsa1024', 'rsa2048', 'p256', 'p384', 'p521', 'ed25519'])(
  '%s keys sign and are signed',
  async (keyType) => {
    const root = await makeAuthority({ name: 'Root', keyType });
    const leaf = await issue(root, { name: 'leaf', keyType });

    expect(leaf.x509.verify(root.x509.publicKey)).toBe(true);
  },
);

test.each([
  ['2001-01-01T00:00:00.000Z', '2002-01-01T00:00:00.000Z'],
  ['2049-12-31T23:59:59.000Z', '2050-01-01T00:00:00.000Z'],
  ['2020-01-01T00:00:00.000Z', '9999-12-31T23:59:59.000Z'],
])('accepts any validity period: %s to %s', async (from, to) => {
  const root = await makeAuthority({ name: 'Root' });

  const { x509 } = await issue(root, { name: 'leaf', notBefore: new Date(from), notAfter: new Date(to) });

  expect([x509.validFromDate.toISOString(), x509.validToDate.toISOString()]).toEqual([from, to]);
});

test('an authority may still sign with SHA-1', async () => {
  const root = await makeAuthority({ name: 'Old root', keyType: 'rsa2048', signsWith: 'SHA-1' });
  const { x509 } = await issue(root, { name: 'leaf' });

  expect(x509.signatureAlgorithm).toBe('sha1WithRSAEncryption');
});

test.each(['-05', '-80', '-ff01'])(
  'a negative serial %s is kept, and the signature is valid',
  async (serial) => {
    const root = await makeAuthority({ name: 'Root' });
    const { x509 } = await issue(root, { name: 'leaf', serial });

    expect(x509.serialNumber.toLowerCase()).toBe(serial);
    expect(x509.verify(root.x509.publicKey)).toBe(true);
  },
);

test('names are kept as they are, including control characters', async () => {
  const { x509 } = await issueSelfSigned({ name: '<!channel>\u001b[31m\nBoo', names: [] });

  expect(x509.toLegacyObject().subject.CN).toBe('<!channel>\u001b[31m\nBoo');
});

test('a certificate can require OCSP stapling', async () => {
  const { der } = await issueSelfSigned({ name: 'stapled', mustStaple: true });

  expect(der.includes(Buffer.from('06082b06010505070118', 'hex'))).toBe(true);
});
