import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Etcd, startEtcd } from './etcd.ts';

let etcd: Etcd;
beforeAll(async () => {
  etcd = await startEtcd({ members: 3 });
});
afterAll(() => etcd.close());

test('three members keep what was written while one is down, one is paused, and both recover', async () => {
  await etcd.mkdir('/doppler/meta/z2/doppler_z2');
  await etcd.put('/doppler/meta/z1/doppler_z1/0', '{"version":1}', { ttlSeconds: 60 });
  const asked = '/v2/keys/doppler/meta?recursive=true&quorum=true';
  const before = await etcd.ask.v2('GET', asked);
  expect(before).toMatchObject({ status: 200, body: { action: 'get', node: { dir: true } } });

  await etcd.kill(0);
  expect(etcd.members.map(({ pid }) => pid() !== undefined)).toEqual([false, true, true]);
  await expect
    .poll(async () => (await etcd.ask.v2('GET', asked)).body['node'])
    .toMatchObject({ key: '/doppler/meta' });
  await etcd.start(0);
  etcd.pause(2);
  await expect.poll(async () => (await etcd.ask.v2('GET', asked)).status).toBe(200);
  etcd.resume(2);
});

test('v3 is a separate store from v2', async () => {
  expect(await etcd.putV3('/registry/a', 'b')).toMatchObject({ status: 200 });
  expect(await etcd.ask.v2('GET', '/v2/keys/registry')).toMatchObject({
    status: 404,
    body: { errorCode: 100 },
  });
});
