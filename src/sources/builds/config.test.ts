import { expect, test } from 'vitest';
import { buildsConfig } from './config.ts';

const API = {
  name: 'shop/api',
  replicas: { kubernetes: { namespace: 'shop', service: 'api' } },
  path: '/diagnostics',
};
const QUOTE = { name: 'quote', replicas: { addresses: ['http://host-1:3000'] }, path: '/api/health' };
const parse = (services: readonly object[], more: object = { hosts: ['10.244.0.0/16'] }) =>
  buildsConfig.safeParse({ kind: 'builds', services, ...more });
const errorOf = (services: readonly object[], more?: object): string =>
  (parse(services, more).error?.issues ?? [])
    .map(({ path, message }) => `${path.join('.')} ${message}`)
    .join('\n');

test('recognizes the build by default, and expects nothing', () => {
  expect(parse([API]).data).toEqual({
    kind: 'builds',
    name: 'builds',
    services: [{ ...API, scheme: 'http', build: 'auto' }],
    hosts: ['10.244.0.0/16'],
    timeoutMs: 3_000,
    retries: 2,
  });
});

test.each([
  [{ ...API, port: 'http' }],
  [{ ...API, port: 8080, container: 'api', expected: 'image-tag' }],
  [{ ...API, expected: { annotation: 'example.com/build' } }],
  [{ ...API, build: { pointer: '/meta/build~1number' } }],
  [{ ...API, build: { header: 'X-Build' } }],
  [{ ...API, build: 'text', headers: { authorization: 'Bearer 1' } }],
  [{ ...API, scheme: 'https', serverName: 'api.shop.svc', ca: '/ca.pem' }],
  [{ name: 'q', replicas: { containers: { name: 'quote' } }, port: 3000, path: '/' }],
  [{ name: 'q', replicas: { containers: { labels: { app: 'q' } } }, port: 1, path: '/?full=1' }],
  [{ name: 'q', replicas: { swarm: { service: 'q' } }, port: 1, path: '/', expected: { label: 'build' } }],
  [QUOTE],
  [{ ...QUOTE, replicas: { addresses: ['https://[fd00::1]:3000', 'https://b'] }, ca: '/ca.pem' }],
])('accepts %j', (service) => {
  expect(errorOf([service])).toBe('');
});

test.each([
  [{ ...API, replicas: {} }, /replicas needs exactly one of `kubernetes`/],
  [{ ...API, replicas: { ...API.replicas, ...QUOTE.replicas } }, /replicas needs exactly one/],
  [{ ...API, replicas: { containers: {} }, port: 1 }, /replicas\.containers needs `name` or `labels`/],
  [{ ...API, replicas: { containers: { name: 'api' } } }, /port is needed: the number of the port/],
  [{ ...API, replicas: { swarm: { service: 'api' } }, port: 'http' }, /port is needed/],
  [{ ...API, port: 0 }, /port/],
  [{ ...API, port: 'HTTP port' }, /must be a port number, or the name/],
  [{ ...API, path: 'diagnostics' }, /path must begin with `\/`/],
  [{ ...API, path: '/a b' }, /path must begin with `\/`, and have no spaces/],
  [{ ...API, path: '/a#b' }, /path must not contain/],
  [{ ...API, name: 'api, web' }, /name must be a name such as/],
  [{ ...API, build: { pointer: 'meta.build' } }, /must be a JSON pointer/],
  [{ ...API, build: { pointer: '/a~2' } }, /must be a JSON pointer/],
  [{ ...API, build: { header: 'X Build' } }, /must be the name of a header/],
  [{ ...API, headers: { Connection: 'upgrade' } }, /headers\.Connection Invalid key/],
  [{ ...API, ca: '/ca.pem' }, /ca is only used with `scheme: https`/],
  [{ ...QUOTE, serverName: 'q' }, /serverName is only used with `https:\/\/`/],
  [{ ...QUOTE, port: 1 }, /port is part of `addresses`/],
  [{ ...QUOTE, expected: 'image-tag' }, /expected needs replicas in Kubernetes/],
  [
    { name: 'q', replicas: { swarm: { service: 'q' } }, port: 1, path: '/', expected: { annotation: 'a' } },
    /can be an annotation only in Kubernetes/,
  ],
  [{ ...QUOTE, replicas: { addresses: ['http://host-1:3000/api'] } }, /must be only a scheme, host and port/],
  [{ ...QUOTE, replicas: { addresses: ['http://user:secret@host-1'] } }, /must not contain a user/],
  [{ ...QUOTE, replicas: { addresses: ['http://a:1', 'http://a:1/'] } }, /must not list an address twice/],
])('rejects %j', (service, error) => {
  const found = errorOf([service]);

  expect(found).toMatch(error);
  expect(found).not.toContain('secret');
});

test('a service name is unique, and replicas that are found need `hosts`', () => {
  expect(errorOf([API, API])).toMatch(/must not have two services with the same name/);
  expect(errorOf([QUOTE, API], {})).toMatch(/hosts is needed for the replicas of shop\/api/);
  expect(errorOf([QUOTE], {})).toBe('');
});

test.each([
  '10.0.0.0/8',
  '10.244.1.5/16',
  '127.0.0.1',
  'fd00::/8',
  '::ffff:10.0.0.1',
  '*.apps.example',
  'node-*.example',
  'app_1',
  'bücher.example.',
])('accepts %s in `hosts`', (host) => {
  expect(errorOf([API], { hosts: [host] })).toBe('');
});

test.each([
  '*',
  '*.*',
  'a.*',
  '10.0.0.0/33',
  '10.0.0.256',
  '0x7f.1',
  '2130706433',
  'fe80::1%eth0',
  'http://a',
  'host:8080',
  'a b',
  '[fd00::1]',
  'a..b',
])('rejects %s in `hosts`', (host) => {
  expect(errorOf([API], { hosts: [host] })).toMatch(/must be a network/);
});
