import { expect, test } from 'vitest';
import { dockerConfig } from './config.ts';
import { configuredEngines } from './engine-address.ts';

const parse = (config: object) => dockerConfig.parse({ kind: 'docker', ...config });
const errorOf = (config: object): string => {
  const { error } = dockerConfig.safeParse({ kind: 'docker', ...config });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`).join('\n');
};

test('defaults to one local engine', () => {
  expect(configuredEngines(parse({ name: 'builders' }))).toEqual([
    expect.objectContaining({ name: 'builders', address: 'unix:///var/run/docker.sock' }),
  ]);
});

test('has one engine on each host, matched to a node, without the user in its address', () => {
  const config = parse({
    url: 'ssh://wrench@{host}:2222',
    hosts: ['build-1', 'fd00::1'],
    node: '{host}.example.internal',
    ssh: { key: '/key' },
  });

  expect(configuredEngines(config)).toEqual([
    expect.objectContaining({
      name: 'build-1',
      address: 'ssh://build-1:2222',
      node: 'build-1.example.internal',
    }),
    expect.objectContaining({
      name: 'fd00::1',
      address: 'ssh://[fd00::1]:2222',
      node: 'fd00::1.example.internal',
    }),
  ]);
  expect(
    configuredEngines(parse({ url: 'ssh://{host}', hosts: ['a'], ssh: { key: '/key' } }))[0],
  ).toMatchObject({ node: 'a' });
});

test.each([
  [{}, '127.0.0.1'],
  [{ url: 'tcp://127.0.0.1:2375' }, '127.0.0.1'],
  [{ url: 'ssh://wrench@{host}:2222', hosts: ['build-1'], ssh: { key: '/key' } }, 'build-1'],
  [{ url: 'tcp://{host}:2376', hosts: ['fd00::1'], ca: '/ca' }, 'fd00::1'],
  [{ publishedOn: 'build-1.example.internal' }, 'build-1.example.internal'],
  [
    { url: 'ssh://{host}', hosts: ['a'], publishedOn: '{host}.apps.example', ssh: { key: '/key' } },
    'a.apps.example',
  ],
])('with %j, ports are published on %s', (config, host) => {
  expect(configuredEngines(parse(config))[0]!.host).toBe(host);
});

test('the access for removing inherits what it does not set; `{}` is the access for reading', () => {
  const common = {
    url: 'tcp://{host}:2376',
    hosts: ['a'],
    ca: '/ca',
    clientCertificate: { cert: '/c', key: '/k' },
  };
  const [same] = configuredEngines(parse({ ...common, allow: { remove: {} } }));
  const own = { cert: '/c2', key: '/k2' };
  const [other] = configuredEngines(parse({ ...common, allow: { remove: { clientCertificate: own } } }));

  expect(same!.removing).toBe(same!.reading);
  expect(other!.removing).toMatchObject({ url: 'tcp://a:2376', ca: '/ca', clientCertificate: own });
  expect(other!.reading.clientCertificate).toEqual(common.clientCertificate);
  expect(configuredEngines(parse(common))[0]).not.toHaveProperty('removing');
});

test.each([
  ['tcp://docker.example:2375'],
  ['tcp://docker.example:2376'],
  ['tcp://docker.example'],
  ['tcp://0.0.0.0:2375'],
  ['tcp://127.example.com:2375'],
  ['tcp://localhost.example.com:2375'],
])('rejects %s without TLS', (url) => {
  expect(errorOf({ url })).toMatch(/^url needs `ca` or `clientCertificate`: Docker without TLS gives root/);
});

test('rejects TCP without TLS if one of the hosts is not this machine, and for removing', () => {
  expect(errorOf({ url: 'tcp://{host}:2375', hosts: ['localhost', 'other'] })).toContain('without TLS');
  expect(errorOf({ allow: { remove: { url: 'tcp://other:2375' } } })).toMatch(
    /^allow\.remove\.url .*without TLS/,
  );
});

test.each([['tcp://127.0.0.1:2375'], ['tcp://localhost:2375'], ['tcp://[::1]:2375'], ['tcp://127.8.9.1:9']])(
  'accepts %s without TLS',
  (url) => {
    expect(errorOf({ url })).toBe('');
  },
);

test.each([
  [{ url: 'http://docker.example:2376' }, /url must be `unix/],
  [{ url: 'ssh://100%@a', ssh: { key: '/key' } }, /url must be `unix/],
  [{ url: 'unix://relative' }, /url must be `unix/],
  [{ url: 'unix:///' }, /url must be `unix/],
  [{ url: 'tcp://a:2376/path', ca: '/ca' }, /url must be `unix/],
  [{ url: 'tcp://user@a:2376', ca: '/ca' }, /url must not contain a password/],
  [{ url: 'ssh://user:secret@a', ssh: { key: '/key' } }, /url must not contain a password/],
  [{ url: 'ssh://user@a' }, /ssh is needed/],
  [{ ca: '/ca' }, /ca is only used with `tcp/],
  [{ url: 'ssh://{host}', ssh: { key: '/key' } }, /hosts is needed/],
  [{ hosts: ['a'] }, /url needs `\{host\}`/],
  [{ url: 'ssh://{host}', ssh: { key: '/key' }, hosts: ['a', 'a'] }, /must not list a host twice/],
  [{ url: 'ssh://{host}', ssh: { key: '/key' }, hosts: ['a b'] }, /must be a host name/],
  [{ url: 'ssh://{host}', ssh: { key: '/key' }, hosts: ['user@a'] }, /must be a host name/],
  [{ url: 'ssh://{host}', ssh: { key: '/key' }, hosts: ['a'], node: 'node' }, /node needs `\{host\}`/],
  [{ node: '{host}.example' }, /node has `\{host\}`/],
  [{ publishedOn: '{host}.example' }, /publishedOn has `\{host\}`/],
  [{ publishedOn: 'http://a' }, /publishedOn must be a host name/],
  [
    { url: 'ssh://{host}', ssh: { key: '/key' }, hosts: ['a'], publishedOn: 'a' },
    /publishedOn needs `\{host\}`/,
  ],
  [
    { url: 'ssh://{host}', ssh: { key: '/key' }, hosts: ['a'], publishedOn: '{host}.{zone}' },
    /publishedOn may contain only `\{host\}`/,
  ],
  [{ allow: { remove: { url: 'ssh://a' } } }, /allow\.remove\.ssh is needed/],
  [
    { url: 'ssh://{host}', ssh: { key: '/key' }, hosts: ['a'], allow: { remove: { url: 'ssh://a' } } },
    /allow\.remove\.url needs/,
  ],
  [{ allow: { prune: {} } }, /Unrecognized key/],
])('rejects %j', (config, error) => {
  const found = errorOf(config);

  expect(found).toMatch(error);
  expect(found).not.toContain('secret');
});
