import type { ports } from '../../kit.ts';
import type { Facts, HostLinksFacts } from './facts.ts';

/** Builders of links and facts for stories, fixtures and tests. */

export function factsOf(hosts: readonly HostLinksFacts[], known: Partial<Facts> = {}): Facts {
  return { hosts, networks: [], probes: [], rejectedKeys: [], earlier: [], ...known };
}

export function hostWith(
  name: string,
  links: readonly ports.Link[],
  known: Partial<HostLinksFacts> = {},
): HostLinksFacts {
  return { name, source: 'compute', host: name, links: [loopback, ...links], ...known };
}

const loopback: ports.Link = {
  name: 'lo',
  type: 'loopback',
  mtu: 65_536,
  flags: ['LOOPBACK', 'UP', 'LOWER_UP'],
  state: 'UNKNOWN',
};

/** A NIC that is up, with overrides. */
export function nic(name: string, known: Partial<ports.Link> = {}): ports.Link {
  return {
    name,
    type: 'ether',
    mtu: 1_500,
    minMtu: 68,
    maxMtu: 9_216,
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    state: 'UP',
    ...known,
  };
}

function virtual(name: string, kind: string, known: Partial<ports.Link>): ports.Link {
  return nic(name, { kind, maxMtu: 65_535, ...known });
}

/** `bond0` of `eno1` and `eno2`, all with one MTU. */
export function bondOf(mtu: number, known: Partial<ports.Link> = {}): readonly ports.Link[] {
  const slave = (name: string, state: string) =>
    nic(name, {
      flags: ['BROADCAST', 'MULTICAST', 'SLAVE', 'UP', 'LOWER_UP'],
      master: 'bond0',
      bondSlave: { state, miiStatus: 'UP', linkFailures: 0 },
      mtu,
      ...known,
    });
  return [
    slave('eno1', 'ACTIVE'),
    slave('eno2', 'BACKUP'),
    virtual('bond0', 'bond', { mtu, bond: { mode: 'active-backup', activeSlave: 'eno1', miimonMs: 100 } }),
  ];
}

export function vlanOn(
  parent: string,
  name: string,
  id: number,
  { protocol = '802.1Q', ...known }: Partial<ports.Link> & { readonly protocol?: string } = {},
): ports.Link {
  return virtual(name, 'vlan', { parent, vlan: { id, protocol }, ...known });
}

export function vxlanOn(
  parent: string | undefined,
  name: string,
  id: number,
  { local, ...known }: Partial<ports.Link> & { readonly local?: string } = {},
): ports.Link {
  return virtual(name, 'vxlan', {
    ...(parent !== undefined && { parent }),
    tunnel: { id, ...(local !== undefined && { local }) },
    ...known,
  });
}

export function bridge(name: string, known: Partial<ports.Link> = {}): ports.Link {
  return virtual(name, 'bridge', { bridge: { hasStp: false }, ...known });
}

/** The port of a guest. */
export function tap(name: string, master: string, known: Partial<ports.Link> = {}): ports.Link {
  return virtual(name, 'tun', { master, state: 'UNKNOWN', bridgePort: { state: 'forwarding' }, ...known });
}

/** A network of Neutron, whose bridge is `brq7d1c0a52-3e`. */
export const blue: ports.CloudNetwork = {
  id: '7d1c0a52-3e44-4a51-9a0c-6a3a0d6f7781',
  name: 'blue',
  mtu: 1_500,
  type: 'vlan',
  physicalNetwork: 'physnet1',
  segment: 881,
};
export const BLUE_BRIDGE = 'brq7d1c0a52-3e';

/** A compute node with VLAN 881 of a project in a bridge with a guest, on `bond0` or on another VLAN there. */
export function computeLinks(
  parent: string,
  { mtu = 1_500, tapName = 'tap0b6d2c11-90' }: { readonly mtu?: number; readonly tapName?: string } = {},
): readonly ports.Link[] {
  return [
    ...bondOf(mtu),
    vlanOn('bond0', 'inet', 20),
    vlanOn(parent, 'tenant-881', 881, { master: BLUE_BRIDGE, bridgePort: { state: 'forwarding' } }),
    bridge(BLUE_BRIDGE),
    tap(tapName, BLUE_BRIDGE),
  ];
}
