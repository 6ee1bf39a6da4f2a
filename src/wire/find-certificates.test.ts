import { createPrivateKey } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Authority, issue, type Issued, makeAuthority } from '../../test/world/ca.ts';
import { makeJks, makePkcs12, makePkcs7 } from '../../test/world/containers.ts';
import { makeTar } from '../../test/world/wrappings.ts';
import { findCertificates, type FoundCertificates } from './find-certificates.ts';
import { displayName } from './x509.ts';

let root: Authority;
let leaf: Issued;
let other: Issued;
beforeAll(async () => {
  root = await makeAuthority({ name: 'Root' });
  leaf = await issue(root, { name: 'leaf.test', keyType: 'rsa2048' });
  other = await issue(root, { name: 'other.test' });
});

const base64 = (content: string | Buffer) => Buffer.from(content).toString('base64');
const describeFound = ({ certificates, unreadable }: FoundCertificates) => [
  ...certificates.map(({ at, chain, keyMatches }) =>
    `${at} ${chain.map(displayName).join(' < ')}${keyMatches === undefined ? '' : ` key ${keyMatches}`}`.trim(),
  ),
  ...unreadable.map(({ at, because }) => `${at} ${because}`.trim()),
];

test('a key in one field of a secret belongs to the certificate in another, as `safe` stores them', () => {
  const secret = {
    certificate: leaf.certificatePem,
    key: leaf.keyPem,
    combined: leaf.certificatePem + leaf.keyPem,
    serial: '0a',
    crl: '',
  };
  expect(describeFound(findCertificates(JSON.stringify(secret)))).toEqual([
    ':certificate leaf.test key true',
    ':combined leaf.test key true',
  ]);
  expect(
    describeFound(findCertificates(JSON.stringify({ ...secret, key: other.keyPem, combined: '' }))),
  ).toEqual([':certificate leaf.test key false']);
});

test('a wrong key is a mismatch of the leaf, not of the authority next to it', () => {
  const fields = { ca: root.certificatePem, certificate: leaf.certificatePem, private_key: other.keyPem };
  expect(describeFound(findCertificates(JSON.stringify(fields)))).toEqual([
    ':ca Root',
    ':certificate leaf.test key false',
  ]);
});

test('with several leaves, an unrelated key is not a mismatch', () => {
  const stranger = root.keyPem;
  expect(describeFound(findCertificates(leaf.certificatePem + other.certificatePem + stranger))).toEqual([
    'leaf.test',
    '#2 other.test',
  ]);
});

test('swapped keys are mismatches, although each belongs to a certificate next to it', () => {
  const files = {
    'server.crt': leaf.certificatePem,
    'server.key': other.keyPem,
    'client.crt': other.certificatePem,
    'client.key': leaf.keyPem,
  };
  expect(describeFound(findCertificates(JSON.stringify(files)))).toEqual([
    ':server.crt leaf.test key false',
    ':client.crt other.test key false',
  ]);
});

test('a key in a file with an authority and its leaf may belong to either', () => {
  expect(describeFound(findCertificates(leaf.certificatePem + root.certificatePem + root.keyPem))).toEqual([
    'leaf.test < Root',
  ]);
  expect(describeFound(findCertificates(root.certificatePem + other.keyPem))).toEqual(['Root']);
});

test.each([
  ['a heredoc', (cert: string, key: string) => `idp = <<EOF\n${cert}EOF\njwt = <<EOF\n${key}EOF\n`],
  ['an OpenVPN profile', (cert: string, key: string) => `client\n<ca>\n${cert}</ca>\n<key>\n${key}</key>\n`],
  [
    'Markdown',
    (cert: string, key: string) => `# How to\nThe certificate:\n\n${cert}\nThe session key:\n\n${key}`,
  ],
])('a key in a text with other content is not a mismatch of the certificate in it: %s', (_, write) => {
  expect(describeFound(findCertificates(write(leaf.certificatePem, other.keyPem)))).toEqual(['leaf.test']);
});

test('does not open a key with a passphrase', () => {
  const closed = createPrivateKey(other.keyPem).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  expect(describeFound(findCertificates(leaf.certificatePem + String(closed)))).toEqual(['leaf.test']);
});

test('reads a PKCS#7 bundle of RSA and EC certificates, which node-forge cannot', () => {
  const bundle = makePkcs7([root.der, leaf.der, other.der], 'as given');
  expect(describeFound(findCertificates(bundle))).toEqual(['leaf.test < Root', '#2 other.test < Root']);
  expect(describeFound(findCertificates(base64(bundle)))).toEqual([
    'leaf.test < Root',
    '#2 other.test < Root',
  ]);
  expect(describeFound(findCertificates(bundle.subarray(0, -60)))).toEqual([
    'it is a PKCS#7 bundle, but damaged or truncated',
  ]);
});

test('reads a PKCS#7 bundle of indefinite length, as Java and Windows write it', () => {
  const bundle = makePkcs7([leaf.der]);
  const content = bundle.subarray(bundle.indexOf('06092a864886f70d010702', 0, 'hex'));
  const indefinite = Buffer.concat([Buffer.from('3080', 'hex'), content, Buffer.from('0000', 'hex')]);
  expect(describeFound(findCertificates(indefinite))).toEqual(['leaf.test']);
});

test.each(['aes', 'rc2', '3des', 'none'] as const)(
  'a PKCS#12 file with %s yields its chain, leaf first, and never its key',
  (encryption) => {
    const key = createPrivateKey(leaf.keyPem).export({ type: 'pkcs8', format: 'der' });
    const file = makePkcs12({ certificates: [root.der, leaf.der], key, passphrase: 'right', encryption });
    expect(describeFound(findCertificates(file, { passphrases: ['wrong', 'right'] }))).toEqual([
      'leaf.test < Root',
    ]);
  },
);

test('reports which passphrase a PKCS#12 file lacks, and that it is locked', () => {
  const file = makePkcs12({ certificates: [leaf.der], passphrase: 'right' });
  expect(describeFound(findCertificates(file))).toEqual([
    'it is a PKCS#12 file that needs a passphrase, but none is configured',
  ]);
  expect(findCertificates(file, { passphrases: ['wrong'] }).unreadable).toEqual([
    { at: '', because: 'it is a PKCS#12 file that none of the configured passphrases opens', locked: true },
  ]);
  expect(describeFound(findCertificates(makePkcs12({ certificates: [leaf.der], passphrase: '' })))).toEqual([
    'leaf.test',
  ]);
});

test('rejects a PKCS#12 file with two billion iterations immediately', () => {
  const file = makePkcs12({ certificates: [leaf.der], passphrase: 'x', rounds: 2_000_000_000 });
  expect(describeFound(findCertificates(file, { passphrases: ['x'] }))).toEqual([
    'it is a PKCS#12 file, but it requires too many rounds of key derivation',
  ]);
});

test('reads the certificates of a Java keystore by alias, without its password', () => {
  const keystore = makeJks([
    { alias: 'rep', certificates: [leaf.der, root.der], key: Buffer.alloc(40) },
    { alias: 'ca\n', certificates: [root.der] },
  ]);
  expect(describeFound(findCertificates(keystore))).toEqual([':rep leaf.test < Root', ':ca\uFFFD Root']);
  expect(describeFound(findCertificates(keystore.subarray(0, 900)))).toEqual([
    'leaf.test',
    'it is a Java keystore (JKS), but it is truncated',
  ]);
});

test('reads concatenated DER certificates, and reports a truncated one', () => {
  expect(describeFound(findCertificates(Buffer.concat([leaf.der, other.der])))).toEqual([
    'leaf.test',
    '#2 other.test',
  ]);
  expect(describeFound(findCertificates(leaf.der.subarray(0, 300)))).toEqual(['it is truncated']);
});

test('a DER key, a request and other DER are neither certificates nor unreadable', () => {
  const key = createPrivateKey(leaf.keyPem).export({ type: 'pkcs1', format: 'der' });
  expect(findCertificates(key)).toEqual({
    certificates: [],
    unreadable: [],
    others: { harmless: 1, requests: 0, unknown: 0 },
  });
  expect(findCertificates(Buffer.from('0123456789'.repeat(50)))).toEqual({
    certificates: [],
    unreadable: [],
    others: { harmless: 0, requests: 0, unknown: 0 },
  });
});

test('reads base64 in base64 in YAML, as in a Secret of a whole file', () => {
  const inner = stringify({ users: [{ user: { 'client-certificate-data': base64(leaf.certificatePem) } }] });
  const fields = { kubeconfig: inner, keystore: base64(makePkcs7([other.der])) };
  expect(describeFound(findCertificates(stringify(fields)))).toEqual([
    ':kubeconfig.users.0.user.client-certificate-data leaf.test',
    ':keystore other.test',
  ]);
});

test.each<[string, (der: Buffer, pem: string) => string]>([
  ['bytea in a dump of PostgreSQL', (der) => `INSERT INTO certs VALUES (1, '\\x${der.toString('hex')}');\n`],
  [
    'hexadecimal in groups, as routers print it',
    (der) =>
      `certificate ca 01\n  ${(
        der
          .toString('hex')
          .toUpperCase()
          .match(/.{1,8}/g) ?? []
      ).join(' ')}\n  quit\n`,
  ],
  ['base64 of PEM behind a prefix', (_, pem) => `cert_${base64(pem)}\n`],
  ['base64 of DER as a list of lines', (der) => JSON.stringify({ cert: base64(der).match(/.{1,64}/g) })],
  [
    'base64 of DER as a list in YAML',
    (der) => `cert:\n${(base64(der).match(/.{1,64}/g) ?? []).map((line) => `  - ${line}\n`).join('')}`,
  ],
  [
    'string literals of C with line breaks',
    (_, pem) =>
      `static const char *pem =\n${pem
        .split('\n')
        .map((line) => `  "${line}\\n"\n`)
        .join('')};\n`,
  ],
  [
    'string literals of Java',
    (_, pem) =>
      `String pem = ${pem
        .trim()
        .split('\n')
        .map((line) => `"${line}\\n"`)
        .join(' +\n    ')};\n`,
  ],
])('%s', (_, write) => {
  expect(describeFound(findCertificates(write(leaf.der, leaf.certificatePem)))).toEqual(['leaf.test']);
});

test('a redacted key does not hide a locked keystore next to it', () => {
  const locked = base64(makePkcs12({ certificates: [leaf.der], passphrase: 'nobody knows it' }));
  const text = `key: ][\n-----BEGIN PRIVATE KEY-----\n<redacted>\n-----END PRIVATE KEY-----\nstore = ${locked}\n`;
  expect(describeFound(findCertificates(text))).toEqual([
    'it is a PKCS#12 file that needs a passphrase, but none is configured',
  ]);
});

test('finds what YAML does not return as a value, but not what is commented out', () => {
  const yaml = `ca: ${base64(root.der)}\n? ${base64(leaf.der)}\n: a name\n# old: ${base64(other.der)}\n`;
  expect(describeFound(findCertificates(yaml))).toEqual(
    [':ca Root', '#2 leaf.test'].map((place) => expect.stringContaining(place.split(' ').at(-1)!) as string),
  );
});

test('does not nest text with the line ends of old Macs in itself', () => {
  const text =
    'some words: and others of more than forty characters abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\rmore\r';
  expect(describeFound(findCertificates(text))).toEqual([]);
});

test('bytes around a certificate do not yield a second, broken one', () => {
  const bytes = Buffer.concat([
    Buffer.from('SQLite format 3\0'),
    Buffer.alloc(80),
    leaf.der,
    Buffer.alloc(9),
    Buffer.from('a'.repeat(60)),
    Buffer.alloc(9),
  ]);
  expect(describeFound(findCertificates(bytes))).toEqual(['leaf.test']);
});

test('finds a certificate in a single run of eight million characters', () => {
  const run = 'QUJD'.repeat(2_000_000);
  expect(describeFound(findCertificates(`${run}\n${base64(leaf.der)}\n`))).toEqual([
    expect.stringContaining('leaf.test'),
  ]);
});

test('reads concatenated tar archives, and concatenated UTF-16 strings', () => {
  const tars = Buffer.concat([makeTar([['a', other.der]]), makeTar([['b.crt', leaf.der]])]);
  expect(describeFound(findCertificates(tars))).toEqual([':a other.test', ':b.crt leaf.test']);
  const strings = ['name of the first one', base64(leaf.der), base64(other.der)].join('\0');
  expect(describeFound(findCertificates(Buffer.from(strings, 'utf16le')))).toEqual([
    'leaf.test',
    '#2 other.test',
  ]);
});

test('reads two base64 texts without padding on separate lines', () => {
  const unpadded = (text: string) => base64(text).replace(/=+$/, '');
  const found = findCertificates(`${unpadded(leaf.certificatePem)}\n${unpadded(other.certificatePem)}\n`);
  expect(describeFound(found)).toEqual(['leaf.test', '#2 other.test']);
});

test.each([
  ['SQL', '-- begin transaction\nselect 1;\n-- end transaction\n'],
  ['a banner', '# --- BEGIN CONFIG ---\nfoo = barbarbarbarbarbarbarbarbarbarbar\n# --- END CONFIG ---\n'],
  ['a script that searches for the line', `grep -q "-----BEGIN CERTIFICATE-----" "$file" || exit 1\n`],
  ['a licence', '-----BEGIN LICENSE-----\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\n-----END LICENSE-----\n'],
])('a text that only looks like PEM is not a gap: %s', (_, text) => {
  expect(describeFound(findCertificates(text))).toEqual([]);
});

test('searches a template that is not YAML as text, including base64', () => {
  const template = `{{ if .tls }}\ncert: |\n${leaf.certificatePem.replaceAll(/^/gm, '  ')}\n{{ end }}: ][\nb64: ${base64(other.certificatePem)}\n`;
  expect(describeFound(findCertificates(template))).toEqual(['leaf.test', '#2 other.test']);
});

test('an alias bomb stays small, and what is next to it is read', () => {
  const bomb = Array.from(
    { length: 20 },
    (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`,
  ).join('\n');
  const text = `a0: &a0 [x]\n${bomb}\ncert: |\n${leaf.certificatePem.replaceAll(/^/gm, '  ')}`;
  expect(describeFound(findCertificates(text))).toContain('leaf.test');
});

test('reports where nesting exceeds a hundred levels, and reads large values', () => {
  const nest = (levels: number) =>
    Array.from({ length: levels }).reduce<unknown>((inner) => ({ a: inner }), leaf.certificatePem);
  expect(describeFound(findCertificates(JSON.stringify(nest(99))))).toEqual([
    `:${Array(99).fill('a').join('.')} leaf.test`,
  ]);
  expect(describeFound(findCertificates(JSON.stringify(nest(105))))).toEqual([
    'leaf.test',
    `:${Array(100).fill('a').join('.')} it is nested more than 100 levels deep, so the rest was not read`,
  ]);
  const wide = JSON.stringify({ log: ' '.repeat(2_000_000) + leaf.certificatePem });
  expect(describeFound(findCertificates(wide))).toEqual([':log leaf.test']);
});

test('excessive levels of compression are a gap', () => {
  const packed = Array.from({ length: 12 }).reduce<Buffer>(
    (inner) => gzipSync(inner),
    Buffer.from(leaf.certificatePem),
  );
  expect(describeFound(findCertificates(packed))).toEqual(['it is nested more than 10 levels deep']);
});

test('does not search a file of 50 MB', () => {
  expect(describeFound(findCertificates(Buffer.alloc(50 * 1024 * 1024)))).toEqual([
    'it is larger than 10 MB',
  ]);
});

test('reads a bundle of any length to its end', () => {
  const found = findCertificates(other.certificatePem.repeat(1000) + leaf.certificatePem);
  expect(found.unreadable).toEqual([]);
  expect(found.certificates.at(-1)).toMatchObject({ at: '#1001', chain: [{ subject: 'CN=leaf.test' }] });
});

test('searches hostile texts quickly: brackets, spaces, empty lines, BEGIN lines without END, empty settings', () => {
  const texts = [
    '['.repeat(1e6),
    'a'.repeat(1e6),
    ' '.repeat(1e6),
    '\n'.repeat(1e6),
    'a '.repeat(5e5),
    '-----BEGIN A-----'.repeat(6e4),
    `-----BEGIN CERTIFICATE-----\n${';'.repeat(1e5)}A\n-----END CERTIFICATE-----\n`,
    `-----BEGIN PRIVATE KEY-----\n${'\\'.repeat(1e5)}A\n-----END PRIVATE KEY-----\n`,
    '\\x30\\x82'.repeat(1e5),
    '48, 130, '.repeat(1e5),
    'setting=\n'.repeat(1e5),
  ];
  for (const text of texts) {
    expect(findCertificates(`-----BEGIN X ${text}`).certificates).toEqual([]);
    expect(findCertificates(`a: LS0tLS1CRUdJ\n${text}`).certificates).toEqual([]);
    expect(findCertificates(`MII${text}!`).certificates).toEqual([]);
  }
});

test('searches a document with thousands of aliases as text', () => {
  const lines = Array.from({ length: 10_000 }, (_, n) => `k${n}: &a${n} ${'v'.repeat(60)}\nl${n}: *a${n}\n`);
  expect(describeFound(findCertificates(`${lines.join('')}cert: ${base64(leaf.certificatePem)}\n`))).toEqual([
    'leaf.test',
  ]);
});

test('searches long mappings and long runs of base64 and punctuation', () => {
  const lines = Array.from({ length: 50_000 }, (_, n) => `k${n}: ${'v'.repeat(75)}\n`).join('');
  expect(describeFound(findCertificates(`${lines}cert: ${base64(leaf.certificatePem)}\n`))).toEqual([
    ':cert leaf.test',
  ]);
  expect(describeFound(findCertificates('A'.repeat(7_000_000)))).toEqual([]);
  expect(
    describeFound(
      findCertificates(`-----BEGIN CERTIFICATE-----\n;a${', '.repeat(500_000)}b\n-----END CERTIFICATE-----`),
    ),
  ).toEqual(['its content is not base64']);
});

test('loses no value of a YAML mapping with a duplicate key', () => {
  const value = (issued: Issued) => `cert: |\n${issued.certificatePem.replaceAll(/^/gm, '  ')}\n`;
  expect(describeFound(findCertificates(value(leaf) + value(other)))).toEqual([
    ':cert other.test',
    'leaf.test',
  ]);
});

test('ten thousand broken blocks become a few gaps and a count', () => {
  const { unreadable } = findCertificates(
    '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n'.repeat(10_000),
  );
  expect(unreadable).toHaveLength(1001);
  expect(unreadable.at(-1)?.because).toBe("9000 more places in it can't be read");
});

test('never throws, neither for random bytes nor for containers with flipped bits', () => {
  const survives = (content: Buffer | string): void => {
    expect(findCertificates(content, { passphrases: ['x'] }).others.harmless).toBeGreaterThanOrEqual(0);
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => survives(Buffer.from(bytes))));
  fc.assert(fc.property(fc.string(), survives));
  const containers = [
    leaf.der,
    makePkcs7([leaf.der, other.der]),
    makePkcs12({ certificates: [leaf.der], passphrase: 'x', rounds: 1 }),
    makePkcs12({ certificates: [leaf.der], passphrase: 'x', rounds: 1, encryption: 'rc2' }),
    makeJks([{ alias: 'a', certificates: [leaf.der], key: Buffer.alloc(9) }]),
    Buffer.from(stringify({ a: [{ b: leaf.certificatePem }], c: base64(leaf.keyPem) })),
  ];
  const damages = fc.record({
    at: fc.nat({ max: 200 }),
    byte: fc.nat({ max: 255 }),
    length: fc.nat({ max: 3000 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...containers), damages, (container, { at, byte, length }) => {
      const damaged = Buffer.from(container);
      damaged[at] = byte;
      survives(damaged.subarray(0, length));
    }),
    { numRuns: 500 },
  );
});

test('reasons never quote content', () => {
  const texts = [
    leaf.keyPem.replace('PRIVATE KEY', 'CERTIFICATE').replace('PRIVATE KEY', 'CERTIFICATE'),
    leaf.certificatePem.replaceAll('M', '*'),
  ];
  for (const text of texts) {
    const said = JSON.stringify(findCertificates(text));
    expect(said).toContain('because');
    for (let at = 28; at < text.length - 60; at += 40) expect(said).not.toContain(text.slice(at, at + 12));
  }
});
