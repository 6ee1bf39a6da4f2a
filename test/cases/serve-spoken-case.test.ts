import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { LogLine } from '../../src/ports/logs.ts';
import { type CaseFile, readCaseFile } from './case-file.ts';
import { readAt } from './run-case.ts';
import { hostsOf, serveSpokenCase } from './serve-spoken-case.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

/** The sources of a case, by default in `net/`, opened as a worker opens them. */
async function open(name: string, change: (file: CaseFile) => CaseFile = (file) => file) {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-spoken-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = change(
    await readCaseFile(
      new URL(`${name.includes('/') ? name : `net/${name}`}.json`, import.meta.url).pathname,
    ),
  );
  const served = await serveSpokenCase(file, folder);
  onTestFinished(served.close);
  const environments = await openEnvironments(
    configSchema.parse({ environments: { lab: { sources: served.sources } } }).environments,
  );
  onTestFinished(() => closeEnvironments(environments));
  const {
    hosts = [],
    logs = [],
    cloud = [],
    brokers = [],
    databases = [],
  } = readAt(NOW, environments.get('lab')!.readers);
  return { file, hosts, logs, cloud, brokers, databases, on: (host: string) => ({ host, signal }) };
}

async function all<T>(batches: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}

const texts = (lines: readonly LogLine[]) => lines.map(({ at, text }) => `${at?.toISOString()} ${text}`);

test('links, settings and networks are read from a case, and what it lacks is missing', async () => {
  const { hosts, logs, cloud, on } = await open('o01');
  const [lab] = hosts;
  expect(lab!.hosts.map(({ name }) => name)).toEqual(['cmp-11', 'cmp-12']);
  expect(logs).toEqual([]);
  const { links, from } = await lab!.links(on('cmp-12'));
  expect(from).toBe('json');
  expect(links.find(({ name }) => name === 'tenant-881')).toMatchObject({
    parent: 'inet',
    vlan: { id: 881 },
  });
  expect(await lab!.networkSettings(on('cmp-12'))).toMatchObject([
    { file: expect.stringMatching(/linuxbridge_agent\.ini$/), line: 2, value: 'physnet1:inet' },
  ]);
  expect((await lab!.clock(on('cmp-12'))).time).toEqual(NOW);
  expect(await all(cloud[0]!.networks({ signal }))).toMatchObject([{ name: expect.any(String) }]);
  for (const read of [lab!.bonds, lab!.neighbors, lab!.networkSettings])
    await expect.soft(read(on('cmp-11')), read.name).rejects.toMatchObject({ kind: 'missing' });
});

test('bonds, neighbors, switch messages, switch ports and instances are read from a case', async () => {
  const { file, hosts, logs, cloud, on } = await open('o05');
  expect(hostsOf(file)).toEqual(['cmp-41', 'cmp-42', 'cmp-43']);
  const [lab] = hosts;
  expect(await lab!.bonds(on('cmp-41'))).toMatchObject([
    { name: 'bond0', miiStatus: 'down', slaves: [{}, {}] },
  ]);
  expect((await lab!.neighbors(on('cmp-43')))[0]).toMatchObject({ switch: expect.stringMatching(/^leaf/) });
  const [switches] = logs;
  expect(switches!.contains).toEqual(['switch']);
  const lines = await all(
    switches!.lines({ content: 'switch', since: new Date(NOW.getTime() - 2 * HOUR_MS), signal }),
  );
  expect(texts(lines).join('\n')).toMatch(/2026-11-26T10:31:07\.000Z .*BPDU/);
  expect(await switches!.switchPorts({ signal })).toContainEqual({
    switch: 'leaf-a',
    port: 'Ethernet1/41',
    host: 'cmp-41',
  });
  const servers = await all(cloud[0]!.servers({ host: 'cmp-41', signal }));
  expect(servers.map(({ name }) => name)).toContain('fw-edge');
  await expect(cloud[0]!.ports({ macs: ['fa:16:3e:00:00:01'], signal })).rejects.toMatchObject({
    kind: 'missing',
  });
});

test('the lines of dnsmasq, rules of its namespace, agents and ports are read from a case', async () => {
  const { hosts, cloud, on } = await open('o09');
  const [lab] = hosts;
  const lines = await all(lab!.logLines({ ...on('net-1'), log: 'dhcp', withinMs: HOUR_MS }));
  expect(lines).toHaveLength(24);
  expect(texts(lines)[0]).toContain('2026-11-26T11:43:10.000Z DHCPACK(tap7c0e4a10-aa) 10.61.0.22');
  expect(await lab!.checksumRules(on('net-1'))).toMatchObject([{ fillsDhcp: false }]);
  expect(await cloud[0]!.dhcpAgents({ signal })).toMatchObject([{ host: 'net-1', leaseSeconds: 120 }]);
  const ports = await cloud[0]!.ports({ macs: ['fa:16:3e:5c:01:9a', 'fa:16:3e:00:00:09'], signal });
  expect(ports).toMatchObject([{ id: 'aa10', host: 'net-1' }]);
});

test('the DHCP agents of one network are read as agents', async () => {
  const { cloud } = await open('o11');
  expect((await cloud[0]!.dhcpAgents({ signal })).map(({ host }) => host)).toEqual(['net-4', 'net-5']);
});

test('a host that ssh could not connect to is unreachable', async () => {
  const down = {
    of: 'cmp-11',
    ask: 'date',
    rc: 255,
    text: 'ssh: connect to host cmp-11 port 22: Connection refused\n',
  };
  const { hosts, on } = await open('o01', (file) => ({ ...file, spoken: [...(file.spoken ?? []), down] }));
  await expect(hosts[0]!.links(on('cmp-11'))).rejects.toMatchObject({ kind: 'unreachable' });
  expect((await hosts[0]!.links(on('cmp-12'))).links.length).toBeGreaterThan(0);
});

test('disks, their base images, and what Nova and Glance know about an instance are read from a case', async () => {
  const { hosts, cloud, on } = await open('cloud/o12');
  const [lab] = hosts;
  const [disk] = await lab!.instanceDisks(on('cmp-a01'));
  expect(disk).toMatchObject({ format: 'qcow2', backingPath: expect.stringContaining('/_base/78e4de70') });
  const [base] = await lab!.fileStates({ ...on('cmp-a01'), paths: [disk!.backingPath!] });
  expect(base).toMatchObject({ state: 'missing' });
  expect(await lab!.mounts(on('cmp-a01'))).toMatchObject([{ type: 'nfs4' }]);
  expect(await lab!.computeNodes(on('cmp-a01'))).toHaveLength(3);
  expect(await lab!.diskErrors(on('cmp-a03'))).toMatchObject([{ instanceName: 'instance-0000091c' }]);
  await expect(lab!.instanceDisks(on('cmp-a03'))).rejects.toMatchObject({ kind: 'missing' });
  const server = await cloud[0]!.server({ id: disk!.instance, signal });
  expect(server).toMatchObject({ name: 'report-runner', host: 'cmp-a03' });
  expect(await cloud[0]!.image({ id: server!.image!, signal })).toBeUndefined();
  expect(await cloud[0]!.services({ signal })).toHaveLength(3);
  // An instance that the file doesn't mention may exist.
  await expect(
    cloud[0]!.server({ id: '00000000-0000-4000-8000-000000000001', signal }),
  ).rejects.toMatchObject({ kind: 'malformed' });
});

test('the growth of a console log is read from a case without waiting', async () => {
  const { hosts, on } = await open('cloud/o14');
  const query = { ...on('cmp-c07'), files: 'console-logs', leastBytes: 1, watchMs: 60_000 } as const;
  const [growing, quiet] = await hosts[0]!.fileGrowth(query);
  expect(growing!.after!.bytes - growing!.before.bytes).toBe(40 * 1024 * 1024);
  expect(growing!.betweenMs).toBe(60_000);
  expect(quiet!.after!.bytes).toBe(quiet!.before.bytes);
  expect(await hosts[0]!.openFiles(query)).toMatchObject([
    { path: growing!.after!.path, pid: 31_877, isAppendOnly: false },
  ]);
});

test('counts and tables of a database are read from a case', async () => {
  const { databases } = await open('cloud/o16');
  const query = { cell: 'nova', signal };
  expect(await databases[0]!.state({ signal })).toMatchObject({ time: NOW, isReadOnly: false });
  expect(await databases[0]!.cells({ signal })).toEqual(['nova']);
  expect(await databases[0]!.instanceCounts(query)).toMatchObject({ softDeleted: 61_240, live: 1_904 });
  expect(await databases[0]!.metadataCounts(query)).toEqual({ rows: 1_312_877, markedDeleted: 2_114 });
});

test('what a database was not asked is missing, and tables are estimated', async () => {
  const { databases, hosts, on } = await open('cloud/o17');
  const query = { cell: 'nova', signal };
  await expect(databases[0]!.metadataCounts(query)).rejects.toMatchObject({ kind: 'missing' });
  expect(await databases[0]!.tables(query)).toContainEqual({
    table: 'shadow_instances',
    rows: 2_402_219,
    bytes: 2_147_483_648,
  });
  const job = await all(hosts[0]!.logLines({ ...on('ctl-1'), log: 'archive-job', withinMs: 24 * HOUR_MS }));
  expect(job.map(({ text }) => text).join('\n')).toContain('status=1/FAILURE');
});

test('each node of a broker in a case is an endpoint', async () => {
  const { brokers } = await open('rabbit/o20');
  const [first, second] = brokers[0]!.endpoints;
  const nodes = await brokers[0]!.nodes({ endpoint: first!.url, signal });
  expect(nodes.map(({ isRunning }) => isRunning)).toEqual([true, true, false]);
  const others = await brokers[0]!.nodes({ endpoint: second!.url, signal });
  expect(others.map(({ isRunning }) => isRunning)).toEqual([false, false, true]);
  const queues = await all(brokers[0]!.queues({ endpoint: first!.url, signal }));
  expect(queues).toHaveLength(212);
  await expect(all(brokers[0]!.queues({ endpoint: second!.url, signal }))).rejects.toMatchObject({
    kind: 'missing',
  });
});

test('later counts of queues are rates', async () => {
  const { brokers } = await open('rabbit/o21');
  const [{ url: endpoint }] = brokers[0]!.endpoints as readonly [{ readonly url: string }];
  const queues = await all(brokers[0]!.queues({ endpoint, signal }));
  const rateOf = (wanted: string) => queues.find(({ name }) => name === wanted)?.messagesPerSecond;
  expect(rateOf('versioned_notifications.info')).toBeCloseTo(6.1, 1);
  expect(rateOf('notifications.info')).toBeCloseTo(-24.655, 2);
});
