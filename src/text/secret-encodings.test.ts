import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRedact } from './redact.ts';
import { secretEncodings } from './secret-encodings.ts';

const secret = 'Pa55+word/&<"ö';
const redact = makeRedact(secretEncodings(secret));

test.each([
  ['plain', secret],
  ['JSON', JSON.stringify({ a: secret })],
  ['XML', 'Pa55+word/&amp;&lt;&quot;ö'],
  ['a URL', `?a=${encodeURIComponent(secret)}`],
  ['hexadecimal', Buffer.from(secret).toString('hex')],
  ['base64', Buffer.from(secret).toString('base64')],
  ['text that was read as ISO 8859-1', Buffer.from(secret).toString('latin1')],
])('a secret is recognized in %s', (_, text) => {
  expect(redact(text)).toContain('[secret]');
});

test('a secret is recognized anywhere inside longer base64', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom('base64' as const, 'base64url' as const),
      (before, after, encoding) => {
        const text = Buffer.concat([before, Buffer.from(secret), after]).toString(encoding);
        expect(redact(text)).toContain('[secret]');
      },
    ),
  );
});
