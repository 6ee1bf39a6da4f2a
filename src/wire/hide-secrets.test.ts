import { beforeAll, expect, test } from 'vitest';
import { issue, type Issued, makeAuthority } from '../../test/world/ca.ts';
import { makeRedactWhole } from '../text/redact.ts';
import { makeHideSecrets } from './hide-secrets.ts';

const { inText, inJson } = makeHideSecrets(makeRedactWhole(['known-secret']));
/** A value that only its context shows to be a secret. */
const SECRET = 'correct-horse-battery';

let leaf: Issued;
beforeAll(async () => {
  leaf = await issue(await makeAuthority({ name: 'Root' }), { name: 'leaf.test' });
});

test.each([
  ['a known secret', 'it is known-secret', 'it is [secret]'],
  ['an assignment', 'password=x1 user=y', 'password=[redacted] user=y'],
  ['a value of two words', 'password: "a b", c', 'password: "[redacted]", c'],
  [
    'a value with escaped quotes',
    String.raw`{\"password\": \"a b\"`,
    String.raw`{\"password\": \"[redacted]\"`,
  ],
  ['a header', 'x\nSet-Cookie: sid=1; Path=/\ny', 'x\nSet-Cookie: [redacted]\ny'],
  ['a login', 'authorization: Digest user="a", response="b"', 'authorization: [redacted]'],
  [
    'a name in XML',
    '<a><password>x</password><b>y</b></a>',
    '<a><password>[redacted]</password><b>y</b></a>',
  ],
  ['a query', 'GET /x?token=abc&wait=1', 'GET /x?token=[redacted]&wait=1'],
  ['JSON', '{"a":{"client_secret":"x"},"b":1}', '{"a":{"client_secret":"[redacted]"},"b":1}'],
  ['JSON in text', 'said {"apiKey":"x"} twice', 'said {"apiKey":"[redacted]"} twice'],
  ['lines of JSON', '{"a":1}\n{"token":"x"}\n{"b', '{"a":1}\n{"token":"[redacted]"}\n{"b'],
])('redacts %s', (_, text, hidden) => {
  expect(inText(text)).toBe(hidden);
  expect(inText(hidden)).toBe(hidden);
});

test('redacts values by their name and keeps the structure', () => {
  expect(
    inJson({
      password: ['a', 1, '', null, true],
      env: [
        { name: 'DB_PASSWORD', value: 'a' },
        { name: 'HOME', value: '/root' },
      ],
      node: { key: '/cf/uaa/token', value: 'a' },
      jwk: { kty: 'EC', crv: 'P-256', x: 'b', d: 'a' },
      credentials: { user: 'a' },
    }),
  ).toEqual({
    password: ['[redacted]', '[redacted]', '', null, true],
    env: [
      { name: 'DB_PASSWORD', value: '[redacted]' },
      { name: 'HOME', value: '/root' },
    ],
    node: { key: '/cf/uaa/token', value: '[redacted]' },
    jwk: { kty: 'EC', crv: 'P-256', x: 'b', d: '[redacted]' },
    credentials: { user: '[redacted]' },
  });
});

test('keeps a certificate and redacts the key next to it', () => {
  const { certificatePem, keyPem, der } = leaf;
  expect(inText(`${certificatePem}${keyPem}${certificatePem}`)).toBe(
    `${certificatePem}[private key]\n${certificatePem}`,
  );
  expect(inText(der.toString('base64'))).toBe(der.toString('base64'));
  expect(inText(der.toString('hex'))).toBe(der.toString('hex'));
});

test('redacts a key after a certificate in the same PEM block', () => {
  const key = Buffer.from(leaf.keyPem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const body = Buffer.concat([leaf.der, key]).toString('base64');
  const hidden = inText(`-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
  expect(hidden).toMatch(/^-----BEGIN \[redacted\](\n-----END)? CERTIFICATE-----\n$/);
});

test.each([
  ['ids and paths', '/doppler/meta/z2/doppler_z2/0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['a hash', 'a3b1c2d4'.repeat(8)],
  ['base64 of words', Buffer.from('an ordinary value that is long enough for a key').toString('base64')],
  ['words about secrets', 'the token is invalid, and so is the password'],
  ['a public key', 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE='],
  ['a percent sign', '98% of 100%25'],
])('does not redact %s', (_, text) => {
  expect(inText(text)).toBe(text);
  expect(inJson({ text: [text] })).toEqual({ text: [text] });
});

test.each([
  ['a block of YAML', `password: |\n  ${SECRET}\n`],
  ['an abbreviation', `DB_PASS=${SECRET} MYSQL_PWD=${SECRET}`],
  ['a kind of key', `secret_key: ${SECRET}\nunseal-key=${SECRET}`],
  ['an arrow', `password => "${SECRET}"`],
  ['a flag', `--db-password ${SECRET} --verbose`],
  ['a quoted value with an escaped quote', String.raw`password="a\"b ${SECRET}"`],
])('redacts %s', (_, text) => {
  expect(inText(text)).not.toContain(SECRET);
});

test('reads the name of a pair in any case, and in the base64 of etcd', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  expect(
    inJson([
      { Key: 'a/password', Value: SECRET },
      { name: 'API_KEY', values: [SECRET] },
      { key: base64('/cf/uaa/password'), value: base64(SECRET) },
    ]),
  ).toEqual([
    { Key: 'a/password', Value: '[redacted]' },
    { name: 'API_KEY', values: ['[redacted]'] },
    { key: base64('/cf/uaa/password'), value: '[redacted]' },
  ]);
});

test.each([
  'bypass: true',
  'pass the salt',
  'encompass=1',
  'the primary-key: id',
  'GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}',
  'login --password ${{ secrets.PASSWORD }}',
])('keeps %s', (text) => {
  expect(inText(text)).toBe(text);
});
