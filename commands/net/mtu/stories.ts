import type { ports, Story } from '../../kit.ts';
import {
  blue,
  bondOf,
  bridge,
  computeLinks,
  factsOf,
  hostWith,
  nic,
  tap,
  vlanOn,
  vxlanOn,
} from './builders.ts';
import type { Facts, HostLinksFacts } from './facts.ts';

/** A node of nova-network: VLAN 100 of a project in br100, on top of VLAN 20. */
function novaNode(name: string): HostLinksFacts {
  return hostWith(
    name,
    [
      ...bondOf(1_500),
      vlanOn('bond0', 'vlan20', 20),
      vlanOn('vlan20', 'vlan100', 100, { master: 'br100' }),
      bridge('br100'),
      tap('vnet0', 'br100'),
    ],
    {
      settings: [
        { file: '/etc/nova/nova.conf', line: 41, section: 'DEFAULT', key: 'vlan_interface', value: 'vlan20' },
      ],
    },
  );
}

/** A new cloud: sessions hang as soon as a command prints a lot. */
export const doubleVlan: Story<Facts> = {
  title: 'The VLANs of all projects on another VLAN',
  source:
    '"Double VLAN" in https://github.com/openstack/openstack-manuals/blob/2603dc85e537086638648d7d31884df285029614/doc/ops-guide/source/app_crypt.rst',
  now: new Date('2013-03-18T16:00:00Z'),
  facts: factsOf(['c01', 'c02', 'c03', 'cloud-controller'].map(novaNode)),
};

/** The same with Neutron, on one node of two. */
export const oneNode: Story<Facts> = {
  title: 'One compute node with its VLANs on another VLAN',
  source:
    'https://github.com/libremesh/lime-packages/issues/580: a VLAN on a VLAN has 4 bytes less, whatever the links are called',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: factsOf(
    [
      hostWith('node-7', computeLinks('bond0')),
      hostWith('node-8', computeLinks('inet', { tapName: 'tap5f21e0aa-17' }), {
        settings: [
          {
            file: '/etc/neutron/plugins/ml2/linuxbridge_agent.ini',
            line: 2,
            section: 'linux_bridge',
            key: 'physical_interface_mappings',
            value: 'physnet1:inet',
          },
        ],
      }),
    ],
    { networks: [blue] },
  ),
};

/** VLANs of customers in a service VLAN, with space for both tags. */
export const serviceVlan: Story<Facts> = {
  title: 'Stacked VLANs that are intended and fit',
  source: 'https://github.com/CumulusNetworks/ifupdown2/issues/74: the outer VLAN has the protocol 802.1ad',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: factsOf([
    hostWith('edge-1', [
      ...bondOf(9_216),
      vlanOn('bond0', 'svc', 400, { protocol: '802.1ad', mtu: 1_504 }),
      vlanOn('svc', 'customer-17', 17, { master: 'br17' }),
      bridge('br17'),
      tap('vnet3', 'br17'),
    ]),
  ]),
};

const green: ports.CloudNetwork = {
  id: '4be2c7d0-1187-4c0b-9e0e-0d8f6a1b2c3d',
  name: 'green',
  mtu: 1_500,
  type: 'vxlan',
  segment: 204,
};

function tunnelNode(name: string, last: number, underlayMtu: number): HostLinksFacts {
  return hostWith(name, [
    ...bondOf(underlayMtu),
    vlanOn('bond0', 'tunnels', 77, { mtu: underlayMtu }),
    vxlanOn('tunnels', 'vxlan-204', 204, { local: `10.77.0.${last}`, master: 'brq4be2c7d0-11' }),
    bridge('brq4be2c7d0-11'),
    tap(`tap9c40de77-${last}`, 'brq4be2c7d0-11'),
  ]);
}

/** The network has an MTU of 1500, and one host was not prepared for the 50 bytes of VXLAN. */
export const underlayTooSmall: Story<Facts> = {
  title: 'One host whose links are too small for VXLAN',
  source: 'https://github.com/rcbops/ansible-lxc-rpc/issues/129',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: factsOf([tunnelNode('node-21', 21, 1_550), tunnelNode('node-22', 22, 1_500)], { networks: [green] }),
};

function storageNode(name: string, mtu: number, maxMtu: number): HostLinksFacts {
  return hostWith(
    name,
    [...bondOf(mtu, { maxMtu }), vlanOn('bond0', 'stor', 300, { mtu }), vlanOn('bond0', 'mgmt', 10)],
    mtu === 1_500 ? { kernelLines: ['bnx2 0000:03:00.0 eno1: Invalid MTU 9000 requested, hw max 1500'] } : {},
  );
}

/** Jumbo frames on the storage network, but the NICs of one host don't support them. */
export const jumboFrames: Story<Facts> = {
  title: 'One host without jumbo frames, whose driver refuses them',
  source: 'https://github.com/xcp-ng/xcp/issues/488',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: factsOf([
    storageNode('store-1', 9_000, 9_500),
    storageNode('store-2', 9_000, 9_500),
    storageNode('store-3', 1_500, 1_500),
  ]),
};

/** A measured path: a switch port between two hosts has a smaller MTU than both. */
export const shortPath: Story<Facts> = {
  title: 'A switch port with a smaller MTU than the hosts at both ends',
  source: 'https://github.com/xcp-ng/xcp/issues/339',
  now: new Date('2026-11-26T12:00:00Z'),
  args: { probe: 'store-1,store-2' },
  facts: factsOf(
    ['store-1', 'store-2'].map((name) => hostWith(name, [nic('eth0', { mtu: 9_000 })])),
    {
      probes: [
        {
          from: 'store-1',
          to: 'store-2',
          fromMtu: 9_000,
          toMtu: 9_000,
          isDirect: true,
          result: { address: '10.0.0.2', bytes: 1_500, failedBytes: 1_501 },
        },
      ],
    },
  ),
};
