import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Etcd, startEtcd } from '../../../test/world/etcd.ts';
import type { Source } from '../../ports/source.ts';
import { etcdConfig } from './config.ts';
import { openEtcd } from './open.ts';

const { signal } = new AbortController();
const applyContext = { idempotencyKey: 'm0123456789abcdef', signal };
let etcd: Etcd;
let source: Source;
beforeAll(async () => {
  etcd = await startEtcd({ members: 3, quotaBytes: 2 * 1024 * 1024 });
  source = openEtcd(etcdConfig.parse({ kind: 'etcd', ...etcd.access, allow: { maintain: true } }));
});
afterAll(async () => {
  await source.close();
  await etcd.close();
});
const members = () => source.reads.keyValue!.members({ signal, withinMs: 20_000 });
const writer = () => source.writes!.keyValue!;

test('a full store accepts writes again after compacting, defragmenting and disarming', async () => {
  let status = 200;
  for (let written = 0; status === 200; written += 1)
    ({ status } = await etcd.putV3('one key, over and over', 'x'.repeat(100_000 + written)));
  expect(status).toBe(429);
  // The alarm of one member makes all of them unhealthy; the others may raise their own.
  await expect
    .poll(async () => (await members()).members.map(({ healthy }) => healthy))
    .toEqual([false, false, false]);
  const full = await members();
  expect(full.quotaBytes).toBe(2 * 1024 * 1024);
  expect(full.alarms.length).toBeGreaterThan(0);
  for (const { memberId, kind } of full.alarms) {
    expect(kind).toBe('NOSPACE');
    expect(full.members.map(({ id }) => id)).toContain(memberId);
  }

  await writer().compact(full.revision!, applyContext);
  // It is not an error if someone else was faster.
  await writer().compact(full.revision!, applyContext);
  for (const { id } of full.members) await writer().defragment(id, applyContext);
  const emptied = await members();
  for (const [index, { dbSizeBytes }] of emptied.members.entries())
    expect(dbSizeBytes).toBeLessThan(full.members[index]!.dbSizeBytes! / 2);
  // The alarm doesn't clear by itself.
  expect(emptied.alarms).toEqual(expect.arrayContaining([...full.alarms]));
  expect((await etcd.putV3('a', 'b')).status).toBe(429);

  for (const alarm of emptied.alarms) await writer().disarm(alarm, applyContext);
  expect((await etcd.putV3('a', 'b')).status).toBe(200);
  expect(await members()).toMatchObject({ alarms: [], members: [{ healthy: true }, {}, {}] });
});

test('rejects an unknown member and an invalid revision before anything is changed', async () => {
  await expect(writer().compact('-1', applyContext)).rejects.toMatchObject({ kind: 'refused' });
  await expect(writer().defragment('12345', applyContext)).rejects.toMatchObject({
    kind: 'refused',
    message: 'there is no member 12345',
  });
  await expect(writer().compact('999999999', applyContext)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('future revision') as string,
  });
});

test("can't defragment a member that is down, and defragments no other instead", async () => {
  const { members: before } = await members();
  const last = before.find(({ name }) => name === 'etcd-z2-0')!;
  await etcd.kill(2);
  await expect(writer().defragment(last.id, applyContext)).rejects.toMatchObject({
    kind: 'unreachable',
  });
});
