import {
  assert,
  constantFrom,
  integer,
  ipV4,
  ipV4Extended,
  ipV6,
  nat,
  oneof,
  property,
  string,
  tuple,
} from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeAllowedHosts } from './allowed-hosts.ts';
import { parseReplicaPlace } from './place.ts';

const allows = (hosts: readonly string[], host: string, own: readonly string[] = []): boolean => {
  const place = parseReplicaPlace(host, 8080);
  return place !== undefined && makeAllowedHosts(hosts, new Set(own)).mayAsk(place.host);
};
const resolved = (
  hosts: readonly string[],
  name: string,
  addresses: readonly string[],
  own: readonly string[] = [],
): readonly string[] =>
  makeAllowedHosts(hosts, new Set(own))
    .addressesOf(
      name,
      addresses.map((address) => ({ address })),
    )
    .map(({ address }) => address);

describe('an address', () => {
  test.each([
    [['10.244.0.0/16'], '10.244.7.9', true],
    [['10.244.0.0/16'], '10.245.0.1', false],
    [['10.244.1.5/16'], '10.244.200.1', true],
    [['10.0.0.7'], '10.0.0.7', true],
    [['10.0.0.7'], '10.0.0.8', false],
    [['fd00::/8'], 'fd00::5', true],
    [['fd00::/8'], '[fd00::5]', true],
    [['10.0.0.0/8'], 'fd00::5', false],
    // The same IPv4 address in other forms.
    [['10.0.0.0/8'], '::ffff:10.0.0.5', true],
    [['10.0.0.0/8'], '::ffff:a00:5', true],
    [['10.0.0.0/8'], '167772165', true],
    [['10.0.0.0/8'], '0xa.0.0.5', true],
    [['10.0.0.0/8'], '012.0.0.5', true],
    [[], '10.0.0.1', false],
    [['*.apps.example'], '10.0.0.1', false],
  ])('with %j, %s: %s', (hosts, host, isAllowed) => {
    expect(allows(hosts, host)).toBe(isAllowed);
  });

  test.each([
    '127.0.0.1',
    '127.9.9.9',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '0.0.0.0',
    '0',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::127.0.0.1',
    '64:ff9b::169.254.169.254',
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    '0xa9fea9fe',
    'fe80::1',
    '168.63.129.16',
    '100.100.100.200',
    'fd00:ec2::254',
    'fd20:ce::254',
    '224.0.0.1',
    '255.255.255.255',
    'ff02::1',
  ])('%s is not allowed by a larger network', (host) => {
    expect(allows(['0.0.0.0/0', '::/0', '127.0.0.0/7', '169.0.0.0/8', 'fd00::/8'], host)).toBe(false);
  });

  test.each([
    [['127.0.0.0/8'], '127.0.0.1', true],
    [['127.0.0.1'], '::ffff:127.0.0.1', true],
    [['127.0.0.1'], '127.0.0.2', false],
    [['169.254.7.0/24'], '169.254.7.1', true],
    [['169.254.7.0/24'], '169.254.169.254', false],
    [['::1'], '::1', true],
    [['fe80::/10'], 'fe80::1', true],
  ])(
    'of this machine or its links is allowed by its own entry: with %j, %s: %s',
    (hosts, host, isAllowed) => {
      expect(allows(hosts, host)).toBe(isAllowed);
    },
  );

  test.each([
    'fe80::1%eth0',
    '10.0.0.1:80',
    'http://10.0.0.1',
    'a/b',
    '10.0.0.1@b',
    '',
    'a b',
    '10.0.0.1#',
    '%31%30.0.0.1',
  ])('%s is no host', (host) => {
    expect(parseReplicaPlace(host, 8080)).toBeUndefined();
  });

  test('in `addresses` is allowed by itself', () => {
    expect(allows([], '127.0.0.1', ['127.0.0.1'])).toBe(true);
    expect(allows([], '127.0.0.2', ['127.0.0.1'])).toBe(false);
  });
});

describe('a name', () => {
  test.each([
    [['*.apps.example'], 'api.apps.example', true],
    [['*.apps.example'], 'a.b.apps.example', true],
    [['*.apps.example'], 'API.Apps.Example.', true],
    [['*.apps.example'], 'apps.example', false],
    [['*.apps.example'], 'evil-apps.example', false],
    [['*.apps.example'], 'a.apps.example.evil.test', false],
    [['node-*.example'], 'node-7.example', true],
    [['node-*.example'], 'node-7.evil.example', false],
    [['node-b'], 'node-b', true],
    [['node-b'], 'node-bb', false],
    [['node.b'], 'nodexb', false],
    [['bücher.example'], 'xn--bcher-kva.example', true],
  ])('with %j, %s: %s', (hosts, host, isAllowed) => {
    expect(allows(hosts, host)).toBe(isAllowed);
  });

  test('is allowed by its addresses if networks are listed', () => {
    expect(allows(['10.0.0.0/8'], 'node-b')).toBe(true);
    expect(resolved(['10.0.0.0/8'], 'node-b', ['10.0.0.7', '192.168.0.7'])).toEqual(['10.0.0.7']);
    expect(resolved(['10.0.0.0/8'], 'node-b', ['192.168.0.7'])).toEqual([]);
  });

  test('that is listed may have any address but special ones', () => {
    const found = ['192.168.0.7', '127.0.0.1', '169.254.169.254', '::1', 'fd00::7'];

    expect(resolved(['node-b'], 'node-b', found)).toEqual(['192.168.0.7', 'fd00::7']);
    expect(resolved(['node-b', '127.0.0.1'], 'node-b', found)).toEqual([
      '192.168.0.7',
      '127.0.0.1',
      'fd00::7',
    ]);
    expect(resolved([], 'node-b', found, ['node-b'])).toEqual(['192.168.0.7', 'fd00::7']);
  });

  test('with a link-local address is not asked there, with a zone or without', () => {
    expect(resolved(['::/0', 'node-b'], 'node-b', ['fe80::1%eth0', 'fe80::1', 'fd00::1'])).toEqual([
      'fd00::1',
    ]);
  });

  test('`localhost` is this machine only in `addresses`', () => {
    const found = ['127.0.0.1', '::1', '169.254.169.254'];

    expect(resolved([], 'localhost', found, ['localhost'])).toEqual(['127.0.0.1', '::1']);
    expect(resolved(['localhost'], 'localhost', found)).toEqual([]);
  });
});

test('whatever the host looks like, only listed networks are allowed', () => {
  const { mayAsk } = makeAllowedHosts(['10.0.0.0/8'], new Set());
  const hosts = oneof(
    string(),
    ipV4(),
    ipV4Extended(),
    ipV6(),
    nat().map(String),
    tuple(constantFrom('::ffff:', '::', '64:ff9b::', '0x', '0'), ipV4()).map((parts) => parts.join('')),
  );

  assert(
    property(hosts, integer(), (host, port) => {
      const place = parseReplicaPlace(host, port);
      if (!place || !mayAsk(place.host)) return;
      // Names are decided by their addresses.
      const isName = /[a-z]/.test(place.host) && !place.host.includes(':');
      expect(isName || /^10\.|^::ffff:a[\da-f]{2}:/.test(place.host)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
