import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { issue, makeAuthority } from '../../../test/world/ca.ts';
import { type Etcd, startEtcd } from '../../../test/world/etcd.ts';
import type { KeyTree } from '../../ports/key-value.ts';
import type { ReadProgress } from '../../ports/read-options.ts';
import type { Source } from '../../ports/source.ts';
import type { SourceError } from '../../ports/source-error.ts';
import { etcdConfig } from './config.ts';
import { openCluster } from './cluster.ts';
import { openEtcd } from './open.ts';
import { probeMember } from './member-status.ts';

let etcd: Etcd;
const notAfter = new Date(Date.now() + 20 * 86_400_000);
const { signal } = new AbortController();
const opened: Source[] = [];
beforeAll(async () => {
  etcd = await startEtcd({ notAfter });
});
afterAll(() => etcd.close());
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

function open(settings: object = {}): Source {
  const source = openEtcd(etcdConfig.parse({ kind: 'etcd', ...etcd.access, ...settings }));
  opened.push(source);
  return source;
}

function tree(directory: string, settings?: object): Promise<KeyTree> {
  return open(settings).reads.keyValue!.tree(directory, { signal });
}

/** The message that people read. */
function failure(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    () => 'no failure',
    ({ kind, message }: SourceError) => `${kind}: ${message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')}`,
  );
}

test('a directory whose last key was deleted still exists, and is empty', async () => {
  await etcd.put('/doppler/meta/z2/doppler_z2/0', '{}');
  await etcd.remove('/doppler/meta/z2/doppler_z2/0');
  expect(await tree('/doppler/meta')).toMatchObject({
    exists: true,
    directories: ['/doppler/meta', '/doppler/meta/z2', '/doppler/meta/z2/doppler_z2'],
    leaves: [],
  });
});

test('reports how many endpoints responded', async () => {
  const reported: ReadProgress[] = [];
  const store = open({ endpoints: [...etcd.access.endpoints, 'https://127.0.0.1:1'] }).reads.keyValue!;
  await store.members({ signal, withinMs: 20_000, onProgress: (progress) => reported.push(progress) });
  const of = etcd.access.endpoints.length + 1;
  expect(reported[0]).toEqual({ read: 0, of, unit: 'endpoints' });
  expect(reported.at(-1)).toEqual({ read: of - 1, of, unit: 'endpoints' });
});

test('a directory that was never written is missing', async () => {
  expect(await tree('/never/written')).toMatchObject({ exists: false, directories: [], leaves: [] });
});

test('reads the root, and accepts paths with and without slashes around them', async () => {
  await etcd.put('/slashes/a', '1');
  const { directories } = await tree('/');
  expect(directories).toContain('/');
  expect(directories).toContain('/slashes');
  for (const directory of ['/slashes/', 'slashes'])
    expect((await tree(directory)).leaves).toMatchObject([{ key: '/slashes/a', value: '1' }]);
});

test('a key that is read as a directory returns itself', async () => {
  await etcd.put('/version', '2');
  expect(await tree('/version')).toMatchObject({
    directories: [],
    leaves: [{ key: '/version', value: '2' }],
  });
});

test('returns values that are not JSON and keys with any characters unchanged', async () => {
  const key = '/routes/api.example.com%2Fv1 ?#ü,10.0.16.9:8080';
  await etcd.put(key, '{"not json\u0000 <!channel>');
  expect((await tree('/routes')).leaves).toMatchObject([{ key, value: '{"not json\u0000 <!channel>' }]);
  expect((await tree(key)).leaves).toHaveLength(1);
});

test('a key that starts with an underscore is not listed, but can be read by name', async () => {
  await etcd.put('/hides/_secret', 'x');
  expect((await tree('/hides')).leaves).toEqual([]);
  expect((await tree('/hides/_secret')).leaves).toHaveLength(1);
});

test('a time to live comes with its expiry, by the server’s own clock', async () => {
  await etcd.put('/ttl/with', 'x', { ttlSeconds: 100 });
  await etcd.put('/ttl/without', 'x');
  const { leaves, serverTime } = await tree('/ttl');
  const [kept, ending] = leaves.toSorted((one, other) => other.key.localeCompare(one.key));
  expect(kept).toEqual({
    key: '/ttl/without',
    value: 'x',
    createdIndex: expect.any(Number) as number,
    modifiedIndex: expect.any(Number) as number,
  });
  const leftMs = ending!.expiresAt!.getTime() - serverTime.getTime();
  expect(ending!.ttlSeconds).toBe(Math.min(100, Math.ceil(leftMs / 1000)));
  expect(Math.abs(serverTime.getTime() - Date.now())).toBeLessThan(60_000);
});

test('a heartbeat changes the modified index, and creating the key again also the created index', async () => {
  const read = async () => (await tree('/beat')).leaves[0]!;
  await etcd.put('/beat/0', 'x');
  const first = await read();
  await etcd.put('/beat/0', 'x', { prevExist: true });
  const beaten = await read();
  await etcd.remove('/beat/0');
  await etcd.put('/beat/0', 'x');
  const back = await read();
  // A doppler updates the existing key. A write without a condition creates the key again.
  expect(beaten.modifiedIndex).toBeGreaterThan(first.modifiedIndex);
  expect(beaten.createdIndex).toBe(first.createdIndex);
  expect(back.createdIndex).toBeGreaterThan(beaten.createdIndex);
});

test('reads no more than the limit, and names the directory', async () => {
  await etcd.put('/large/a', 'x'.repeat(50_000));
  expect(await failure(tree('/large', { maxBytes: 20_000 }))).toBe(
    "malformed: couldn't read the keys under /large: HOST responded with more than 20 kB",
  );
});

test('reports a missing client certificate, and one from another CA', async () => {
  const refusal = 'refused: HOST requires a client certificate that it trusts';
  expect(await failure(tree('/x', { clientCertificate: undefined }))).toBe(refusal);
  const stranger = await issue(await makeAuthority({ name: 'stranger' }), {
    name: 'stranger',
    extendedKeyUsage: ['clientAuth'],
  });
  const folder = dirname(etcd.access.ca!);
  const clientCertificate = { cert: join(folder, 'stranger.crt'), key: join(folder, 'stranger.key') };
  await writeFile(clientCertificate.cert, stranger.certificatePem);
  await writeFile(clientCertificate.key, stranger.keyPem);
  expect(await failure(tree('/x', { clientCertificate }))).toBe(refusal);
  expect(await open({ clientCertificate }).healthCheck(signal)).toMatchObject({
    ok: false,
    hint: expect.stringContaining('clientCertificate') as string,
  });
});

test('connects to an IP address, and sends and verifies the name in the certificate', async () => {
  const endpoints = [etcd.members[0]!.url];
  const message = 'unreachable: HOST presents a certificate that is not valid for this name';
  expect(await failure(tree('/x', { endpoints }))).toBe(message);
  expect(await open({ endpoints }).healthCheck(signal)).toMatchObject({
    ok: false,
    hint: 'set `servername` of the endpoint to a name in its certificate',
  });
  const wrong = [{ url: endpoints[0], servername: 'another.example.com' }];
  expect(await failure(tree('/x', { endpoints: wrong }))).toBe(message);
  expect((await tree('/x')).exists).toBe(false);
});

test('an unknown CA, a TLS port without https:// and a missing file each have their own error', async () => {
  expect(await failure(tree('/x', { ca: undefined }))).toBe(
    'unreachable: the certificate of HOST is not trusted: set `ca` to the CA that signed it',
  );
  expect(await failure(tree('/x', { endpoints: [etcd.members[0]!.url.replace('https', 'http')] }))).toBe(
    'unreachable: HOST closed the connection without a response: should it be https:// instead of http://?',
  );
  expect(await failure(tree('/x', { ca: '/nowhere/ca.crt' }))).toBe(
    "missing: couldn't read the file /nowhere/ca.crt (ENOENT)",
  );
});

test('reports an etcd without its v2 API, and still reads its members', async () => {
  const modern = await startEtcd({ tls: false, v2: false });
  try {
    const { endpoints } = modern.access;
    const source = openEtcd(etcdConfig.parse({ kind: 'etcd', endpoints }));
    opened.push(source);
    expect(await failure(source.reads.keyValue!.tree('/x', { signal }))).toBe(
      'missing: HOST has no v2 API: since etcd 3.4 it needs --enable-v2, and 3.6 removed it',
    );
    const seen = await source.reads.keyValue!.members({ signal, withinMs: 20_000 });
    expect(seen).toMatchObject({ hasQuorum: true, members: [{ healthy: true, isLeader: true }] });
    expect(seen.members[0]).not.toHaveProperty('certificate');
  } finally {
    await modern.close();
  }
});

test('reads the version, state, database, clock and certificate of a member', async () => {
  const { members, ...cluster } = await open().reads.keyValue!.members({ signal, withinMs: 20_000 });
  const id = expect.stringMatching(/^[0-9a-f]{10,16}$/) as string;
  expect(cluster).toEqual({
    alarms: [],
    clientCertificate: expect.objectContaining({ name: 'etcd client' }) as object,
    endpoints: [
      {
        address: `127.0.0.1:${etcd.members[0]!.port}`,
        clusterId: id,
        memberId: members[0]!.id,
        leaderId: members[0]!.id,
        lists: [members[0]!.id],
        certificate: members[0]!.certificate,
      },
    ],
    hasQuorum: true,
    quotaBytes: 2 * 1024 ** 3,
    revision: expect.stringMatching(/^\d+$/) as string,
  });
  expect(members).toMatchObject([
    {
      id,
      name: 'etcd-z1-0',
      clientUrls: [`https://etcd-z1-0.cf-etcd.service.cf.internal:${etcd.members[0]!.port}`],
      version: '3.4.23',
      healthy: true,
      isLeader: true,
      hasLeader: true,
      isConfigured: true,
      proposalsFailed: 0,
      clockAheadMs: 0,
      certificate: { name: 'etcd-z1-0.cf-etcd.service.cf.internal' },
    },
  ]);
  const [member] = members;
  expect(member!.certificate!.notAfter.getTime()).toBe(Math.floor(notAfter.getTime() / 1000) * 1000);
  expect(member!.dbSizeBytes).toBeGreaterThan(0);
  expect(member!.raftAppliedIndex).toBeLessThanOrEqual(member!.raftIndex!);
  for (const operations of [member!.disk!.fsyncs!, member!.disk!.commits!]) {
    expect(operations.total).toBeGreaterThan(0);
    expect(operations.slow).toBeLessThanOrEqual(operations.total);
  }
  expect(member).not.toHaveProperty('unanswered');
});

test('reads the disk counters again by address, and they grow with writes', async () => {
  const store = open().reads.keyValue!;
  const { members } = await store.members({ signal, withinMs: 20_000 });
  const [{ url, disk }] = members as [(typeof members)[0]];
  await etcd.putV3('counted', 'x');
  const later = await store.diskCounters([url!, 'https://127.0.0.1:1'], { signal, withinMs: 20_000 });
  expect([...later.keys()]).toEqual([url]);
  expect(later.get(url!)!.fsyncs!.total).toBeGreaterThan(disk!.fsyncs!.total);
});

test('does not trust a member whose certificate has expired, and reports that certificate', async () => {
  const expired = await startEtcd({ notAfter: new Date(Date.now() - 60_000) });
  const cluster = openCluster(etcdConfig.parse({ kind: 'etcd', ...expired.access }));
  try {
    const { facts } = await probeMember(cluster, cluster.clients.configured[0]!, {
      signal,
      withinMs: 20_000,
    });
    expect(facts).toMatchObject({
      error: { message: expect.stringContaining('presents a certificate that has expired') as string },
      failureMode: 'rejected',
      certificate: { name: 'etcd-z1-0.cf-etcd.service.cf.internal' },
    });
    expect(facts.version).toBeUndefined();
  } finally {
    await cluster.clients.close();
    await expired.close();
  }
});

test('the health check counts the endpoints that respond', async () => {
  expect(await open().healthCheck(signal)).toEqual({
    ok: true,
    summary: 'etcd 3.4.23, 1 of 1 endpoints respond',
  });
});

test('an aborted request ends with the reason', async () => {
  const stop = new AbortController();
  const answer = open().reads.keyValue!.tree('/x', { signal: stop.signal });
  stop.abort(new Error('the deadline'));
  await expect(answer).rejects.toThrow('the deadline');
});

test('a source without `allow.maintain` has no writer, and a closed source says so', async () => {
  const source = open();
  expect(source.writes).toBeUndefined();
  await source.close();
  await source.close();
  expect(await failure(source.reads.keyValue!.tree('/x', { signal }))).toBe(
    'unreachable: HOST was not queried: the source is closed',
  );
});
