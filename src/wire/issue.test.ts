import 'reflect-metadata'; // see issue.ts
import { type webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Authority, issue, type KeyType, makeAuthority, makeKeys } from '../../test/world/ca.ts';
import { AUTHORITY_KEY_ID, lostIn, partsOf } from './certificate-parts.ts';
import { reissue, signingFor } from './issue.ts';
import { isIssuedBy, readCertificate } from './x509.ts';

const FROM = new Date('2026-01-01T00:00:00Z');
const UNTIL = new Date('2026-12-31T23:59:59Z');

async function again(
  present: X509Certificate,
  authority: Authority,
  { serial = '1a2b', until = UNTIL }: { readonly serial?: string; readonly until?: Date } = {},
): Promise<X509Certificate> {
  const signing = await signingFor(present, authority.x509);
  if (!signing) throw new Error('cannot sign');
  return reissue({
    present,
    authority: authority.x509,
    authorityKey: authority.keyPem,
    signing,
    serial,
    notBefore: FROM,
    notAfter: until,
  });
}

function inOrder({ raw }: X509Certificate): readonly string[] {
  return [...partsOf(raw).extensions.keys()].filter((oid) => oid !== AUTHORITY_KEY_ID);
}

describe('whatever is in a certificate', () => {
  let authority: Authority;
  let keys: webcrypto.CryptoKeyPair;
  beforeAll(async () => {
    authority = await makeAuthority({ name: 'cf ca' });
    keys = await makeKeys('p256');
  });

  const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
  const ascii = fc.stringMatching(/^[A-Za-z0-9 .-]{1,12}$/);
  const value = fc.oneof(
    text.map((utf8String) => ({ utf8String })),
    ascii.map((printableString) => ({ printableString })),
    ascii.map((ia5String) => ({ ia5String })),
    ascii.map((universalString) => ({ universalString })),
    text.map((bmpString) => ({ bmpString: bmpString.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?') })),
  );
  const rdn = fc.dictionary(
    fc.constantFrom('C', 'O', 'OU', 'CN', 'L', '1.2.3.4'),
    fc.array(value, { minLength: 1, maxLength: 1 }),
    {
      minKeys: 1,
      maxKeys: 2,
    },
  );
  const extension = fc.record({
    oid: fc.constantFrom(
      '2.5.29.15',
      '2.5.29.37',
      '2.5.29.17',
      '2.5.29.32',
      '2.5.29.14',
      '1.3.6.1.5.5.7.1.24',
      '1.3.6.1.4.1.99999.1',
      '2.5.29.35',
    ),
    critical: fc.boolean(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  });

  test('a renewal keeps everything except serial, validity, authority identifier and signature', async () => {
    const shapes = fc.record({
      subject: fc.array(rdn, { maxLength: 4 }),
      extensions: fc.uniqueArray(extension, { selector: ({ oid }) => oid, maxLength: 6 }),
      serial: fc.bigInt({ min: 1n, max: 2n ** 159n - 1n }),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ subject, extensions, serial }) => {
        const made = await x509.X509CertificateGenerator.create({
          subject: new x509.Name(subject),
          issuer: new x509.X509Certificate(authority.der).subjectName,
          publicKey: keys.publicKey,
          signingKey: authority.keys.privateKey,
          signingAlgorithm: { name: 'ECDSA', hash: 'SHA-384' },
          notBefore: new Date('2018-07-13T22:25:49Z'),
          notAfter: new Date('2019-07-12T22:25:49Z'),
          extensions: extensions.map(
            ({ oid, critical, bytes }) =>
              new x509.Extension(oid, critical, Buffer.from([0x04, bytes.length, ...bytes])),
          ),
        });
        const present = new X509Certificate(Buffer.from(made.rawData));

        const fresh = await again(present, authority, { serial: serial.toString(16) });

        expect(lostIn(present.raw, fresh.raw)).toEqual([]);
        expect(fresh.subject).toEqual(present.subject);
        expect(BigInt(`0x${fresh.serialNumber}`)).toBe(serial);
        expect([fresh.validFromDate, fresh.validToDate]).toEqual([FROM, UNTIL]);
        expect(fresh.signatureAlgorithm).toBe(present.signatureAlgorithm);
        expect(fresh.verify(authority.x509.publicKey)).toBe(true);
        expect(inOrder(fresh)).toEqual(inOrder(present));
      }),
      { numRuns: 60 },
    );
  });
});

test('a subject in an old encoding (T61) keeps its encoding', async () => {
  const authority = await makeAuthority({ name: 'ca' });
  const { der } = await issue(authority, { name: 'locket' });
  const named = Buffer.concat([Buffer.from([0x0c, 6]), Buffer.from('locket')]);
  const old = Buffer.from(der);
  old[old.indexOf(named)] = 0x14;
  const present = new X509Certificate(old);

  const fresh = await again(present, authority);

  expect(partsOf(fresh.raw).subject).toEqual(partsOf(present.raw).subject);
  expect(fresh.raw.includes(named)).toBe(false);
});

const KINDS: readonly KeyType[] = ['rsa2048', 'p256', 'p384', 'p521', 'ed25519'];

test.each(KINDS.flatMap((leaf) => KINDS.map((signer) => [leaf, signer] as const)))(
  'renews a leaf with a key of %s under an authority of %s with the same signature algorithm',
  async (leaf, signer) => {
    const authority = await makeAuthority({ name: 'ca', keyType: signer });
    const { x509: present } = await issue(authority, { name: 'leaf', keyType: leaf, mustStaple: true });

    const fresh = await again(present, authority);

    expect(isIssuedBy(fresh, authority.x509)).toBe(true);
    expect(lostIn(present.raw, fresh.raw)).toEqual([]);
    expect(readCertificate(fresh.raw)).toMatchObject({
      alternativeNames: ['DNS:leaf'],
      mustStaple: true,
      signature: readCertificate(present.raw).signature,
      serial: '1a2b',
    });
  },
);

test('SHA-512 stays, and SHA-1 becomes SHA-256', async () => {
  for (const [signsWith, becomes, insteadOf] of [
    ['SHA-512', 'sha512WithRSAEncryption', undefined],
    ['SHA-1', 'sha256WithRSAEncryption', 'SHA-1'],
  ] as const) {
    const authority = await makeAuthority({ name: 'ca', keyType: 'rsa2048', signsWith });
    const { x509: present } = await issue(authority, { name: 'leaf' });
    expect((await signingFor(present, authority.x509))?.insteadOf).toBe(insteadOf);
    expect(readCertificate((await again(present, authority)).raw).signature).toBe(becomes);
  }
});

test('the authority identifier is that of the current authority', async () => {
  const authority = await makeAuthority({ name: 'ca' });
  const { x509: present } = await issue(authority, { name: 'leaf' });
  const other = await makeAuthority({ name: 'ca', keys: authority.keys, serial: '77' });
  const fresh = await again(present, other);
  expect(isIssuedBy(fresh, other.x509)).toBe(true);
});

test('encodes times after 2049 and the end of time correctly', async () => {
  const authority = await makeAuthority({ name: 'ca' });
  const { x509: present } = await issue(authority, { name: 'leaf' });
  for (const until of [new Date('2050-01-01T00:00:00Z'), new Date('9999-12-31T23:59:59Z')])
    expect((await again(present, authority, { until })).validToDate).toEqual(until);
});

test('reports beforehand that the key of an authority cannot sign', async () => {
  const { x509: present } = await issue(await makeAuthority({ name: 'ca' }), { name: 'leaf' });
  const odd = Object.create(present, {
    publicKey: { value: { asymmetricKeyType: 'rsa-pss' } },
  }) as X509Certificate;
  expect(await signingFor(present, odd)).toBeUndefined();
});

test('a key that is not the authority’s issues nothing', async () => {
  const authority = await makeAuthority({ name: 'ca' });
  const other = await makeAuthority({ name: 'ca' });
  const { x509: present } = await issue(authority, { name: 'leaf' });
  await expect(again(present, { ...authority, keyPem: other.keyPem })).rejects.toThrow(
    'the issued certificate is not signed by the key of the authority',
  );
});
