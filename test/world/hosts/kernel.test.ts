import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostReaders, hostReaders } from '../../../src/sources/ssh/host-readers.ts';
import type { RunOnHost } from '../../../src/wire/ssh-hosts.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../../timeouts.ts';
import { startKernel } from './kernel.ts';
import type { ShellSession } from './shell-session.ts';

/** What a real kernel, a real `ip` and the real bonding driver print is read as what was set up. */

const SETUP = [
  // Without link monitoring: the bond does not notice that the cable of its active slave is dead.
  'ip link add bond0 type bond mode active-backup miimon 0',
  'ip link add eno1 type veth peer name cable1',
  'ip link add eno2 type veth peer name cable2',
  'ip link set eno1 master bond0',
  'ip link set eno2 master bond0',
  'for link in bond0 eno1 eno2 cable1 cable2; do ip link set $link up; done',
  'ip link set cable1 down',
  // A VLAN on a VLAN, and a service VLAN with room for one.
  'ip link add link bond0 name inet type vlan id 20',
  'ip link add link inet name tenant-881 type vlan id 881',
  'ip link add link eno2 name s400 mtu 1496 type vlan id 400 protocol 802.1ad',
  'ip link add link s400 name c7 mtu 1492 type vlan id 7',
  'ip link add br-881 type bridge stp_state 1',
  'ip link set tenant-881 master br-881',
  'ip link add vxlan-204 type vxlan id 204 dstport 4789 local 10.77.0.12 dev inet',
  'ip link add bond9 type bond mode 802.3ad miimon 100',
  'for link in inet tenant-881 br-881; do ip link set $link up; done',
  'ip address add 10.77.0.12/24 dev inet',
];
const QUERY = { host: 'cmp-12', signal: new AbortController().signal };

let kernel: ShellSession;
const readers = (run: RunOnHost): HostReaders =>
  hostReaders(run, { name: 'lab', hosts: [{ name: 'cmp-12', address: 'cmp-12:22' }], sudo: [] });
const runIt: RunOnHost = async (_host, { line }) => {
  const { exitCode, stdout = '', stderr = '' } = await kernel.run(line);
  return { exitCode, stdout: Buffer.from(stdout), stderr, isCut: false };
};
const without =
  (...missing: readonly string[]): RunOnHost =>
  (host, command, options) =>
    missing.some((one) => command.line.includes(one))
      ? Promise.resolve({
          exitCode: 255,
          stdout: Buffer.alloc(0),
          stderr: 'Option "-j" is unknown, try "ip -help".',
          isCut: false,
        })
      : runIt(host, command, options);

beforeAll(async () => {
  kernel = await startKernel();
  for (const line of SETUP) await kernel.must(line);
}, WORLD_TEST_TIMEOUT_MS);
afterAll(() => kernel?.close());

test.each([
  ['as JSON', 'json', runIt],
  ['as text, by an ip without JSON', 'text', without('ip -j')],
] as const)('the chain of VLANs, bonds, bridges and tunnels is read %s', async (_how, from, run) => {
  const { links, from: answeredBy } = await readers(run).links(QUERY);
  expect(answeredBy).toBe(from);
  const find = (name: string) => links.find((one) => one.name === name);
  expect(find('inet')).toMatchObject({
    kind: 'vlan',
    parent: 'bond0',
    mtu: 1500,
    vlan: { id: 20, protocol: '802.1Q' },
  });
  expect(find('tenant-881')).toMatchObject({
    kind: 'vlan',
    parent: 'inet',
    master: 'br-881',
    vlan: { id: 881, protocol: '802.1Q' },
  });
  expect(find('s400')).toMatchObject({ mtu: 1496, parent: 'eno2', vlan: { id: 400, protocol: '802.1ad' } });
  expect(find('c7')).toMatchObject({ mtu: 1492, parent: 's400', vlan: { id: 7, protocol: '802.1Q' } });
  expect(find('br-881')).toMatchObject({ kind: 'bridge', bridge: { hasStp: true } });
  expect(find('vxlan-204')).toMatchObject({
    kind: 'vxlan',
    parent: 'inet',
    tunnel: { id: 204, local: '10.77.0.12' },
  });
  expect(find('bond0')).toMatchObject({
    kind: 'bond',
    bond: { mode: 'active-backup', activeSlave: 'eno1', miimonMs: 0, arpIntervalMs: 0 },
  });
  expect(find('eno1')).toMatchObject({ master: 'bond0', bondSlave: { state: 'ACTIVE', miiStatus: 'UP' } });
  expect(find('eno1')?.flags).toContain('NO-CARRIER');
  expect(find('eno2')?.flags).toContain('LOWER_UP');
});

test('without ip, the files of the kernel have the VLANs, their parents and the MTUs', async () => {
  const { links, from } = await readers(without('ip -j', 'ip -d')).links(QUERY);
  expect(from).toBe('proc');
  const find = (name: string) => links.find((one) => one.name === name);
  expect(find('tenant-881')).toMatchObject({ mtu: 1500, parent: 'inet', vlan: { id: 881 } });
  expect(find('inet')).toMatchObject({ mtu: 1500, parent: 'bond0', vlan: { id: 20 } });
});

test('the bonding driver believes in a dead slave without link monitoring, and a bond without slaves is down', async () => {
  const bonds = await readers(runIt).bonds(QUERY);
  expect(bonds.map(({ name }) => name).toSorted()).toEqual(['bond0', 'bond9']);
  expect(bonds.find(({ name }) => name === 'bond0')).toMatchObject({
    activeSlave: 'eno1',
    miiStatus: 'up',
    miimonMs: 0,
    slaves: [
      { name: 'eno1', miiStatus: 'up', linkFailures: 0 },
      { name: 'eno2', miiStatus: 'up', linkFailures: 0 },
    ],
  });
  expect(bonds.find(({ name }) => name === 'bond9')).toMatchObject({
    miiStatus: 'down',
    miimonMs: 100,
    slaves: [],
  });
});

test('link monitoring notices it', async () => {
  await kernel.must('ip link set bond0 type bond miimon 100');
  await kernel.must(
    'until grep -q "Currently Active Slave: eno2" /proc/net/bonding/bond0; do sleep 0.1; done',
  );
  const bonds = await readers(runIt).bonds(QUERY);
  expect(bonds.find(({ name }) => name === 'bond0')).toMatchObject({
    activeSlave: 'eno2',
    slaves: [
      { name: 'eno1', miiStatus: 'down' },
      { name: 'eno2', miiStatus: 'up' },
    ],
  });
});

test('addresses and the clock are those of the kernel', async () => {
  expect(await readers(runIt).addresses(QUERY)).toContainEqual({
    link: 'inet',
    address: '10.77.0.12',
    prefixLength: 24,
    family: 'IPv4',
  });
  expect((await readers(runIt).clock(QUERY)).time).toBeInstanceOf(Date);
});
