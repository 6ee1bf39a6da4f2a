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

/** The sources of a case in `net/`, opened as a worker opens them. */
async function open(name: string, change: (file: CaseFile) => CaseFile = (file) => file) {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-spoken-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = change(await readCaseFile(new URL(`net/${name}.json`, import.meta.url).pathname));
  const served = await serveSpokenCase(file, folder);
  onTestFinished(served.close);
  const environments = await openEnvironments(
    configSchema.parse({ environments: { lab: { sources: served.sources } } }).environments,
  );
  onTestFinished(() => closeEnvironments(environments));
  const { hosts = [], logs = [], cloud = [] } = readAt(NOW, environments.get('lab')!.readers);
  return { file, hosts, logs, cloud, on: (host: string) => ({ host, signal }) };
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
