import { expect, test } from 'vitest';
import { etcdConfig } from './config.ts';

test('an endpoint is an address, or an address with a server name', () => {
  const named = { url: 'https://10.0.16.5:4001/', servername: 'etcd-z1-0.cf-etcd.service.cf.internal' };
  const { endpoints, ...rest } = etcdConfig.parse({
    kind: 'etcd',
    endpoints: ['https://etcd.example.com:2379/', named],
  });
  expect(endpoints).toEqual([
    { url: 'https://etcd.example.com:2379' },
    { ...named, url: 'https://10.0.16.5:4001' },
  ]);
  expect(rest).toEqual({
    kind: 'etcd',
    name: 'etcd',
    timeoutMs: 10_000,
    maxBytes: 64_000_000,
    allow: {},
  });
});

test.each([
  ['no endpoint', []],
  ['no address', ['etcd:2379']],
  ['a path, which etcd does not support', ['https://etcd:2379/v2/keys']],
  ['a password in the address', ['https://root:secret@etcd:2379']],
  ['an address as the server name', [{ url: 'https://10.0.0.1:4001', servername: '10.0.0.1' }]],
])('rejects %s', (_, endpoints) => {
  expect(etcdConfig.safeParse({ kind: 'etcd', endpoints }).success).toBe(false);
});

test('reads `maintain` of 0.6 as `allow.maintain`, and `false` as no permission', () => {
  const parse = (more: object) =>
    etcdConfig.safeParse({ kind: 'etcd', endpoints: ['https://etcd:2379'], ...more });

  expect(parse({ maintain: true })).toEqual(parse({ allow: { maintain: true } }));
  expect(parse({ maintain: false })).toEqual(parse({}));
  expect(parse({ maintain: false, allow: { maintain: true } }).error?.issues).toMatchObject([
    { path: ['maintain'], message: 'was replaced by `allow`, and both are set. Remove `maintain`' },
  ]);
});
