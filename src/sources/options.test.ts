import { expect, test } from 'vitest';
import { caOption, timeoutOption, urlOption } from './options.ts';

const web = urlOption({ protocols: ['http', 'https'] });
const origin = urlOption({ protocols: ['https'], isOrigin: true });

test.each([
  ['https://vault.example.com:8200', 'https://vault.example.com:8200'],
  ['http://10.0.16.5:2812/', 'http://10.0.16.5:2812'],
  ['https://proxy.example.com/vault//', 'https://proxy.example.com/vault'],
])('%s is the address %s', (given, url) => {
  expect(web.parse(given)).toBe(url);
});

test.each([
  [web, 'vault.example.com', 'must be an http or https URL'],
  [web, 'ftp://vault.example.com', 'must be an http or https URL'],
  [web, 8200, 'must be an http or https URL'],
  [web, 'https://admin:hunter2@vault.example.com', 'must not contain a user or a password'],
  [origin, 'not a URL', 'must be an https URL'],
  [origin, 'http://10.0.0.6:4001', 'must be an https URL'],
  [origin, 'https://10.0.0.6:4001/v2/keys', 'must be only a scheme, host and port'],
])('reports one error for an invalid address: %#', (schema, given, message) => {
  expect(schema.safeParse(given).error?.issues.map((issue) => issue.message)).toEqual([message]);
});

test('a timeout has a default and limits', () => {
  const schema = timeoutOption({ defaultMs: 5_000 });

  expect(schema.parse(undefined)).toBe(5_000);
  expect([0, 1.5, 600_001].map((ms) => schema.safeParse(ms).success)).toEqual([false, false, false]);
});

test('removes a line break after the path of a file', () => {
  expect(caOption('the certificates of the members').parse('/etc/wrench/ca.pem\n')).toBe(
    '/etc/wrench/ca.pem',
  );
});
