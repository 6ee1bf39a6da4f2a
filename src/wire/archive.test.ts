import { zipSync } from 'fflate';
import { beforeAll, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../test/world/ca.ts';
import { makeTar } from '../../test/world/wrappings.ts';
import { findCertificates } from './find-certificates.ts';
import { displayName } from './x509.ts';

let root: Authority;
let leaf: Issued;
let other: Issued;
beforeAll(async () => {
  root = await makeAuthority({ name: 'Root' });
  leaf = await issue(root, { name: 'leaf.test' });
  other = await issue(root, { name: 'other.test' });
});

type Files = readonly (readonly [name: string, content: string | Buffer])[];
const bytesOf = (files: Files) => files.map(([name, content]) => [name, Buffer.from(content)] as const);
const tar = (files: Files) => makeTar(bytesOf(files));
const zip = (files: Files, level: 0 | 6 = 6) =>
  Buffer.from(zipSync(Object.fromEntries(bytesOf(files)), { level }));

function describeFound(content: Buffer): string[] {
  const { certificates, unreadable } = findCertificates(content);
  return [
    ...certificates.map(({ at, chain: [first], keyMatches }) =>
      `${at} ${displayName(first)} ${keyMatches ?? ''}`.trim(),
    ),
    ...unreadable.map(({ at, because }) => `${at} ${because}`.trim()),
  ];
}

/** Overwrites each occurrence of a name. */
function renamed(archive: Buffer, name: string, other: string): Buffer {
  return Buffer.from(archive.toString('latin1').replaceAll(name, other), 'latin1');
}

test('a file with the name of a special object key does not disappear from a ZIP archive', () => {
  const archive = zip([
    ['a.crt', leaf.certificatePem],
    ['b23456789', other.certificatePem],
  ]);
  expect(describeFound(renamed(archive, 'b23456789', '__proto__'))).toEqual([
    'it is a ZIP archive, but a file in it has a name that is not supported',
  ]);
  expect(describeFound(renamed(archive, 'b23456789', 'toString_'))).toEqual([
    ':a.crt leaf.test',
    ':toString_ other.test',
  ]);
});

test('an uncompressed ZIP archive in another one does not look encrypted', () => {
  const inner = zip([['a.crt', leaf.certificatePem]]);
  const header = inner.indexOf(Buffer.from('504b0102', 'hex'));
  const marked = Buffer.concat([Buffer.from('504b01020000000001', 'hex'), leaf.der]);
  expect(describeFound(zip([['inner.zip', inner]], 0))).toEqual([':inner.zip.a.crt leaf.test']);
  expect(describeFound(zip([['marked', marked]], 0))).toEqual([':marked leaf.test']);
  const locked = Buffer.from(inner);
  locked.writeUInt16LE(1, header + 8);
  expect(describeFound(locked)).toEqual(['it is a ZIP archive, but files in it are encrypted']);
  expect(describeFound(zip([['inner.zip', locked]], 0))).toEqual([
    ':inner.zip it is a ZIP archive, but files in it are encrypted',
  ]);
});

test('reports a damaged directory of a ZIP archive as a gap', () => {
  const archive = zip([['a.crt', leaf.certificatePem]]);
  const end = archive.lastIndexOf(Buffer.from('504b0506', 'hex'));
  const damaged = Buffer.from(archive);
  damaged.writeUInt16LE(65_535, end + 8);
  expect(describeFound(damaged)).toEqual(['it is a ZIP archive, but its directory is damaged']);
});

test('reads the directory of a large ZIP archive (ZIP64)', () => {
  const archive = zip([['a.crt', leaf.certificatePem]]);
  const end = archive.lastIndexOf(Buffer.from('504b0506', 'hex'));
  const wide = Buffer.alloc(56);
  wide.writeUInt32LE(0x06064b50, 0);
  wide.writeUInt32LE(1, 32);
  wide.writeUInt32LE(archive.readUInt32LE(end + 16), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeUInt32LE(end, 8);
  const last = Buffer.from(archive.subarray(end));
  last.writeUInt16LE(65_535, 8);
  last.writeUInt32LE(0xffffffff, 16);
  const large = Buffer.concat([archive.subarray(0, end), wide, locator, last]);
  expect(describeFound(large)).toEqual([':a.crt leaf.test']);
  large.writeUInt32LE(large.length, end + 56 + 8);
  expect(describeFound(large)).toEqual(['it is a ZIP archive, but its directory is damaged']);
});

test.each([
  ['tar', tar],
  ['ZIP', zip],
])('compares a key in a %s archive with the certificate of the paired name in its folder', (_, pack) => {
  const files: Files = [
    ['a/other.crt', other.certificatePem],
    ['a/other.key', leaf.keyPem],
    ['b/leaf.crt', leaf.certificatePem],
    ['b/leaf.key', leaf.keyPem],
    ['c/leaf.crt', leaf.certificatePem],
    ['c/jwt.key', other.keyPem],
    ['leaf.crt', leaf.certificatePem],
    ['d/leaf.key', other.keyPem],
  ];
  expect(describeFound(pack(files))).toEqual([
    ':a/other.crt other.test false',
    ':b/leaf.crt leaf.test true',
    ':c/leaf.crt leaf.test',
    ':leaf.crt leaf.test',
  ]);
});

test('reports a file in an archive that is named like a certificate but contains none as a gap, whatever its extension', () => {
  const names = ['a.spc', 'a.ubr', 'ca.ca-bundle', 'cacerts', 'a.pkcs12', 'a.pem', 'a.txt', 'a.key'];
  expect(describeFound(tar(names.map((name) => [name, 'words'])))).toEqual(
    names.slice(0, -2).map((name) => `:${name} it contains no certificate`),
  );
});
