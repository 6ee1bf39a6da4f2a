import { X509Certificate } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { issue, type Issued, makeAuthority } from '../../test/world/ca.ts';
import { splitPem } from './pem.ts';

let leaf: Issued;
beforeAll(async () => {
  leaf = await issue(await makeAuthority({ name: 'Root' }), { name: 'leaf.test' });
});

/** What editors, environment files, YAML, JSON and chat do to PEM; any of these may follow any other. */
const manglings: Record<string, (pem: string) => string> = {
  'CRLF ends lines': (pem) => pem.replaceAll('\n', '\r\n'),
  'CR alone ends lines': (pem) => pem.replaceAll('\n', '\r'),
  'a YAML block indents it': (pem) => pem.replaceAll(/^/gm, '    '),
  'a tab indents it': (pem) => pem.replaceAll(/^/gm, '\t'),
  'spaces trail': (pem) => pem.replaceAll('\n', '  \n'),
  'it is joined to one line by spaces': (pem) => pem.replaceAll('\n', ' '),
  'it is joined to one line by nothing': (pem) => pem.replaceAll('\n', ''),
  'line ends are written out': (pem) => pem.replaceAll('\n', '\\n'),
  'line ends are written out twice': (pem) => pem.replaceAll('\n', '\\\\n'),
  'CRLF is written out': (pem) => pem.replaceAll('\n', '\\r\\n'),
  'slashes are escaped': (pem) => pem.replaceAll('/', '\\/'),
  'a byte order mark begins it': (pem) => `\uFEFF${pem}`,
  'empty lines are between': (pem) => pem.replaceAll('\n', '\n\n'),
  'words are around it': (pem) => `subject=CN = x\n  Certificate: yes\n${pem}\nbye`,
  'quotes are around it': (pem) => `CERT="${pem}"`,
};

test.each(Object.entries(manglings))('read although %s', (_, mangle) => {
  const { blocks, broken } = splitPem(mangle(leaf.certificatePem));
  expect(broken).toEqual([]);
  expect(blocks).toMatchObject([
    { label: 'CERTIFICATE', at: 1, text: leaf.certificatePem.trimEnd().concat('\n') },
  ]);
});

test('whatever happens to PEM one after the other, the same certificates are read', () => {
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

test('no text makes it throw, and every block it gives is PEM', () => {
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

test('a block that is cut short is reported, and the next one is read', () => {
  const cut = leaf.certificatePem.slice(0, 200);
  expect(splitPem(`${cut}\n${leaf.certificatePem}`)).toMatchObject({
    blocks: [{ at: 2 }],
    broken: [{ at: 1, because: 'it is cut short: another block begins before its END line' }],
  });
  expect(splitPem(cut).broken).toEqual([
    { label: 'CERTIFICATE', at: 1, because: 'it is cut short: its END line is missing' },
  ]);
});

test('a block with another label at its end, or without base64, is reported without quoting it', () => {
  const { broken } = splitPem(
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END X-----\n-----BEGIN CERTIFICATE-----\n<html>\n-----END CERTIFICATE-----',
  );
  expect(broken.map(({ because }) => because)).toEqual([
    'its BEGIN and END lines name different things',
    'what it holds is not base64',
  ]);
});

test('headers of an old encrypted key stay apart from its base64', () => {
  const key =
    '-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-256-CBC,00\r\n\r\nAAAA\r\n-----END RSA PRIVATE KEY-----';
  expect(splitPem(key).blocks[0]?.text).toBe(key.replaceAll('\r', '').concat('\n'));
});

test('ten thousand blocks are read, each with its number', () => {
  const { blocks } = splitPem('-----BEGIN A-----\nAAAA\n-----END A-----\n'.repeat(10_000));
  expect([blocks.length, blocks.at(-1)?.at]).toEqual([10_000, 10_000]);
});

test('a block of many megabytes is read without overflowing the stack', () => {
  const body = `${'A'.repeat(64)}\n`.repeat(200_000);
  const { blocks, broken } = splitPem(
    `-----BEGIN CERTIFICATE-----\n${body}-----END CERTIFICATE-----\n-----BEGIN X-----\n${body}!\n-----END X-----\n`,
  );
  expect(blocks.map(({ text }) => text.length)).toEqual([body.length + 54]);
  expect(broken).toHaveLength(1);
});
