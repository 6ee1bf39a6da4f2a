import { expect, test } from 'vitest';
import { rabbitmqConfig } from './config.ts';

const config = (more: object) =>
  rabbitmqConfig.safeParse({
    kind: 'rabbitmq',
    urls: ['https://ctl-1.example.internal:15671/'],
    user: { username: 'wrench', password: 'secret-password' },
    ...more,
  });

test('allows nothing by default', () => {
  expect(config({}).data).toEqual({
    kind: 'rabbitmq',
    name: 'rabbitmq',
    urls: ['https://ctl-1.example.internal:15671'],
    user: { username: 'wrench', password: 'secret-password' },
    allow: {},
    timeoutMs: 10_000,
  });
});

test.each([
  ['no address', { urls: [] }],
  ['an address twice', { urls: ['http://a:15672', 'http://a:15672/'] }],
  ['a password in an address', { urls: ['http://wrench:secret@a:15672'] }],
  ['another protocol', { urls: ['amqp://a:5672'] }],
  ['a user for purging without a password', { allow: { purge: { username: 'wrench-purge' } } }],
  ['an unknown permission', { allow: { delete: {} } }],
])('rejects %s', (_, more) => {
  expect(config(more).success).toBe(false);
});

test.each([{}, { username: 'wrench-purge', password: 'other-password' }])(
  'accepts %o for purging',
  (purge) => {
    expect(config({ allow: { purge } }).data?.allow).toEqual({ purge });
  },
);
