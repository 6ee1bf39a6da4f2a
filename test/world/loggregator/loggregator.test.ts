import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../../timeouts.ts';
import { type Etcd, startEtcd } from '../etcd.ts';
import { type Loggregator, startLoggregator } from './loggregator.ts';
import { readVm, restartVm } from './vm.ts';

// Starts and stops many servers.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

let etcd: Etcd;
let loggregator: Loggregator;

beforeAll(async () => {
  etcd = await startEtcd();
  loggregator = await startLoggregator({ etcd: etcd.access, vms: 6, ttlSeconds: 4, pollSeconds: 2 });
  await loggregator.waitUntilHealthy();
});
afterAll(async () => {
  await loggregator?.close();
  await etcd?.close();
});

const WAIT = { timeout: MAX_WORLD_WAIT_MS, interval: 200 };

test('a stuck doppler loses its key, and every metron_agent goes down until its VM is restarted', async () => {
  const vm = loggregator.vm('doppler_z2/0');
  await loggregator.stick(vm.name);
  await expect.poll(loggregator.countMetrons, WAIT).toBe(0);
  expect(await readVm(vm)).toContainEqual(expect.objectContaining({ name: 'doppler', state: 'running' }));
  const { body } = await etcd.ask.v2('GET', '/v2/keys/doppler/meta/z2/doppler_z2');
  expect(body['node']).toEqual({
    key: '/doppler/meta/z2/doppler_z2',
    dir: true,
    modifiedIndex: expect.any(Number),
    createdIndex: expect.any(Number),
  });
  const said = await readFile(join(loggregator.vm('router_z1/0').folder, 'metron_agent.log'), 'utf8');
  expect(said).toContain('panic: No dopplers listening on [udp]');

  await restartVm(vm);
  await loggregator.waitUntilHealthy();
  expect(await loggregator.countMetrons()).toBe(6);
});

test('a doppler registers its address and keeps its key by refreshing it', async () => {
  const path = `/v2/keys/doppler/meta/z1/doppler_z1/${loggregator.vm('doppler_z1/0').id}`;
  const read = async () =>
    (await etcd.ask.v2('GET', path)).body['node'] as {
      value: string;
      createdIndex: number;
      modifiedIndex: number;
    };
  const before = await read();
  expect(JSON.parse(before.value)).toEqual({
    version: 1,
    endpoints: ['udp://10.160.55.25:3457', 'tcp://10.160.55.25:3458', 'ws://10.160.55.25:8081'],
  });
  await expect.poll(async () => (await read()).modifiedIndex, WAIT).toBeGreaterThan(before.modifiedIndex);
  expect((await read()).createdIndex).toBe(before.createdIndex);
});
