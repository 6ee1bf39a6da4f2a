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
