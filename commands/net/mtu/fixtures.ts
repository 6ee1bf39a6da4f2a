import type { ports } from '../../kit.ts';
import { cloudSource, hostSource, type StoredHost } from '../../shared/fixture-hosts.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import { blue, bondOf, computeLinks, vlanOn, vxlanOn } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');

const green: ports.CloudNetwork = {
  id: '4be2c7d0-1187-4c0b-9e0e-0d8f6a1b2c3d',
  name: 'green',
  mtu: 1_450,
  type: 'vxlan',
  segment: 204,
};

const address = (link: string, last: number): ports.LinkAddress => ({
  link,
  address: `10.77.0.${last}`,
  prefixLength: 24,
  family: 'IPv4',
});

/** A tunnel whose underlay is only known by its address. */
const gateway = (name: string, last: number, mtu: number): StoredHost => ({
  name,
  links: [
    ...bondOf(1_500),
    vlanOn('bond0', 'underlay', 77),
    vxlanOn(undefined, 'vxlan-204', 204, { local: `10.77.0.${last}`, mtu }),
  ],
  addresses: [address('underlay', last), { ...address('vxlan-204', 1), address: `192.0.2.${last}` }],
  logs: { kernel: [{ text: 'eno1: mtu greater than device maximum' }] },
});

const compute = (name: string, last: number, parent: string): StoredHost => ({
  name,
  links: computeLinks(parent),
  addresses: [address('inet', last)],
  settings: [
    {
      file: '/etc/neutron/plugins/ml2/linuxbridge_agent.ini',
      line: 2,
      section: 'linux_bridge',
      key: 'physical_interface_mappings',
      value: `physnet1:${parent}`,
    },
  ],
});

function environment(
  computes: readonly StoredHost[],
  gateways: readonly StoredHost[],
): Partial<ports.Readers> {
  const pathMtus = { 'compute-1': 1_500, 'compute-2': 1_496 };
  return {
    hosts: [
      hostSource({ name: 'compute', now, hosts: computes.map((one) => ({ ...one, pathMtus })) }),
      hostSource({ name: 'gateway', now, hosts: gateways }),
    ],
    cloud: [
      cloudSource({ name: 'east', networks: [blue] }),
      cloudSource({ name: 'west', networks: [green] }),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  {
    title: 'two compute nodes and two gateways',
    status: 'clear',
    now,
    read: () =>
      environment(
        [compute('compute-1', 11, 'bond0'), compute('compute-2', 12, 'bond0')],
        [gateway('gateway-1', 21, 1_450), gateway('gateway-2', 22, 1_450)],
      ),
  },
  {
    title: 'VLANs on a VLAN, a tunnel that is too large, another that is smaller, and a short path',
    status: 'found',
    now,
    args: { probe: 'compute-1,compute-2' },
    read: () =>
      environment(
        [compute('compute-1', 11, 'bond0'), compute('compute-2', 12, 'inet')],
        [
          gateway('gateway-1', 21, 1_450),
          gateway('gateway-2', 22, 1_450),
          gateway('gateway-3', 23, 1_500),
          gateway('gateway-4', 24, 1_400),
        ],
      ),
  },
];
