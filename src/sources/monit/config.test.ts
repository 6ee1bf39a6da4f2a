import { expect, test } from 'vitest';
import { monitConfig } from './config.ts';
import { openMonit } from './open.ts';

const AUTH = { username: 'vcap', password: 'canary-5e1f' };
const HOST = { url: 'http://10.160.55.26:2812/', instance: 'doppler_z2/0' };

const parse = (more: object): ReturnType<typeof monitConfig.safeParse> =>
  monitConfig.safeParse({ kind: 'monit', hosts: [HOST], auth: AUTH, ...more });

test('a source is read-only until its configuration lists processes', () => {
  expect(parse({}).data).toMatchObject({ name: 'monit', allow: {}, actionSeconds: 120, timeoutMs: 10_000 });
});

test('reads `restart` of 0.6 as `allow.restart`, and an empty one as no permission', () => {
  expect(parse({ restart: ['doppler'] })).toEqual(parse({ allow: { restart: { processes: ['doppler'] } } }));
  expect(parse({ restart: [] })).toEqual(parse({}));
  expect(parse({ restart: ['doppler'], allow: {} }).error?.issues).toMatchObject([
    {
      path: ['restart'],
      message: 'was replaced by `allow`, and both are set. Remove `restart`',
    },
  ]);
});

test('the source needs no user if each host has one', () => {
  const own = { ...HOST, auth: AUTH };
  expect(parse({ hosts: [own], auth: undefined }).success).toBe(true);
});

test.each([
  [{ auth: undefined }, 'is needed, or one for each host'],
  [{ hosts: [HOST, HOST] }, 'must not list an instance twice'],
  [{ hosts: [{ ...HOST, instance: 'doppler' }] }, 'must be a group and an index or id, such as doppler_z2/0'],
  [{ hosts: [{ ...HOST, url: 'http://vcap:x@10.160.55.26' }] }, 'must not contain a user or a password'],
])('rejects %o: %s', (more, message) => {
  expect(parse(more).error?.issues.map((issue) => issue.message)).toEqual([message]);
});

test('reports the path of a missing CA file with the first query', async () => {
  const hosts = [{ ...HOST, url: 'https://127.0.0.1:1' }];
  const source = openMonit(
    monitConfig.parse({ kind: 'monit', hosts, auth: AUTH, ca: '/nowhere/monit-ca.pem' }),
  );
  const { signal } = new AbortController();
  await expect(source.reads.processes!.deployments({ signal })).rejects.toMatchObject({
    kind: 'missing',
    message: "couldn't read the file /nowhere/monit-ca.pem (ENOENT)",
  });
  await source.close();
  await source.close();
});

test('failures never show the password', async () => {
  const hosts = [{ ...HOST, url: 'http://127.0.0.1:1' }];
  const source = openMonit(monitConfig.parse({ kind: 'monit', hosts, auth: AUTH }));
  const { signal } = new AbortController();
  const error: unknown = await source.reads
    .processes!.deployments({ signal })
    .catch((thrown: unknown) => thrown);
  const { message, stack, cause } = error as Error;
  const reach = await source.healthCheck(signal);
  expect(JSON.stringify([message, stack, cause, reach])).not.toMatch(/canary|Y2FuYXJ5|dmNhcDpjYW5hcnk/);
  await source.close();
});
