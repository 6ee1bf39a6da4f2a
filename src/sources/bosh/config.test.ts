import { expect, test } from 'vitest';
import { boshConfig } from './config.ts';

const LEAST = {
  kind: 'bosh',
  url: 'https://10.0.0.6:25555',
  auth: { client: { id: 'wrench', secret: 's' } },
};
const RESTART = { auth: { basic: { username: 'admin', password: 'p' } }, groups: ['doppler*'] };

test('the least that must be said', () => {
  expect(boshConfig.parse(LEAST)).toEqual({
    ...LEAST,
    name: 'bosh',
    timeoutMs: 10_000,
    taskSeconds: 60,
    actionSeconds: 900,
    allow: {},
  });
});

test('permission to restart lists the groups, and skips no drain scripts by default', () => {
  expect(boshConfig.parse({ ...LEAST, allow: { restart: RESTART } }).allow).toEqual({
    restart: { ...RESTART, skipDrain: [] },
  });
});

test('a slash at the end of an address is no part of it', () => {
  expect(boshConfig.parse({ ...LEAST, url: 'https://10.0.0.6:25555/' }).url).toBe('https://10.0.0.6:25555');
});

test.each([
  ['an address without TLS', { url: 'http://10.0.0.6:25555' }],
  ['an address with a password in it', { url: 'https://admin:hunter2@10.0.0.6:25555' }],
  ['no login', { auth: undefined }],
  ['two logins', { auth: { ...LEAST.auth, ...RESTART.auth } }],
  ['permission to restart without a second login', { allow: { restart: { groups: ['doppler*'] } } }],
  ['permission to restart nothing', { allow: { restart: { ...RESTART, groups: [] } } }],
  [
    'a group that is a regular expression',
    { allow: { restart: { ...RESTART, groups: ['(doppler|cell)'] } } },
  ],
  ['permission that a director does not have', { allow: { renew: {} } }],
  ['an empty list of deployments', { deployments: [] }],
  ['an unknown key', { deployment: 'cf' }],
])('%s is refused', (_, given) => {
  expect(boshConfig.safeParse({ ...LEAST, ...given }).success).toBe(false);
});

test('`act` of 0.6 is `allow.restart`', () => {
  const { groups, auth } = RESTART;

  expect(boshConfig.parse({ ...LEAST, act: { auth, restart: groups, skipDrain: ['cell'] } })).toEqual(
    boshConfig.parse({ ...LEAST, allow: { restart: { ...RESTART, skipDrain: ['cell'] } } }),
  );
});

test('`act` beside `allow` is an error, reported together with other mistakes', () => {
  const { auth } = RESTART;
  const given = { ...LEAST, timeoutMs: 0, act: { auth, restart: ['doppler*'] }, allow: {} };

  expect(boshConfig.safeParse(given).error?.issues.map(({ path }) => path.join('.'))).toEqual([
    'timeoutMs',
    'act',
  ]);
});
