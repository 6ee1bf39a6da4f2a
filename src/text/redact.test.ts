import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRedact, redactAll } from './redact.ts';

// Concatenated, so that secret scanners don't report them.
const slackToken = ['xoxb', '1234567890', 'CANARYcanary'].join('-');

test.each([
  ['-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----', '[private key]'],
  ['-----BEGIN EC PRIVATE KEY-----\nCANARY and it never ends', '[private key]'],
  [
    'a\n-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n-----END OPENSSH PRIVATE KEY-----\nb',
    'a\n[private key]\nb',
  ],
  [`token ${slackToken} refused`, 'token [slack token] refused'],
  ['hvs.CAESICANARYCANARY and more', '[vault token] and more'],
  [`s.${'CANARY'.repeat(4)}`, '[vault token]'],
  ['https://admin:CANARY@vault.example.com/x', 'https://[credentials]@vault.example.com/x'],
  ['redis://:CANARY@10.0.0.1:6379', 'redis://[credentials]@10.0.0.1:6379'],
  ['Authorization: Bearer CANARYCANARY', 'Authorization: Bearer [redacted]'],
  [['eyJhbGciOiJub25lIn0', 'eyJjYW5hcnkiOjF9', 'CANARY'].join('.'), '[jwt]'],
])('%j is redacted to %j', (text, shown) => {
  expect(makeRedact()(text)).toBe(shown);
});

test('ordinary names, places and times are not redacted', () => {
  const redact = makeRedact();
  for (const text of [
    'vault:secret/cf/bbs/locket/tls:certificate',
    'https://vault.example.com:8200/v1/sys/health',
    'edge:www.example.com:443',
    'a1b2c3d4e5f6'.repeat(5),
    '-----BEGIN CERTIFICATE-----',
    'basic constraints say CA',
  ])
    expect(redact(text)).toBe(text);
});

test('the longer of two secrets is redacted first, so that no part of it stays', () => {
  expect(makeRedact(['secret1', 'secret1-and-tail'])('x secret1-and-tail y')).toBe('x [secret] y');
});

test('a very short secret is not redacted, because it would match ordinary text', () => {
  expect(makeRedact(['a', 'prod'])('a prod word')).toBe('a prod word');
});

test('a known secret is redacted anywhere in plain data', () => {
  const secret = 'canary$^.*+?()[]{}|\\';
  const redact = makeRedact([secret]);
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), fc.string(), (value, before, after) => {
      const planted = redactAll(
        { value, list: [before + secret + after, { deep: secret }], n: 1, no: null },
        redact,
      );
      expect(JSON.stringify(planted)).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(planted.n).toBe(1);
      expect(planted.no).toBeNull();
    }),
  );
});

const keys = [
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  generateKeyPairSync('ed25519'),
].map(({ privateKey }) => privateKey);
const encrypted = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
const pems = keys
  .flatMap((key) => [
    key.export({ type: 'pkcs8', format: 'pem' }),
    key.export({ type: 'pkcs8', ...encrypted }),
    ...(key.asymmetricKeyType === 'rsa' ? [key.export({ type: 'pkcs1', format: 'pem' })] : []),
    ...(key.asymmetricKeyType === 'ec' ? [key.export({ type: 'sec1', format: 'pem' })] : []),
  ])
  .map(String);
const bodyOf = (pem: string): string => pem.replaceAll(/-----[^-]+-----\n/g, '');

test.each([
  ['in one line', (pem: string) => pem.replaceAll('\n', ' ')],
  ['in JSON', (pem: string) => JSON.stringify({ message: pem })],
  ['with replaced line breaks', (pem: string) => pem.replaceAll('\n', '\uFFFD')],
  ['cut off', (pem: string) => pem.slice(0, -60)],
  ['without its beginning', (pem: string) => pem.slice(40)],
  ['without BEGIN and END', bodyOf],
  ['without BEGIN and END, in JSON', (pem: string) => JSON.stringify({ message: `key\n${bodyOf(pem)}` })],
  ['without BEGIN and END, in one line', (pem: string) => bodyOf(pem).replaceAll('\n', '')],
  [
    'without BEGIN and END, in base64 for URLs',
    (pem: string) => Buffer.from(bodyOf(pem), 'base64').toString('base64url'),
  ],
  ['with the label of a certificate', (pem: string) => pem.replaceAll('PRIVATE KEY', 'CERTIFICATE')],
  ['in base64', (pem: string) => Buffer.from(pem).toString('base64')],
  ['in base64, after something', (pem: string) => Buffer.from(`a ${pem}`).toString('base64')],
])('a private key of any format is redacted: %s', (_, write) => {
  const redact = makeRedact();
  for (const pem of pems) {
    const shown = redact(`it failed: ${write(pem)}`);
    const body = write(pem)
      .replaceAll(/-----[^-]+-----|\\n/g, '')
      .match(/[A-Za-z0-9+/_-]{24,}/g);
    expect(body?.filter((line) => shown.includes(line.slice(0, 24)))).toEqual([]);
    expect(shown).toContain('it failed');
  }
});

test('a private JSON Web Key is redacted, and its public part stays', () => {
  const jwk = keys[0]!.export({ format: 'jwk' });
  const shown = makeRedact()(JSON.stringify({ message: JSON.stringify(jwk) }));

  for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) expect(shown).not.toContain(jwk[part]);
  expect(shown).toContain(jwk.n);
});

test('public keys and long texts stay, and are searched in no time', () => {
  const redact = makeRedact();
  const publicPem = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
  for (const text of [publicPem, 'A'.repeat(3_000_000), 'MIIE '.repeat(300_000), 'a\n'.repeat(1_000_000)])
    expect(redact(text)).toBe(text);
});
