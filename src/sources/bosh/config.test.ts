import { expect, test } from 'vitest';
import { boshConfig } from './config.ts';

const LEAST = {
  kind: 'bosh',
  url: 'https://10.0.0.6:25555',
  auth: { client: { id: 'wrench', secret: 's' } },
};
const ACT = { auth: { basic: { username: 'admin', password: 'p' } }, restart: ['doppler*'] };

test('the least that must be said', () => {
  expect(boshConfig.parse(LEAST)).toEqual({
    ...LEAST,
    name: 'bosh',
    timeoutMs: 10_000,
    taskSeconds: 60,
    actionSeconds: 900,
  });
});

test('permission to act names the groups, and skips no drain scripts by default', () => {
  expect(boshConfig.parse({ ...LEAST, act: ACT }).act).toEqual({ ...ACT, skipDrain: [] });
});

test('a slash at the end of an address is no part of it', () => {
  expect(boshConfig.parse({ ...LEAST, url: 'https://10.0.0.6:25555/' }).url).toBe('https://10.0.0.6:25555');
});

test.each([
  ['an address without TLS', { url: 'http://10.0.0.6:25555' }],
  ['an address with a password in it', { url: 'https://admin:hunter2@10.0.0.6:25555' }],
  ['no login', { auth: undefined }],
  ['two logins', { auth: { ...LEAST.auth, ...ACT.auth } }],
  ['leave to act without a second login', { act: { restart: ['doppler*'] } }],
  ['leave to act on nothing', { act: { ...ACT, restart: [] } }],
  ['a group that is a regular expression', { act: { ...ACT, restart: ['(doppler|cell)'] } }],
  ['an empty list of deployments', { deployments: [] }],
  ['an unknown key', { deployment: 'cf' }],
])('%s is refused', (_, given) => {
  expect(boshConfig.safeParse({ ...LEAST, ...given }).success).toBe(false);
});
