import { expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { certificate, inVault, live } from './builders.ts';
import { matcherFor } from './match.ts';

const dates = { from: '2026-01-01', until: '2027-01-01' };
const locket = inVault('bbs/locket/tls', { name: 'locket.service.cf.internal', ...dates });
const locketBehindAddress = live('10.0.4.12:8891', [
  certificate({ name: 'locket.service.cf.internal', ...dates }),
]);
const www = live('www.example.com:443', [certificate({ name: 'www.example.com', ...dates })]);

const STORES = {
  tls: { role: 'served' },
  files: { role: 'stored', storedIn: 'files' },
  vault: { role: 'stored', storedIn: 'secrets' },
} as const;
type Kind = keyof typeof STORES;

const SILENT = 'no response within 4 s';

function unseen(place: string, message = SILENT): ports.UnseenPlace {
  return { kind: 'unseen', place, error: new SourceError('x', 'unreachable', message) };
}

/** Whether an unread place is unrelated to `pattern` if `seen` was read. */
function isUnrelated(
  pattern: string,
  seen: readonly ports.SeenPlace[],
  kind: Kind,
  gap: ports.UnseenPlace,
): boolean {
  const matcher = matcherFor(pattern);
  for (const one of seen) matcher.matches(one);
  matcher.noteUnread(STORES[kind], gap);
  return matcher.unread()[0]?.isUnrelated ?? false;
}

test.each<readonly [string, Kind, string, string]>([
  ['locket', 'tls', 'edge:shop.example.com:443', SILENT],
  ['locket', 'tls', 'edge:shop.example.com:443 (203.0.113.7)', SILENT],
  ['locket', 'tls', 'edge:shop.example.com:443 (203.0.113.7) (RSA)', SILENT],
  ['locket', 'tls', 'edge:shop.example.com:443 (RSA or EdDSA)', SILENT],
  ['locket', 'tls', 'edge:smtp://mail.example.com:25', SILENT],
  ['locket', 'tls', 'edge:cell.internal@10.0.0.5:8443', SILENT],
  ['secret/*/locket', 'files', 'disk:/etc/haproxy/shop.pem', SILENT],
  ['locket', 'files', 'disk:/etc/haproxy/call-centre.CRT', SILENT],
  ['locket', 'files', 'disk:/etc/certs/shop.key', SILENT],
  ['locket', 'files', 'disk:/etc/ca/shop.pem', SILENT],
  ['locket', 'vault', 'vault:secret/shop/tls', 'the token lacks `read` on secret/data/shop/tls'],
  ['locket', 'vault', 'vault:secret/shop/tls:certificate', 'it cannot be parsed'],
])('with --match %s, which matches places, %s %s is unrelated', (pattern, kind, place, message) => {
  expect(isUnrelated(pattern, [locket, www], kind, unseen(place, message))).toBe(true);
});

test.each<readonly [string, Kind, string, string]>([
  ['it matches', 'tls', 'edge:locket.example.com:8891', SILENT],
  ['an address may serve any name', 'tls', 'edge:10.0.4.12:8891', SILENT],
  ['an address may serve any name', 'tls', 'edge:[fd00::1]:8891', SILENT],
  ['it affects the chains of all sites', 'tls', 'edge:trust /etc/wrench/ca.pem', SILENT],
  ['it is a list of sites', 'tls', 'edge:/etc/wrench/sites.txt', SILENT],
  ['it is a line of a list', 'tls', 'edge:/etc/wrench/sites.txt line 3', SILENT],
  ['it may be a folder', 'files', 'disk:/etc/letsencrypt/live/www.example.com', SILENT],
  ['it may be a folder', 'files', 'disk:/etc/ssl/private', SILENT],
  ['it may contain many', 'files', 'disk:/etc/haproxy/shop.pem#2', SILENT],
  ...[
    'platform.p12',
    'shop.pfx',
    'shop.jks',
    'shop.p7b',
    'shop.p7c',
    'shop.yaml',
    'vars.yml',
    'shop.json',
    'shop.tar',
  ].map((file) => ['it may contain many', 'files', `disk:/etc/ssl/${file}`, SILENT] as const),
  ...[
    'ca-bundle.crt',
    'fullchain.pem',
    'all.pem',
    'shop_all.pem',
    'certs.pem',
    'ca.crt',
    'ca-2.pem',
    'roots.cer',
    'truststore.pem',
  ].map((file) => ['it may contain many', 'files', `disk:/etc/ssl/${file}`, SILENT] as const),
  [
    'it may contain many',
    'files',
    'disk:/etc/shop.pem',
    'it is larger than 1 MB (maxFileBytes), and was not read',
  ],
  ['it is a pattern', 'files', 'disk:/etc/ssl/*.pem', SILENT],
  ['it is a folder', 'vault', 'vault:secret/shop/', 'the token lacks `list` on secret/metadata/shop'],
  [
    'it may be a folder',
    'vault',
    'vault:secret/cf/apps',
    'stopped: the rest of secret/cf/apps was not checked',
  ],
  [
    'it may be a folder',
    'vault',
    'vault:secret/cf/apps',
    'the token lacks `list` on secret/metadata/cf/apps',
  ],
])('because %s, %s %s is related', (_, kind, place, message) => {
  expect(isUnrelated('locket', [locket, www], kind, unseen(place, message))).toBe(false);
});

test('a pattern that finds a certificate by its name alone may find another behind any unread place', () => {
  const gap = unseen('edge:shop.example.com:443');
  expect(isUnrelated('locket', [locket], 'tls', gap)).toBe(true);
  expect(isUnrelated('locket', [locket, locketBehindAddress], 'tls', gap)).toBe(false);
});

test('if a pattern matches no place that was read, every gap is related', () => {
  expect(isUnrelated('locket', [www], 'tls', unseen('edge:shop.example.com:443'))).toBe(false);
});

test('a root that is not served is found by its name', () => {
  const [leaf] = www.chain;
  const root = certificate({ name: 'R7 Root', issuer: 'R7 Root', authority: true, ...dates });
  const { matches } = matcherFor('r7 root');
  expect(matches(www)).toBe(false);
  expect(matches({ ...www, path: [leaf, root] })).toBe(true);
});
