import { createHash } from 'node:crypto';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { stringify } from 'yaml';
import type { Authority, Issued } from './ca.ts';
import { makeJks, makePkcs12, makePkcs7 } from './containers.ts';
import { wrap } from './der.ts';

/** Converts content to another format, as people and programs do. */
export type Wrapping = (content: Buffer) => Buffer;

const base64 = (content: Buffer) => content.toString('base64');
const lines = (text: string, width: number) => text.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
const text =
  (write: (content: Buffer) => string): Wrapping =>
  (content) =>
    Buffer.from(write(content));
/** Non-ASCII content is converted to base64. */
const ascii = (content: Buffer) =>
  content.every((byte) => byte < 0x80) ? content.toString('latin1') : base64(content);

const ENCODINGS: Readonly<Record<string, Wrapping>> = {
  'base64 in one line': text(base64),
  'base64 in lines of 64': text((content) => lines(base64(content), 64).join('\n')),
  'base64 in lines of 76 with CRLF': text((content) => `${lines(base64(content), 76).join('\r\n')}\r\n`),
  'base64 with the alphabet of URLs': text((content) => content.toString('base64url')),
  'base64 with a heading': text(
    (content) => `certificate of web:\n${lines(base64(content), 64).join('\n')}\n`,
  ),
  'base64 behind words in one line': text(
    (content) => `the certificate is ${base64(content)} and ends there`,
  ),
  'base64 in lines with backslashes': text(
    (content) => `idp.cert=${lines(base64(content), 70).join('\\\n  ')}\n`,
  ),
  'base64 in string literals': text(
    (content) =>
      `CERT = (${lines(base64(content), 60)
        .map((line) => `"${line}"`)
        .join(' +\n  ')})\n`,
  ),
  'base64 in comments': text((content) =>
    lines(base64(content), 64)
      .map((line) => `# ${line}\n`)
      .join(''),
  ),
  'base64 in entities': text((content) => `<X>${lines(base64(content), 64).join('&#13;\n')}</X>`),
  hexadecimal: text((content) => content.toString('hex')),
  'hexadecimal with colons': text((content) => lines(content.toString('hex'), 2).join(':')),
  'an array in C': text(
    (content) =>
      `unsigned char c[] = {\n${lines(content.toString('hex'), 2)
        .map((pair) => `0x${pair}`)
        .join(', ')}\n};`,
  ),
  'a list of numbers in JSON': text((content) => JSON.stringify({ a: [...content] })),
  'a Buffer in JSON': text((content) => JSON.stringify(content)),
  'percent-encoding': text((content) => encodeURIComponent(ascii(content))),
  'quoted-printable': text((content) => {
    const escaped = ascii(content).replaceAll('=', '=3D').replaceAll('\n', '=0A');
    return `Content-Transfer-Encoding: quoted-printable\r\n\r\n${lines(escaped, 70).join('=\r\n')}\r\n`;
  }),
  'UTF-16LE without a mark': (content) => Buffer.from(ascii(content), 'utf16le'),
  'UTF-16BE with a mark': (content) => Buffer.from(`\uFEFF${ascii(content)}`, 'utf16le').swap16(),
  'zeros at the end': (content) => Buffer.concat([content, Buffer.alloc(8)]),
};

const DOCUMENTS: Readonly<Record<string, Wrapping>> = {
  'a value in JSON': text((content) => JSON.stringify({ items: [{ data: ascii(content) }] })),
  'JSON in JSON': text((content) => JSON.stringify({ app: JSON.stringify({ inner: ascii(content) }) })),
  'JSON lines': text((content) => `{"a": 1}\n${JSON.stringify({ c: ascii(content) })}\n`),
  'JSON with the same key twice': text((content) => `{"c": ${JSON.stringify(ascii(content))}, "c": "none"}`),
  'a value in YAML': text((content) => stringify({ data: { field: ascii(content) } })),
  'binary in YAML': text(
    (content) =>
      `a:\n  b: !!binary |\n${lines(base64(content), 64)
        .map((line) => `    ${line}\n`)
        .join('')}`,
  ),
  'a Secret': text((content) => `apiVersion: v1\nkind: Secret\ndata:\n  content: ${base64(content)}\n`),
  'YAML of two documents': text((content) => `a: b\n---\nc:\n  - ${base64(content)}\n`),
  'a template that is no YAML': text((content) => `{{ if .x }}\na: ][\nb: ${base64(content)}\n{{ end }}\n`),
  TOML: text((content) => `[idp]\ncert = "${base64(content)}"\n`),
  properties: text((content) => `idp.entity=acme\nidp.cert=${base64(content)}\nidp.other=x\n`),
  'an environment file': text(
    (content) => `A=1\nCERT="${ascii(content).replaceAll('\n', String.raw`\n`)}"\nB=2\n`,
  ),
  XML: text(
    (content) =>
      `<?xml version="1.0"?><a><ds:X509Certificate>\n${lines(base64(content), 76).join('\n')}\n</ds:X509Certificate></a>`,
  ),
  'a property list': text(
    (content) =>
      `<plist><dict><key>PayloadContent</key><data>\n\t${lines(base64(content), 52).join('\n\t')}\n</data></dict></plist>`,
  ),
  LDIF: text(
    (content) => `dn: cn=x\nuserCertificate;binary:: ${lines(base64(content), 50).join('\n ')}\nsn: y\n`,
  ),
  CSV: text((content) => `name,certificate\nweb,${base64(content)}\n`),
  'a data URL': text((content) => `url: data:application/x-x509-ca-cert;base64,${base64(content)}\n`),
};

const ARCHIVES: Readonly<Record<string, Wrapping>> = {
  gzip: (content) => gzipSync(content),
  zlib: (content) => deflateSync(content),
  Zstandard: (content) => zstdCompressSync(content),
  'a ZIP archive': (content) => Buffer.from(zipSync({ 'a/readme': Buffer.from('x'), 'a/b': content })),
  'a ZIP archive without compression': (content) => Buffer.from(zipSync({ b: content }, { level: 0 })),
  'a tar archive': (content) =>
    makeTar([
      ['etc/x', Buffer.from('x')],
      ['etc/y', content],
    ]),
  'a tar archive in gzip': (content) => gzipSync(makeTar([['y', content]])),
  'a Helm release': (content) =>
    Buffer.from(base64(Buffer.from(base64(gzipSync(JSON.stringify({ manifest: ascii(content) })))))),
};

/** Every format in which content is stored inside other content. */
export const WRAPPINGS: Readonly<Record<string, Wrapping>> = { ...ENCODINGS, ...DOCUMENTS, ...ARCHIVES };

/** Every format in which a certificate is stored alone. */
export function containersOf(
  { der, certificatePem }: Issued,
  { der: root }: Authority,
): Readonly<Record<string, Buffer>> {
  return {
    PEM: Buffer.from(certificatePem),
    'PEM behind text': Buffer.from(`# web, issued by ops\nCertificate:\n    Data:\n${certificatePem}`),
    'PEM behind a mark and an empty line': Buffer.from(`\uFEFF\n${certificatePem}`),
    DER: der,
    'PKCS#7': makePkcs7([root, der]),
    'PKCS#7 in PEM': Buffer.from(
      `-----BEGIN PKCS7-----\n${lines(base64(makePkcs7([der])), 64).join('\n')}\n-----END PKCS7-----\n`,
    ),
    'PKCS#12': makePkcs12({ certificates: [der], passphrase: '', encryption: 'none' }),
    'PKCS#12 in PEM': Buffer.from(
      `-----BEGIN PKCS12-----\n${lines(base64(makePkcs12({ certificates: [der], passphrase: '' })), 64).join('\n')}\n-----END PKCS12-----\n`,
    ),
    'PEM in PEM': Buffer.from(
      `-----BEGIN CERTIFICATE-----\n${lines(base64(Buffer.from(certificatePem)), 64).join('\n')}\n-----END CERTIFICATE-----\n`,
    ),
    'a Java keystore': makeJks([{ alias: 'a', certificates: [der] }]),
    PkiPath: wrap(0x30, Buffer.concat([root, der])),
    'a keystore of Bouncy Castle': makeBks(der),
  };
}

/** Formats that cannot be read here: they must be reported. */
export function unreadableContainersOf({ der }: Issued): Readonly<Record<string, Buffer>> {
  return {
    'PKCS#12 under a passphrase': makePkcs12({ certificates: [der], passphrase: 'nobody knows it' }),
    'PKCS#7 truncated': makePkcs7([der]).subarray(0, -40),
    'DER truncated': der.subarray(0, -20),
    'gzip truncated': gzipSync(der).subarray(0, -30),
    'ZIP truncated': Buffer.from(zipSync({ a: der })).subarray(0, -30),
    'tar truncated': makeTar([['a', der]]).subarray(0, 700),
    xz: Buffer.concat([Buffer.from('fd377a585a000004', 'hex'), der]),
    bzip2: Buffer.concat([Buffer.from('BZh9'), Buffer.from('314159265359', 'hex'), der.subarray(300)]),
    '7-Zip': Buffer.concat([Buffer.from('377abcaf271c0004', 'hex'), noise(200)]),
    'an UBER keystore': makeUber(),
    'a BCFKS keystore': makeBcfks(),
  };
}

/** Files that were encrypted as a whole. */
export function encryptedFiles(): Readonly<Record<string, Buffer>> {
  return {
    'Ansible Vault': Buffer.from(
      `$ANSIBLE_VAULT;1.1;AES256\n${lines(noise(300).toString('hex'), 80).join('\n')}\n`,
    ),
    OpenSSL: Buffer.concat([Buffer.from('Salted__'), noise(400)]),
    age: Buffer.concat([Buffer.from('age-encryption.org/v1\n-> X25519 x\n'), noise(300)]),
    'age in PEM': Buffer.from(
      `-----BEGIN AGE ENCRYPTED FILE-----\n${lines(base64(noise(300)), 64).join('\n')}\n-----END AGE ENCRYPTED FILE-----\n`,
    ),
    'git-crypt': Buffer.concat([Buffer.from('\0GITCRYPT\0'), noise(300)]),
  };
}

/** Looks random, is always the same, and does not compress. */
function noise(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    createHash('sha256').update(String(at)).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** POSIX.1-1988: a header of 512 bytes before each file. */
export function makeTar(files: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  const blocks = files.flatMap(([name, content]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000644\0', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        0', 148);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function keystoreHead(version: number): Buffer {
  const head = Buffer.alloc(32);
  head.writeUInt32BE(version, 0);
  head.writeUInt32BE(20, 4);
  head.fill(0x5c, 8, 28);
  head.writeUInt32BE(1843, 28);
  return head;
}

/** One entry of a certificate, then the end and 20 bytes of a checksum. */
function makeBks(der: Buffer): Buffer {
  const utf = (word: string) => Buffer.concat([Buffer.from([0, word.length]), Buffer.from(word)]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(der.length);
  return Buffer.concat([
    keystoreHead(2),
    Buffer.from([1]),
    utf('web'),
    Buffer.alloc(8),
    Buffer.alloc(4),
    utf('X.509'),
    size,
    der,
    Buffer.from([0]),
    Buffer.alloc(20, 3),
  ]);
}

function makeUber(): Buffer {
  return Buffer.concat([keystoreHead(1), noise(900)]);
}

/**
 * ObjectStore ::= SEQUENCE { EncryptedObjectStoreData, ObjectStoreIntegrityCheck }, all of it encrypted.
 */
function makeBcfks(): Buffer {
  const algorithm = wrap(0x30, Buffer.from('06092a864886f70d01050d3000', 'hex'));
  const encrypted = wrap(0x30, Buffer.concat([algorithm, wrap(0x04, noise(600))]));
  return wrap(
    0x30,
    Buffer.concat([encrypted, wrap(0x30, Buffer.concat([algorithm, wrap(0x04, noise(64))]))]),
  );
}
