import { afterEach, expect, test } from 'vitest';
import { type Etcd, startEtcd } from '../../../test/world/etcd.ts';
import type { Source } from '../../ports/source.ts';
import { etcdConfig } from './config.ts';
import { openEtcd } from './open.ts';

const { signal } = new AbortController();
let etcd: Etcd;
let source: Source;

async function begin(options: Parameters<typeof startEtcd>[0], settings: object = {}): Promise<void> {
  etcd = await startEtcd({ members: 3, ...options });
  source = openEtcd(etcdConfig.parse({ kind: 'etcd', ...etcd.access, ...settings }));
}
afterEach(async () => {
  await source.close();
  await etcd.close();
});
const tree = () => source.reads.keyValue!.tree('/doppler', { signal });
const members = () => source.reads.keyValue!.members({ signal, withinMs: 20_000 });

test('asks the next member if the first is down, and if it hangs', async () => {
  await begin({});
  await etcd.put('/doppler/0', 'x');
  await etcd.kill(0);
  await expect.poll(async () => (await tree()).leaves.length).toBe(1);
  expect(await source.healthCheck(signal)).toMatchObject({
    ok: false,
    summary: expect.stringContaining('2 of 3 endpoints respond') as string,
  });
  await etcd.start(0);
  await expect.poll(async () => (await members()).members.every(({ healthy }) => healthy)).toBe(true);
  etcd.pause(0);
  await expect.poll(async () => (await tree()).leaves.length).toBe(1);
  etcd.resume(0);
});

test('a hung member accepts connections but does not respond, and does not affect the others', async () => {
  // The hung member never responds. The others respond within this time even on a busy machine.
  await begin({ tls: false }, { timeoutMs: 5_000 });
  etcd.pause(1);
  // It may have been the leader.
  await expect.poll(async () => (await members()).hasQuorum).toBe(true);
  const seen = await members();
  const hung = seen.members.find(({ name }) => name === 'etcd-z1-1');
  expect(hung).toEqual({
    id: hung!.id,
    name: 'etcd-z1-1',
    clientUrls: [etcd.members[1]!.url],
    url: etcd.members[1]!.url,
    isConfigured: true,
    error: expect.objectContaining({
      message: `127.0.0.1:${etcd.members[1]!.port} didn't respond within 5 s`,
    }) as Error,
    failureMode: 'hung',
  });
  expect(seen).toMatchObject({ hasQuorum: true, alarms: [] });
  etcd.resume(1);
});

test('finds members without a configured port at the addresses that they advertise', async () => {
  await begin({ tls: false });
  await source.close();
  const [first] = etcd.access.endpoints;
  source = openEtcd(etcdConfig.parse({ kind: 'etcd', endpoints: [first!.url] }));
  const seen = await members();
  expect(seen.members.map(({ healthy }) => healthy)).toEqual([true, true, true]);
  expect(seen.members.filter(({ isConfigured }) => isConfigured)).toHaveLength(1);
});
