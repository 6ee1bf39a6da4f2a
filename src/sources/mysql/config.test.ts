import { expect, test } from 'vitest';
import { mysqlConfig, usesTls } from './config.ts';

const user = { username: 'wrench', password: 'secret' };
const parse = (options: object) => mysqlConfig.parse({ kind: 'mysql', host: 'db-1', user, ...options });

test('has defaults', () => {
  expect(parse({})).toEqual({
    kind: 'mysql',
    name: 'mysql',
    host: 'db-1',
    port: 3306,
    user,
    tls: true,
    statementLimitSeconds: 30,
    timeoutMs: 10_000,
  });
});

test.each([
  ['another host', {}, true],
  ['another host without TLS', { tls: false }, false],
  ['loopback', { host: '127.0.0.1' }, false],
  ['loopback with a CA', { host: '127.0.0.1', ca: 'ca.pem', serverName: 'db-1' }, true],
])('%s: TLS is used: %s', (_, options, expected) => {
  expect(usesTls(parse(options))).toBe(expected);
});

test.each([
  ['no user', { user: undefined }],
  ['a URL as the host', { host: 'mysql://db-1' }],
  ['a database name with a quote', { cells: ['nova`'] }],
  ['no cell', { cells: [] }],
  ['no limit for statements', { statementLimitSeconds: 0 }],
  ['an address without the name in its certificate', { host: '10.0.16.7' }],
  ['a CA without TLS', { tls: false, ca: 'ca.pem' }],
])('rejects %s', (_, options) => {
  expect(mysqlConfig.safeParse({ kind: 'mysql', host: 'db-1', user, ...options }).success).toBe(false);
});
