import { expect, test } from 'vitest';
import { tlsConfig } from './config.ts';

test.each([
  ['www.example.com', 'www.example.com:443', 'www.example.com'],
  ['WWW.Example.COM.:8443', 'www.example.com:8443', 'www.example.com'],
  ['bücher.example:443', 'xn--bcher-kva.example:443', 'xn--bcher-kva.example'],
  ['https://www.example.com/', 'www.example.com:443', 'www.example.com'],
  ['10.0.0.5:8443', '10.0.0.5:8443', undefined],
  ['cell.service.internal@10.0.0.5:8443', 'cell.service.internal@10.0.0.5:8443', 'cell.service.internal'],
  ['[2001:DB8::1]:8443', '[2001:db8::1]:8443', undefined],
  ['2001:db8::1', '[2001:db8::1]:443', undefined],
  ['smtp://mail.example.com', 'smtp://mail.example.com:25', 'mail.example.com'],
  ['smtp://mail.example.com:587', 'smtp://mail.example.com:587', 'mail.example.com'],
  ['ldaps://ldap.example.com', 'ldap.example.com:636', 'ldap.example.com'],
  ['postgresql://db_1.internal', 'postgres://db_1.internal:5432', 'db_1.internal'],
])('parses %s as %s', (written, label, servername) => {
  const [site] = tlsConfig.parse({ kind: 'tls', sites: [written] }).sites;

  expect([site?.label, site?.servername]).toEqual([label, servername]);
});

test('the label of a site can be parsed as a site again', () => {
  const sites = ['a@10.0.0.5:1', 'imap://b@[2001:db8::1]:2', 'c:3', 'mysql://d:4'];
  const labels = (sites: string[]) => tlsConfig.parse({ kind: 'tls', sites }).sites.map(({ label }) => label);

  expect(labels(labels(sites))).toEqual(labels(sites));
});

test('a site without a port has the default port of its protocol', () => {
  const sites = [
    { host: '10.0.0.5', starttls: 'ldap' as const, servername: 'ldap.internal' },
    { host: 'x.example' },
  ];

  expect(tlsConfig.parse({ kind: 'tls', sites }).sites.map(({ label }) => label)).toEqual([
    'ldap://ldap.internal@10.0.0.5:389',
    'x.example:443',
  ]);
});

test('a site may have the instance that serves it, which is not part of its label', () => {
  const sites = [{ host: '10.0.32.21', port: 1801, instance: 'diego-cell/1b' }];

  expect(tlsConfig.parse({ kind: 'tls', sites }).sites).toEqual([
    { label: '10.0.32.21:1801', host: '10.0.32.21', port: 1801, instance: 'diego-cell/1b' },
  ]);
});

test.each([
  ['www.example.com:https', /has no valid host and port: write `host:port`/],
  ['www.example.com:0', /has no port between 1 and 65535/],
  ['www.example.com:70000', /has no port between 1 and 65535/],
  ['gopher://x', /unknown protocol\. Available: https, /],
  ['https://x/path', /is not a site: write `host:port`/],
  ['<!channel>', /is neither a host name nor an IP address/],
  ['a b:443', /is neither a host name nor an IP address/],
  ['10.0.0.5@www.example.com', /is not a valid server name: SNI needs a host name/],
  ['', /is not a site/],
  ['x'.repeat(10_000), /is neither a host name nor an IP address/],
])('rejects %s: %s', (written, message) => {
  const { error } = tlsConfig.safeParse({ kind: 'tls', sites: ['ok:1', written] });

  expect(error?.issues).toMatchObject([{ path: ['sites', 1], message: expect.stringMatching(message) }]);
  expect(error?.issues[0]?.message.length).toBeLessThan(300);
});

test('rejects a source without sites, and unknown keys', () => {
  expect(tlsConfig.safeParse({ kind: 'tls' }).error?.issues).toMatchObject([
    { path: ['sites'], message: 'needs `sites` or a `sitesFile`' },
  ]);
  expect(tlsConfig.safeParse({ kind: 'tls', sites: ['x'], site: 1 }).error?.issues).toMatchObject([
    { code: 'unrecognized_keys', keys: ['site'] },
  ]);
});
