import { X509Certificate } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { issue, type Issued, makeAuthority } from '../../test/world/ca.ts';
import { splitPem } from './pem.ts';

let leaf: Issued;
beforeAll(async () => {
  leaf = await issue(await makeAuthority({ name: 'Root' }), { name: 'leaf.test' });
});

/** What editors, environment files, YAML, JSON and chat do to PEM, in any order. */
const manglings: Record<string, (pem: string) => string> = {
  'lines end in CRLF': (pem) => pem.replaceAll('\n', '\r\n'),
  'lines end in CR alone': (pem) => pem.replaceAll('\n', '\r'),
  'it is indented in a YAML block': (pem) => pem.replaceAll(/^/gm, '    '),
  'it is indented with a tab': (pem) => pem.replaceAll(/^/gm, '\t'),
  'lines have trailing spaces': (pem) => pem.replaceAll('\n', '  \n'),
  'it is joined into one line with spaces': (pem) => pem.replaceAll('\n', ' '),
  'it is joined into one line without spaces': (pem) => pem.replaceAll('\n', ''),
  'line ends are escaped': (pem) => pem.replaceAll('\n', '\\n'),
  'line ends are escaped twice': (pem) => pem.replaceAll('\n', '\\\\n'),
  'CRLF is escaped': (pem) => pem.replaceAll('\n', '\\r\\n'),
  'slashes are escaped': (pem) => pem.replaceAll('/', '\\/'),
  'it begins with a byte order mark': (pem) => `\uFEFF${pem}`,
  'it has empty lines': (pem) => pem.replaceAll('\n', '\n\n'),
  'it is surrounded by words': (pem) => `subject=CN = x\n  Certificate: yes\n${pem}\nbye`,
  'it is in quotes': (pem) => `CERT="${pem}"`,
};

test.each(Object.entries(manglings))('reads PEM even if %s', (_, mangle) => {
  const { blocks, broken } = splitPem(mangle(leaf.certificatePem));
  expect(broken).toEqual([]);
  expect(blocks).toMatchObject([
    { label: 'CERTIFICATE', at: 1, text: leaf.certificatePem.trimEnd().concat('\n') },
  ]);
});

test('reads the same certificates after any sequence of changes', () => {
  const chains = fc.array(fc.constantFrom(...Object.keys(manglings)), { maxLength: 4 });
  fc.assert(
    fc.property(chains, fc.boolean(), (names, keyFirst) => {
      const bundle = (keyFirst ? leaf.keyPem : '') + leaf.certificatePem + leaf.certificatePem;
      const mangled = names.reduce((pem, name) => manglings[name]?.(pem) ?? pem, bundle);
      const read = splitPem(mangled).blocks.filter(({ label }) => label === 'CERTIFICATE');
      expect(read.map(({ text }) => new X509Certificate(text).fingerprint256)).toEqual([
        leaf.x509.fingerprint256,
        leaf.x509.fingerprint256,
      ]);
    }),
  );
});

test('never throws, and every block is PEM', () => {
  const pieces = fc.constantFrom(
    '-----BEGIN CERTIFICATE-----',
    '-----END CERTIFICATE-----',
    '-----BEGIN X-----',
    '-----',
    'MIIB',
    '=',
    '\\n',
    '\n',
    ':',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 20 }), (parts) => {
      for (const { text } of splitPem(parts.join('')).blocks)
        expect(text).toMatch(/^-----BEGIN [^\n]+-----\n[^]*\n-----END [^\n]+-----\n$/);
    }),
  );
});

test('reports a truncated block and reads the next one', () => {
  const cut = leaf.certificatePem.slice(0, 200);
  expect(splitPem(`${cut}\n${leaf.certificatePem}`)).toMatchObject({
    blocks: [{ at: 2 }],
    broken: [{ at: 1, because: 'it is truncated: another block begins before its END line' }],
  });
  expect(splitPem(cut).broken).toEqual([
    { label: 'CERTIFICATE', at: 1, because: 'it is truncated: its END line is missing' },
  ]);
});

test('reports a block with a different label at its end, or without base64, without quoting it', () => {
  const { broken } = splitPem(
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END X-----\n-----BEGIN CERTIFICATE-----\n<html>\n-----END CERTIFICATE-----',
  );
  expect(broken.map(({ because }) => because)).toEqual([
    'its BEGIN and END lines do not match',
    'its content is not base64',
  ]);
});

test('keeps the headers of an old encrypted key separate from its base64', () => {
  const key =
    '-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-256-CBC,00\r\n\r\nAAAA\r\n-----END RSA PRIVATE KEY-----';
  expect(splitPem(key).blocks[0]?.text).toBe(key.replaceAll('\r', '').concat('\n'));
});

test('reads ten thousand blocks, each with its number', () => {
  const { blocks } = splitPem('-----BEGIN A-----\nAAAA\n-----END A-----\n'.repeat(10_000));
  expect([blocks.length, blocks.at(-1)?.at]).toEqual([10_000, 10_000]);
});

test('reads a block of many megabytes without overflowing the stack', () => {
  const body = `${'A'.repeat(64)}\n`.repeat(200_000);
  const { blocks, broken } = splitPem(
    `-----BEGIN CERTIFICATE-----\n${body}-----END CERTIFICATE-----\n-----BEGIN X-----\n${body}!\n-----END X-----\n`,
  );
  expect(blocks.map(({ text }) => text.length)).toEqual([body.length + 54]);
  expect(broken).toHaveLength(1);
});
