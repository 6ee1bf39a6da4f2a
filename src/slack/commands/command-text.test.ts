import { expect, test } from 'vitest';
import { decodeCommandText } from './command-text.ts';

test.each([
  [
    'a bare host name made a link',
    'show <http://etcd-1.example.com|etcd-1.example.com>',
    'show etcd-1.example.com',
  ],
  [
    'a host and port made a link',
    'show <http://www.example.com:443|www.example.com:443>',
    'show www.example.com:443',
  ],
  ['an address as it was typed', 'show <https://www.example.com/>', 'show https://www.example.com/'],
  [
    'a link whose label says something else',
    'show <https://evil.example|www.example.com>',
    'show https://evil.example',
  ],
  ['an e-mail address', 'show <mailto:ops@example.com|ops@example.com>', 'show ops@example.com'],
  ['a person', 'show <@U0123ADA|ada>', 'show U0123ADA'],
  ['a private channel', 'show <#C0123SECRET|>', 'show C0123SECRET'],
  ['a broadcast', 'show <!channel>', 'show channel'],
  ['escaped characters', 'expiring --match a&amp;b&lt;c&gt;', 'expiring --match a&b<c>'],
  ['text that only looks like an entity', 'expiring --match &amp;lt;', 'expiring --match &lt;'],
  ['a hard space from a phone', 'expiring\u00a0--within\u00a030d', 'expiring --within 30d'],
])('decodes %s', (_, delivered, meant) => {
  expect(decodeCommandText(delivered)).toBe(meant);
});
