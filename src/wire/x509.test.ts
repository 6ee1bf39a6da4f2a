import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { type Authority, issue, issueSelfSigned, makeAuthority } from '../../test/world/ca.ts';
import { arrangeChains } from './arrange-chains.ts';
import { printable, displayName, groupChains, readCertificate } from './x509.ts';

let root: Authority;
let middle: Authority;
beforeAll(async () => {
  root = await makeAuthority({ name: 'Root', keyType: 'rsa2048' });
  middle = await makeAuthority({ name: 'Middle', issuer: root });
});

test('reads the facts of an ordinary certificate', async () => {
  const { der, certificatePem, x509 } = await issue(root, {
    name: 'www.test',
    names: ['www.test', '10.0.0.5', 'URI:spiffe://td/x', 'email:a@b.test'],
    subject: [{ C: ['US'] }, { O: ['Acme, Inc.'] }, { CN: ['www.test'] }],
    serial: '00ab01',
    extendedKeyUsage: ['serverAuth', 'clientAuth', '1.2.3.4'],
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-02-02T12:00:00Z'),
    mustStaple: true,
  });
  expect(readCertificate(der)).toEqual({
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    name: 'www.test',
    subject: 'C=US, O=Acme\\, Inc., CN=www.test',
    issuer: 'CN=Root',
    alternativeNames: ['DNS:www.test', 'IP:10.0.0.5', 'URI:spiffe://td/x', 'email:a@b.test'],
    serial: 'ab01',
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-02-02T12:00:00Z'),
    authority: false,
    selfSigned: false,
    key: { type: 'ec', curve: 'prime256v1' },
    publicKey: createHash('sha256')
      .update(x509.publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
    subjectKeyId: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
    authorityKeyId: readCertificate(root.der).subjectKeyId,
    signature: 'sha256WithRSAEncryption',
    extendedKeyUsage: ['serverAuth', 'clientAuth', '1.2.3.4'],
    mustStaple: true,
  });
  expect(readCertificate(certificatePem)).toEqual(readCertificate(der));
});

test('keeps the DER only of what signs others, to verify signatures', async () => {
  const leaf = readCertificate((await issue(middle, { name: 'leaf' })).der);
  const authority = readCertificate(middle.der);
  expect(leaf).not.toHaveProperty('der');
  expect(leaf.authorityKeyId).toBe(authority.subjectKeyId);
  expect(authority.der).toBe(middle.der.toString('base64'));
});

test('the key of a renewed certificate is recognized', async () => {
  const former = await issue(middle, { name: 'leaf' });
  const renewed = await issue(middle, { name: 'leaf', keys: former.keys });
  const other = await issue(middle, { name: 'leaf' });
  const keyOf = ({ der }: { readonly der: Buffer }) => readCertificate(der).publicKey;
  expect(keyOf(renewed)).toBe(keyOf(former));
  expect(keyOf(other)).not.toBe(keyOf(former));
});

test.each([
  ['rsa1024', { type: 'rsa', bits: 1024 }],
  ['rsa2048', { type: 'rsa', bits: 2048 }],
  ['rsa3072', { type: 'rsa', bits: 3072 }],
  ['p256', { type: 'ec', curve: 'prime256v1' }],
  ['p384', { type: 'ec', curve: 'secp384r1' }],
  ['p521', { type: 'ec', curve: 'secp521r1' }],
  ['ed25519', { type: 'ed25519' }],
] as const)('names a key of type %s as OpenSSL does', async (keyType, key) => {
  const { x509, der } = await issue(middle, { name: 'leaf', keyType });
  expect(readCertificate(der).key).toEqual(key);
  const { modulusLength, namedCurve } = x509.publicKey.asymmetricKeyDetails ?? {};
  expect([('bits' in key && key.bits) || undefined, ('curve' in key && key.curve) || undefined]).toEqual([
    modulusLength,
    namedCurve,
  ]);
});

test('a root is self-signed; a certificate that only has its name is not', async () => {
  const impostor = await makeAuthority({ name: 'Root' });
  const named = await makeAuthority({ name: 'Root', issuer: impostor });
  expect([root, named, middle].map(({ der }) => readCertificate(der).selfSigned)).toEqual([
    true,
    false,
    false,
  ]);
  expect([root, named, middle].map(({ der }) => readCertificate(der).authority)).toEqual([true, true, true]);
});

test('normalizes serials of any tool', async () => {
  const serial = async (written: string) =>
    readCertificate((await issue(middle, { name: 'x', serial: written })).der).serial;
  expect(await Promise.all(['-05', '-ff01', '0a', '7fff'].map(serial))).toEqual(['-5', '-ff01', 'a', '7fff']);
});

test('reads dates of 1950 and 9999', async () => {
  const { der } = await issue(middle, {
    name: 'x',
    notBefore: new Date('1951-01-01T00:00:00Z'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
  });
  const { notBefore, notAfter } = readCertificate(der);
  expect([notBefore.toISOString(), notAfter.toISOString()]).toEqual([
    '1951-01-01T00:00:00.000Z',
    '9999-12-31T23:59:59.000Z',
  ]);
});

test.each([
  ['the most specific of several CNs', { subject: [{ CN: ['Users'] }, { CN: ['Ann'] }], names: [] }, 'Ann'],
  [
    'a CN with commas, plus and quotes',
    { subject: [{ CN: [{ utf8String: 'a, b + "c" CN=d' }] }], names: [] },
    'a, b + "c" CN=d',
  ],
  [
    'a CN together with another value of the same RDN',
    { subject: [{ CN: ['Ann'], OU: ['Ops'] }], names: [] },
    'Ann',
  ],
  [
    'a CN in non-Latin letters',
    { subject: [{ CN: [{ utf8String: 'Zürich 東京' }] }], names: [] },
    'Zürich 東京',
  ],
  ['the first alternative name without a CN', { subject: [], names: ['10.0.0.7', 'b.test'] }, '10.0.0.7'],
  ['the serial without any name', { subject: [], names: [], serial: '0abc' }, 'serial abc'],
])('is named by %s', async (_, request, name) => {
  const { der, x509 } = await issue(middle, { name: 'unused', ...request });
  expect(readCertificate(der).name).toBe(name);
  expect(displayName(x509)).toBe(name);
});

test('replaces control, bidirectional and invisible characters in names visibly', async () => {
  const { der } = await issueSelfSigned({ name: 'a\u001B[31m\nb\u202Ec\u200Bd\uFE0Fe\u3164f', names: [] });
  const { name, subject } = readCertificate(der);
  expect(name).toBe('a\uFFFD[31m\uFFFDb\uFFFDc\uFFFDd\uFFFDe\uFFFDf');
  expect(subject).toBe('CN=a\\1B[31m\\0Ab\uFFFDc\uFFFDd\uFFFDe\uFFFDf');
});

test('leaves Slack markup to the renderer', async () => {
  const { der } = await issueSelfSigned({ name: '<!channel> *b* &amp;', names: [] });
  expect(readCertificate(der).name).toBe('<!channel> *b* &amp;');
});

test('a name that looks like two stays one (CVE-2021-44532)', async () => {
  const { der } = await issue(middle, { name: 'x', names: ['URI:http://a.test/, DNS:bank.test', 'b.test'] });
  expect(readCertificate(der).alternativeNames).toEqual(['URI:http://a.test/, DNS:bank.test', 'DNS:b.test']);
});

test('cuts a text of a megabyte, but not in the middle of a character', () => {
  expect(printable('x'.repeat(1_000_000))).toHaveLength(1001);
  expect(printable('\uD800')).toBe('\uFFFD');
});

test('consecutive certificates that issue one another are a chain, others are separate', async () => {
  const leaf = (await issue(middle, { name: 'leaf' })).x509;
  const other = (await issue(root, { name: 'other' })).x509;
  const names = (chains: ReturnType<typeof groupChains>) => chains.map((chain) => chain.map(displayName));
  expect(names(groupChains([leaf, middle.x509, root.x509, other]))).toEqual([
    ['leaf', 'Middle', 'Root'],
    ['other'],
  ]);
  expect(names(groupChains([leaf, root.x509, middle.x509]))).toEqual([['leaf'], ['Root'], ['Middle']]);
  expect(names(groupChains([root.x509, root.x509]))).toEqual([['Root'], ['Root']]);
  expect(groupChains([])).toEqual([]);
});

test('arranges an unordered set into one chain per leaf', async () => {
  const leaf = (await issue(middle, { name: 'leaf' })).x509;
  const other = (await issue(root, { name: 'other' })).x509;
  const impostor = (await makeAuthority({ name: 'Middle' })).x509;
  const chains = arrangeChains([root.x509, impostor, other, middle.x509, leaf, root.x509]);
  expect(chains.map((chain) => chain.map(displayName))).toEqual([
    ['Middle'],
    ['other', 'Root'],
    ['leaf', 'Middle', 'Root'],
  ]);
});

test('lists two authorities that sign each other separately', async () => {
  const a = await makeAuthority({ name: 'A' });
  const b = await makeAuthority({ name: 'B' });
  const ab = await makeAuthority({ name: 'A', issuer: b, keys: a.keys });
  const ba = await makeAuthority({ name: 'B', issuer: a, keys: b.keys });
  expect(arrangeChains([ab.x509, ba.x509]).map((chain) => chain.map(displayName))).toEqual([['A'], ['B']]);
});
