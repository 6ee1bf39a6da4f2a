import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../../test/world/ca.ts';
import { certificatesOf, replaceCertificate } from './replace-certificate.ts';

let authority: Authority;
let old: Issued;
let fresh: Issued;
beforeAll(async () => {
  authority = await makeAuthority({ name: 'ca' });
  old = await issue(authority, { name: 'leaf' });
  fresh = await issue(authority, { name: 'leaf', keys: old.keys });
});

function replaced(text: string): string | undefined {
  return replaceCertificate(text, old.x509, fresh.x509);
}

test('keeps everything around the old certificate unchanged', () => {
  const other = fc.constantFrom(
    authority.certificatePem,
    old.keyPem,
    '\n\n',
    '# a note\n',
    ' ',
    'key: |\n  x\n',
  );
  fc.assert(
    fc.property(fc.array(other), fc.array(other), (before, after) => {
      const around = (pem: string): string => [...before, pem, ...after].join('');
      expect(replaced(around(old.certificatePem))).toBe(around(fresh.certificatePem));
    }),
  );
});

test.each([
  ['CRLF', '\r\n'],
  ['an escaped `\\n`', String.raw`\n`],
  ['an indent', '\n    '],
  ['blanks', ' '],
])('keeps lines that are joined by %s', (_, end) => {
  const form = (pem: string): string => pem.trimEnd().replaceAll('\n', () => end);
  expect(replaced(`x: ${form(old.certificatePem)}${end}y`)).toBe(`x: ${form(fresh.certificatePem)}${end}y`);
});

test('replaces nothing if the old certificate is missing', () => {
  for (const text of ['', 'hunter2', authority.certificatePem, old.keyPem, old.certificatePem.slice(0, 200)])
    expect(replaced(text)).toBeUndefined();
});

test('returns certificates in order, and drops invalid ones', () => {
  const text = `${old.certificatePem}${old.keyPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${authority.certificatePem}`;
  expect(certificatesOf(text).map(({ fingerprint256 }) => fingerprint256)).toEqual([
    old.x509.fingerprint256,
    authority.x509.fingerprint256,
  ]);
  expect(certificatesOf(8443)).toEqual([]);
});
