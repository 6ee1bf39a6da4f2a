import { expect, test } from 'vitest';
import { vaultConfig } from './config.ts';

const LEAST = {
  kind: 'vault',
  url: 'https://vault.example.com:8200',
  paths: ['secret/cf'],
  auth: { token: 'hvs.x' },
};

test('accepts the minimal configuration', () => {
  expect(vaultConfig.parse(LEAST)).toEqual({
    ...LEAST,
    name: 'vault',
    only: 'any',
    concurrency: 10,
    timeoutMs: 10_000,
    allow: {},
  });
});

test('reads `renew` of 0.6 as `allow.renew`', () => {
  for (const renew of [{}, { paths: ['/secret/cf/'], auth: { token: 'hvs.y' } }])
    expect(vaultConfig.parse({ ...LEAST, renew })).toEqual(vaultConfig.parse({ ...LEAST, allow: { renew } }));
  expect(vaultConfig.safeParse({ ...LEAST, renew: {}, allow: { renew: {} } }).error?.issues).toMatchObject([
    { path: ['renew'], message: 'was replaced by `allow`, and both are set. Remove `renew`' },
  ]);
});

test.each([
  ['removes slashes around paths', { paths: ['/secret/cf/'] }, { paths: ['secret/cf'] }],
  ['removes a line break after a token', { auth: { token: 'hvs.x\n' } }, { auth: { token: 'hvs.x' } }],
  [
    'a login has its default mount',
    { auth: { appRole: { roleId: 'r', secretId: 's' } } },
    { auth: { appRole: { roleId: 'r', secretId: 's', mount: 'approle' } } },
  ],
])('%s', (_, given, taken) => {
  expect(vaultConfig.parse({ ...LEAST, ...given })).toMatchObject(taken);
});

test('accepts a PKI without secrets, and roles that issue', () => {
  const { paths: _, ...rest } = LEAST;
  expect(vaultConfig.parse({ ...rest, pki: ['/pki_int/'] })).toMatchObject({ paths: [], pki: ['pki_int'] });
  const issue = [{ paths: ['kv/edge'], role: '/team/pki/edge' }];
  expect(vaultConfig.parse({ ...LEAST, allow: { renew: { issue } } })).toMatchObject({
    allow: { renew: { issue: [{ role: 'team/pki/edge', alsoFromOthers: false }] } },
  });
  expect(vaultConfig.safeParse(rest).error?.issues).toMatchObject([
    { path: ['paths'], message: 'is required, or `pki`' },
  ]);
});

test.each([
  ['an address with a password in it', { url: 'https://admin:hunter2@vault:8200' }],
  ['an address with another scheme', { url: 'ftp://vault' }],
  ['no path', { paths: [] }],
  ['a path of slashes only', { paths: ['/'] }],
  ['two logins', { auth: { token: 'x', appRole: { roleId: 'r', secretId: 's' } } }],
  ['a role without its mount', { allow: { renew: { issue: [{ paths: ['kv'], role: 'edge' }] } } }],
  ['an unknown key', { pahts: ['secret'] }],
])('rejects %s', (_, given) => {
  expect(vaultConfig.safeParse({ ...LEAST, ...given }).success).toBe(false);
});
