import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Etcd, startEtcd } from '../../../test/world/etcd.ts';
import type { Source } from '../../ports/source.ts';
import { etcdConfig } from './config.ts';
import { openEtcd } from './open.ts';

const LOST = 'etcd has lost its quorum: no majority of its members responds';
const { signal } = new AbortController();
let etcd: Etcd;
let source: Source;
beforeAll(async () => {
  etcd = await startEtcd({ members: 3 });
  source = openEtcd(etcdConfig.parse({ kind: 'etcd', ...etcd.access }));
});
afterAll(async () => {
  await source.close();
  await etcd.close();
});
const tree = () => source.reads.keyValue!.tree('/doppler', { signal });
const members = () => source.reads.keyValue!.members({ signal, withinMs: 20_000 });

test('with two of three members down, returns no keys, and reports the lost quorum and the members that are down', async () => {
  await etcd.put('/doppler/0', 'x', { ttlSeconds: 1 });
  expect((await members()).members.filter(({ isLeader }) => isLeader)).toHaveLength(1);
  await etcd.kill(0);
  await etcd.kill(2);

  // A single remaining member responds as usual, and keeps expired keys, so its plain reads can't be trusted.
  await expect
    .poll(async () => (await etcd.ask.v2('GET', '/v2/keys/doppler/0')).body['node'])
    .toMatchObject({ value: 'x', ttl: expect.toSatisfy((ttl: number) => ttl < 0) as number });
  const [keys, seen] = await Promise.allSettled([tree(), members()]);
  expect(keys).toMatchObject({
    status: 'rejected',
    reason: { kind: 'unreachable', message: `${LOST} (etcdserver: request timed out)` },
  });
  if (seen.status === 'rejected') throw seen.reason;
  expect(seen.value).toMatchObject({
    hasQuorum: false,
    quorumError: 'etcdserver: request timed out',
    alarms: [],
  });
  expect(Object.fromEntries(seen.value.members.map(({ name, error }) => [name, error?.message]))).toEqual({
    'etcd-z1-0': `127.0.0.1:${etcd.members[0]!.port} refused the connection: nothing listens there`,
    'etcd-z1-1': undefined,
    'etcd-z2-0': `127.0.0.1:${etcd.members[2]!.port} refused the connection: nothing listens there`,
  });
  expect(seen.value.members.find(({ name }) => name === 'etcd-z1-1')).toMatchObject({
    healthy: false,
    unhealthyBecause: 'etcdserver: no leader',
    hasLeader: false,
    isLeader: false,
  });
});

test('returns the keys again once a majority is back', async () => {
  await etcd.start(2);
  await expect.poll(async () => (await members()).hasQuorum).toBe(true);
  expect(await tree()).toMatchObject({ exists: true, leaves: [] });
  expect(await source.healthCheck(signal)).toMatchObject({ ok: false });
});
