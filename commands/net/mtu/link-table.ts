import type { ports } from '../../kit.ts';
import type { HostLinksFacts } from './facts.ts';

/** The links of a host, by name and by what they belong to. */
export interface LinkTable {
  readonly host: HostLinksFacts;
  readonly find: (name: string) => ports.Link | undefined;
  /** Its ports or slaves that are up. */
  readonly membersOf: (master: string) => readonly ports.Link[];
  readonly childrenOf: (parent: string) => readonly ports.Link[];
  /** The link with this address. undefined if it is on none, or if the addresses weren't read. */
  readonly withAddress: (address: string) => ports.Link | undefined;
}

export function linkTableOf(host: HostLinksFacts): LinkTable {
  const byName = new Map(host.links.map((link) => [link.name, link]));
  const members = Map.groupBy(host.links, ({ master }) => master);
  const children = Map.groupBy(host.links, ({ parent }) => parent);
  return {
    host,
    find: (name) => byName.get(name),
    membersOf: (master) => (members.get(master) ?? []).filter(isUp),
    childrenOf: (parent) => children.get(parent) ?? [],
    withAddress: (address) => {
      const found = host.addresses?.find((one) => one.address === address);
      return found && byName.get(found.link);
    },
  };
}

const DOWN: ReadonlySet<string | undefined> = new Set(['DOWN', 'LOWERLAYERDOWN', 'NOTPRESENT']);

/** A tap whose state is `UNKNOWN` is up. */
export function isUp({ flags, state }: Pick<ports.Link, 'flags' | 'state'>): boolean {
  return flags.includes('UP') && !flags.includes('NO-CARRIER') && !DOWN.has(state);
}

/** The ends of guests and namespaces at a bridge. */
const GUEST_KINDS: ReadonlySet<string | undefined> = new Set(['tun', 'tap', 'veth', 'macvtap']);

export function isGuestPort({ kind }: Pick<ports.Link, 'kind'>): boolean {
  return GUEST_KINDS.has(kind);
}

/**
 * Whether traffic uses a link: `used` if it has an address, or is bridged with a guest; `bridged` if it is in a bridge without either;
 * `idle` if it is in none. `unknown` if the addresses couldn't be read, and for tunnels that need none. A link under a used one is used.
 */
export type Usage = 'used' | 'bridged' | 'unknown' | 'idle';

export function usageOf(table: LinkTable, link: ports.Link, seen: ReadonlySet<string> = new Set()): Usage {
  if (seen.has(link.name)) return 'unknown';
  const above = new Set([...seen, link.name]);
  if (hasAddress(table, link.name)) return 'used';
  const users = table.childrenOf(link.name).filter(isUp);
  if (users.some((child) => usageOf(table, child, above) === 'used')) return 'used';
  const found = link.master === undefined ? undefined : table.find(link.master);
  const bridge = found && isUp(found) && found.kind !== 'vrf' ? found : undefined;
  if (bridge?.kind === 'bridge' && isBridgeUsed(table, bridge)) return 'used';
  if (bridge?.kind !== undefined) return 'bridged';
  if (!table.host.addresses || link.tunnel?.isFlowBased) return 'unknown';
  return users.length > 0 ? 'bridged' : 'idle';
}

function isBridgeUsed(table: LinkTable, { name }: ports.Link): boolean {
  return NETWORK_BRIDGE.test(name) || table.membersOf(name).some(isGuestPort) || hasAddress(table, name);
}

/**
 * Neutron names the bridge of a network `brq` and the first 11 characters of its id. Its agent deletes a bridge without ports of guests, routers or DHCP
 * servers: `remove_empty_bridges` in
 * https://opendev.org/openstack/neutron/src/tag/2023.1-eol/neutron/plugins/ml2/drivers/linuxbridge/agent/linuxbridge_neutron_agent.py
 */
export const NETWORK_BRIDGE = /^brq([0-9a-f-]{11})$/;

/**
 * The largest packets that are sent by a link: its MTU. If it only carries what a bridge forwards to it, no more than the other ports of the bridge
 * take: a VXLAN with an MTU of 1500 carries 1450 if its guests' ports have that.
 */
export function sentMtuOf(table: LinkTable, { name, mtu, master }: ports.Link): number | undefined {
  const bridge = master === undefined ? undefined : table.find(master);
  if (mtu === undefined || bridge?.kind !== 'bridge' || hasAddress(table, name)) return mtu;
  if (table.childrenOf(name).some(isUp)) return mtu;
  const others = table.membersOf(bridge.name).filter((port) => port.name !== name);
  const senders = hasAddress(table, bridge.name) ? [...others, bridge] : others;
  const sizes = senders.flatMap((sender) => sender.mtu ?? []);
  return sizes.length === 0 || sizes.length < senders.length ? mtu : Math.min(mtu, Math.max(...sizes));
}

/** Every link that is up has a link-local address. */
function hasAddress({ host }: LinkTable, link: string): boolean {
  return (host.addresses ?? []).some(
    (one) => one.link === link && !one.address.toLowerCase().startsWith('fe80:'),
  );
}
