import { expect, test } from 'vitest';
import { boshConfig } from './config.ts';

const LEAST = {
  kind: 'bosh',
  url: 'https://10.0.0.6:25555',
  auth: { client: { id: 'wrench', secret: 's' } },
};
const RESTART = { auth: { basic: { username: 'admin', password: 'p' } }, groups: ['doppler*'] };

test('accepts the minimal configuration', () => {
  expect(boshConfig.parse(LEAST)).toEqual({
    ...LEAST,
    name: 'bosh',
    timeoutMs: 10_000,
    taskSeconds: 60,
    actionSeconds: 900,
    allow: {},
  });
});

test('`allow.restart` lists the groups, and runs drain scripts by default', () => {
  expect(boshConfig.parse({ ...LEAST, allow: { restart: RESTART } }).allow).toEqual({
    restart: { ...RESTART, skipDrain: [] },
  });
});

test('removes a trailing slash from addresses', () => {
  expect(boshConfig.parse({ ...LEAST, url: 'https://10.0.0.6:25555/' }).url).toBe('https://10.0.0.6:25555');
});

test.each([
  ['an address without TLS', { url: 'http://10.0.0.6:25555' }],
  ['an address with a password in it', { url: 'https://admin:hunter2@10.0.0.6:25555' }],
  ['no login', { auth: undefined }],
  ['two logins', { auth: { ...LEAST.auth, ...RESTART.auth } }],
  ['`allow.restart` without its own login', { allow: { restart: { groups: ['doppler*'] } } }],
  ['`allow.restart` without groups', { allow: { restart: { ...RESTART, groups: [] } } }],
  [
    'a group that is a regular expression',
    { allow: { restart: { ...RESTART, groups: ['(doppler|cell)'] } } },
  ],
  ['a permission that directors do not have', { allow: { renew: {} } }],
  ['an empty list of deployments', { deployments: [] }],
  ['an unknown key', { deployment: 'cf' }],
])('rejects %s', (_, given) => {
  expect(boshConfig.safeParse({ ...LEAST, ...given }).success).toBe(false);
});

test('reads `act` of 0.6 as `allow.restart`', () => {
  const { groups, auth } = RESTART;

  expect(boshConfig.parse({ ...LEAST, act: { auth, restart: groups, skipDrain: ['cell'] } })).toEqual(
    boshConfig.parse({ ...LEAST, allow: { restart: { ...RESTART, skipDrain: ['cell'] } } }),
  );
});

test('`act` together with `allow` is an error, reported together with other mistakes', () => {
  const { auth } = RESTART;
  const given = { ...LEAST, timeoutMs: 0, act: { auth, restart: ['doppler*'] }, allow: {} };

  expect(boshConfig.safeParse(given).error?.issues.map(({ path }) => path.join('.'))).toEqual([
    'timeoutMs',
    'act',
  ]);
});
