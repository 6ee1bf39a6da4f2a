import { expect, test } from 'vitest';
import { openStackConfig } from './config.ts';

const auth = { applicationCredential: { id: 'a', secret: 's' } };

test('has defaults', () => {
  expect(openStackConfig.parse({ kind: 'openstack', authUrl: 'https://keystone:5000/v3/', auth })).toEqual({
    kind: 'openstack',
    name: 'openstack',
    authUrl: 'https://keystone:5000',
    auth,
    interface: 'public',
    endpoints: {},
    allow: {},
    seesAllProjects: false,
    timeoutMs: 30_000,
  });
});

test('accepts a user, in the domain Default unless it has another', () => {
  const user = { username: 'u', password: 'p', project: 'ops' };
  const config = openStackConfig.parse({ kind: 'openstack', authUrl: 'http://k/identity', auth: { user } });

  expect(config.auth).toEqual({ user: { ...user, userDomain: 'Default', projectDomain: 'Default' } });
});

test.each([
  ['version 2 of Keystone', { authUrl: 'https://keystone:5000/v2.0' }],
  ['a password in the address', { authUrl: 'https://u:p@keystone:5000' }],
  ['another protocol', { authUrl: 'ftp://keystone' }],
  ['both logins', { auth: { ...auth, user: { username: 'u', password: 'p', project: 'x' } } }],
  ['no login', { auth: {} }],
  ['an unknown interface', { interface: 'private' }],
  ['an unknown service', { endpoints: { volume: 'https://cinder' } }],
  ['a permission that does not exist', { allow: { evacuate: {} } }],
  [
    'a login for changes without a secret',
    { allow: { disable: { auth: { applicationCredential: { id: 'a' } } } } },
  ],
  ['an endpoint that is no address', { endpoints: { compute: 'nova' } }],
])('rejects %s', (_, options) => {
  const config = { kind: 'openstack', authUrl: 'https://keystone:5000', auth, ...options };

  expect(openStackConfig.safeParse(config).success).toBe(false);
});
