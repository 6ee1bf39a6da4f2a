import { expect, test } from 'vitest';
import { credhubConfig } from './config.ts';

const client = { id: 'wrench', secret: 'secret-of-wrench' };
const config = (more: object) =>
  credhubConfig.safeParse({ kind: 'credhub', url: 'https://10.0.0.6:8844/', auth: { client }, ...more });

test('allows nothing by default, and reads contents only if a result depends on them', () => {
  expect(config({}).data).toEqual({
    kind: 'credhub',
    name: 'credhub',
    url: 'https://10.0.0.6:8844',
    auth: { client },
    contents: 'needed',
    allow: {},
    timeoutMs: 30_000,
  });
});

test.each([
  ['/bosh/cf', '/bosh/cf'],
  ['bosh/cf/', '/bosh/cf'],
  ['/bosh/*', '/bosh'],
  ['/*', '/'],
  ['/', '/'],
])('accepts the prefix %s as %s', (path, normal) => {
  expect(config({ paths: [path] }).data?.paths).toEqual([normal]);
});

test.each([
  ['an address without TLS', { url: 'http://10.0.0.6:8844' }],
  ['an address with a path', { url: 'https://10.0.0.6:8844/api' }],
  ['a pattern in the middle', { paths: ['/bosh/*/ca'] }],
  ['no paths', { paths: [] }],
  ['two ways to log in', { auth: { client, clientCertificate: { cert: 'a', key: 'b' } } }],
  ['no login', { auth: {} }],
  ['an unknown permission', { allow: { delete: {} } }],
  ['an unknown policy for contents', { contents: 'always' }],
])('rejects %s', (_, more) => {
  expect(config(more).success).toBe(false);
});
