import type { Finding, ports } from '../../kit.ts';
import { isGuestPort, isUp, type LinkTable, NETWORK_BRIDGE } from './link-table.ts';

/** Ports of one bridge that don't take what the others send. */
export interface BridgeMismatch {
  readonly reason: 'network-mtu' | 'bridge-port-mtu';
  readonly severity: Finding['severity'];
  readonly table: LinkTable;
  readonly bridge: ports.Link;
  /** The ports that are too small. */
  readonly small: readonly ports.Link[];
  /** The frames that they drop have up to this MTU. */
  readonly mtu: number;
  readonly network?: ports.CloudNetwork;
}

export function isNetworkBridge({ name, kind }: Pick<ports.Link, 'name' | 'kind'>): boolean {
  return kind === 'bridge' && NETWORK_BRIDGE.test(name);
}

export function networkOfBridge(
  bridge: string | undefined,
  networks: readonly ports.CloudNetwork[],
): ports.CloudNetwork | undefined {
  const [, prefix] = NETWORK_BRIDGE.exec(bridge ?? '') ?? [];
  return prefix === undefined ? undefined : networks.find(({ id }) => id.startsWith(prefix));
}

/**
 * A bridge drops a frame that is larger than the MTU of the port it leaves by. The MTUs of guests are not known, so ports that differ are a warning; it is
 * certain if Neutron announces a larger MTU to guests than the uplink has.
 */
export function bridgeMismatchesOf(
  table: LinkTable,
  networks: readonly ports.CloudNetwork[],
): readonly BridgeMismatch[] {
  return table.host.links
    .filter((link) => link.kind === 'bridge' && isUp(link))
    .flatMap((bridge) => {
      const members = table.membersOf(bridge.name);
      const guests = members.filter(isGuestPort);
      if (guests.length === 0) return [];
      const uplinks = members.filter((port) => !isGuestPort(port) && port.kind !== 'dummy');
      const network = networkOfBridge(bridge.name, networks);
      const known = { table, bridge };
      return network?.mtu === undefined
        ? unequalPorts(known, guests, uplinks)
        : tooSmallFor(network, network.mtu, known, guests, uplinks);
    });
}

type Known = Pick<BridgeMismatch, 'table' | 'bridge'>;

function tooSmallFor(
  network: ports.CloudNetwork,
  mtu: number,
  known: Known,
  guests: readonly ports.Link[],
  uplinks: readonly ports.Link[],
): readonly BridgeMismatch[] {
  const below = (links: readonly ports.Link[]) =>
    links.filter((link) => link.mtu !== undefined && link.mtu < mtu);
  const found = { reason: 'network-mtu' as const, ...known, mtu, network };
  return [
    { ...found, severity: 'critical' as const, small: below(uplinks) },
    { ...found, severity: 'warning' as const, small: below(guests) },
  ].filter(({ small }) => small.length > 0);
}

function unequalPorts(
  known: Known,
  guests: readonly ports.Link[],
  uplinks: readonly ports.Link[],
): readonly BridgeMismatch[] {
  const sizes = guests.flatMap(({ mtu = [] }) => mtu);
  const mtu = Math.max(...sizes);
  const smallUplinks = uplinks.filter((port) => port.mtu !== undefined && port.mtu < mtu);
  const found = { reason: 'bridge-port-mtu' as const, severity: 'warning' as const, ...known, mtu };
  if (smallUplinks.length > 0) return [{ ...found, small: smallUplinks }];
  const smallGuests = guests.filter((port) => port.mtu !== undefined && port.mtu < mtu);
  return smallGuests.length > 0 && uplinks.length > 0 ? [{ ...found, small: smallGuests }] : [];
}
