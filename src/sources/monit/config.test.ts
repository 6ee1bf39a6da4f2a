import { expect, test } from 'vitest';
import { monitConfig } from './config.ts';
import { openMonit } from './open.ts';

const AUTH = { username: 'vcap', password: 'canary-5e1f' };
const HOST = { url: 'http://10.160.55.26:2812/', instance: 'doppler_z2/0' };

const parse = (more: object): ReturnType<typeof monitConfig.safeParse> =>
  monitConfig.safeParse({ kind: 'monit', hosts: [HOST], auth: AUTH, ...more });

test('a source reads only until its configuration lists processes', () => {
  expect(parse({}).data).toMatchObject({ name: 'monit', allow: {}, actionSeconds: 120, timeoutMs: 10_000 });
});

test('`restart` of 0.6 is `allow.restart`, and an empty one is none', () => {
  expect(parse({ restart: ['doppler'] })).toEqual(parse({ allow: { restart: { processes: ['doppler'] } } }));
  expect(parse({ restart: [] })).toEqual(parse({}));
  expect(parse({ restart: ['doppler'], allow: {} }).error?.issues).toMatchObject([
    {
      path: ['restart'],
      message: 'was replaced by `allow`, and both are given. Remove `restart`',
    },
  ]);
});

test('a host may have a user of its own, and then the source needs none', () => {
  const own = { ...HOST, auth: AUTH };
  expect(parse({ hosts: [own], auth: undefined }).success).toBe(true);
});

test.each([
  [{ auth: undefined }, 'is needed, or one for each host'],
  [{ hosts: [HOST, HOST] }, 'must not name an instance twice'],
  [{ hosts: [{ ...HOST, instance: 'doppler' }] }, 'must be a group and an index or id, such as doppler_z2/0'],
  [{ hosts: [{ ...HOST, url: 'http://vcap:x@10.160.55.26' }] }, 'must not contain a user or a password'],
])('%o is refused: %s', (more, message) => {
  expect(parse(more).error?.issues.map((issue) => issue.message)).toEqual([message]);
});

test('a missing CA file is reported by its path, with the first query', async () => {
  const hosts = [{ ...HOST, url: 'https://127.0.0.1:1' }];
  const source = openMonit(
    monitConfig.parse({ kind: 'monit', hosts, auth: AUTH, ca: '/nowhere/monit-ca.pem' }),
  );
  const { signal } = new AbortController();
  await expect(source.reads.processes!.deployments({ signal })).rejects.toMatchObject({
    kind: 'missing',
    message: 'the file /nowhere/monit-ca.pem cannot be read (ENOENT)',
  });
  await source.close();
  await source.close();
});

test('the password is in nothing that is said of a failure', async () => {
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
