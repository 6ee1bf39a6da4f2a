import type { ports } from '../../kit.ts';
import { cloudSource, hostSource, logSource, type StoredHost } from '../../shared/fixture-hosts.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import { bond, lacpBond, link, lost, NO_CARRIER, slave } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');
const PARTNER = '02:5a:00:00:00:6e';

function healthyHost(name: string): StoredHost {
  return {
    name,
    bonds: [bond('bond0', [slave('eno1'), slave('eno2')])],
    links: [
      link('eno1', { master: 'bond0' }),
      link('eno2', { master: 'bond0' }),
      link('bond0', { kind: 'bond', bond: { mode: 'active-backup', activeSlave: 'eno1', miimonMs: 100 } }),
    ].map((one) =>
      one.master === undefined
        ? one
        : { ...one, bondSlave: { state: 'ACTIVE', miiStatus: 'UP', linkFailures: 0 } },
    ),
  };
}

function lacpHost(name: string): StoredHost {
  const slaves = ['eno1', 'eno2'].map((one) => slave(one, { aggregatorId: 1, partnerMac: PARTNER }));
  return {
    name,
    bonds: [lacpBond('bond0', slaves, { aggregator: { id: 1, ports: 2, partnerMac: PARTNER } })],
    links: [
      link('eno1', { master: 'bond0' }),
      link('eno2', { master: 'bond0' }),
      link('bond0', { kind: 'bond', bond: { mode: '802.3ad', miimonMs: 100, partnerMac: PARTNER } }),
    ],
  };
}

function blockedHost(name: string, neighbor: ports.SwitchNeighbor): StoredHost {
  return {
    name,
    bonds: [bond('bond0', [lost('eno1'), lost('eno2')])],
    links: [
      link('eno1', { master: 'bond0', flags: NO_CARRIER }),
      link('eno2', { master: 'bond0', flags: NO_CARRIER }),
      link('bond0', { kind: 'bond', flags: NO_CARRIER, bond: { mode: 'active-backup', miimonMs: 100 } }),
    ],
    neighbors: [neighbor],
  };
}

function blocked(at: string, host: string, port: string, mac?: string): ports.LogLine {
  const sender = mac === undefined ? '' : ` (source mac ${mac})`;
  return {
    at: new Date(at),
    host,
    text: `%STP-2-BLOCK_BPDUGUARD: Received BPDU on port ${port} with BPDU Guard enabled. Disabling port.${sender}`,
  };
}

const MAC = 'fa:16:3e:00:00:07';

function environment(inA: readonly StoredHost[], inB: readonly StoredHost[]): Partial<ports.Readers> {
  return {
    hosts: [hostSource({ name: 'rack-a', now, hosts: inA }), hostSource({ name: 'rack-b', now, hosts: inB })],
    logs: [
      logSource({
        name: 'switches-a',
        contains: ['switch'],
        lines: [blocked('2026-11-26T11:20:00Z', 'leaf-a', 'Ethernet1/1')],
        switchPorts: [{ switch: 'leaf-a', port: 'Eth1/1', host: 'rack-a-1' }],
      }),
      logSource({
        name: 'switches-b',
        contains: ['switch'],
        lines: [blocked('2026-11-26T11:40:00Z', 'leaf-b', 'Ethernet1/2', MAC)],
      }),
    ],
    cloud: [
      cloudSource({
        name: 'region-a',
        servers: [
          {
            id: 'server-1',
            name: 'fw-1',
            user: 'u-7',
            host: 'rack-a-1',
            createdAt: new Date('2026-11-26T11:15:00Z'),
          },
        ],
      }),
      cloudSource({
        name: 'region-b',
        ports: [{ id: 'port-2', mac: MAC, device: 'server-2', owner: 'compute:nova', addresses: [] }],
        servers: [{ id: 'server-2', name: 'fw-2', user: 'u-8', host: 'rack-b-1' }],
      }),
    ],
  };
}

const answeredOtherwise: Fixture['answeredOtherwise'] = [
  {
    answer: /\.links\(/,
    because: 'the driver reports the same about a bond that checks its links; a note says so',
  },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'every bond has all its links',
    status: 'clear',
    now,
    read: () => environment([healthyHost('rack-a-1'), lacpHost('rack-a-2')], [healthyHost('rack-b-1')]),
    answeredOtherwise: [
      ...answeredOtherwise,
      {
        answer: /\.bonds\((rack-[ab]-1\)|rack-a-2\): whether)/,
        because: 'the links show the same, of an active-backup bond all of it; a note says so',
      },
    ],
  },
  {
    title: 'BPDU guard has cut off two hosts',
    status: 'found',
    now,
    read: () =>
      environment(
        [
          blockedHost('rack-a-1', { link: 'eno1', switch: 'leaf-a', port: 'Ethernet1/1' }),
          lacpHost('rack-a-2'),
        ],
        [blockedHost('rack-b-1', { link: 'eno1', switch: 'leaf-b', port: 'Ethernet1/2' })],
      ),
    answeredOtherwise: [{ answer: /\.bonds\(rack-a-2\): whether/, because: 'the links show the same' }],
  },
];
