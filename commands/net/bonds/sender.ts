import type { ports } from '../../kit.ts';
import type { BondState } from './bond-state.ts';
import type { DisabledPort } from './disabled-ports.ts';
import type { CloudFacts, HostFacts } from './facts.ts';
import { shortName } from './switch-port.ts';

/** Who sent the BPDUs that made switches disable the ports of a bond. */
export type Sender =
  /** Proven: the source MAC address is the host's own, and it has bridges with STP on. */
  | { readonly kind: 'bridge'; readonly mac: string; readonly bridges: readonly ports.Link[] }
  /** Proven: the source MAC address is the host's own. What on the host sent it is unknown. */
  | { readonly kind: 'host'; readonly mac: string; readonly link: string }
  /** Proven: the source MAC address is that of an instance. */
  | {
      readonly kind: 'instance';
      readonly mac: string;
      readonly port: ports.CloudPort;
      readonly server?: ports.CloudServer;
    }
  /** Proven: it is that of a port that is not of an instance. */
  | { readonly kind: 'port'; readonly mac: string; readonly port: ports.CloudPort }
  /** Proven: it is that of another host. */
  | { readonly kind: 'other-host'; readonly mac: string; readonly host: HostFacts; readonly link: ports.Link }
  /** There is a source MAC address, and no cloud knows it. `tap`: a guest with this address is connected there. */
  | {
      readonly kind: 'unknown-mac';
      readonly mac: string;
      readonly wasCloudAsked: boolean;
      readonly tap?: string;
    }
  /** The switch logs no source MAC address. Suspects are inferred from the time, or from a bridge with STP on. */
  | {
      readonly kind: 'inferred';
      readonly servers: readonly ports.CloudServer[];
      readonly bridges: readonly ports.Link[];
      readonly wereInstancesRead: boolean;
    };

/** How long before a BPDU, and after it because clocks differ, an instance was created that may have sent it. */
export const SUSPECT = { beforeMs: 15 * 60_000, afterMs: 60_000 };

/** The source MAC addresses that only a cloud can know. */
export function foreignMacs(
  host: HostFacts,
  bond: BondState,
  disabled: readonly DisabledPort[],
): readonly string[] {
  return macsIn(disabled).filter((mac) => ownLink(host, bond, mac) === undefined);
}

export function macsIn(disabled: readonly DisabledPort[]): readonly string[] {
  return [...new Set(disabled.flatMap(({ disabled: { sourceMacs } }) => sourceMacs))].toSorted();
}

/** The ports must have been disabled by BPDU guard. */
export function senderOf(
  bond: BondState,
  disabled: readonly DisabledPort[],
  cloud: CloudFacts | undefined,
  hosts: readonly HostFacts[],
): Sender {
  const { host } = bond;
  const bridges = stpBridges(host);
  const macs = macsIn(disabled);
  for (const mac of macs) {
    const link = ownLink(host, bond, mac);
    if (link === undefined) continue;
    const own = bridges.filter((bridge) => isReachedFrom(host, bridge, bond) || bridge.mac === mac);
    return own.length > 0 ? { kind: 'bridge', mac, bridges: own } : { kind: 'host', mac, link };
  }
  const [mac] = macs;
  if (mac === undefined) return inferred(host, bond, disabled, cloud);
  const port = cloud?.ports.find((one) => macs.includes(one.mac.toLowerCase()));
  if (!port) return senderOutsideCloud(mac, host, hosts, cloud?.arePortsComplete ?? false);
  const server = cloud?.servers.find(({ id }) => id === port.device);
  if (server || port.owner?.startsWith('compute:'))
    return { kind: 'instance', mac: port.mac, port, ...(server && { server }) };
  return { kind: 'port', mac: port.mac, port };
}

function senderOutsideCloud(
  mac: string,
  host: HostFacts,
  hosts: readonly HostFacts[],
  wasCloudAsked: boolean,
): Sender {
  const tap = host.links?.find((link) => isGuestEnd(link, mac))?.name;
  if (tap !== undefined) return { kind: 'unknown-mac', mac, wasCloudAsked, tap };
  const owners = hosts.flatMap((one) =>
    (one.links ?? [])
      .filter((link) => !GUEST_KINDS.has(link.kind ?? '') && link.mac === mac)
      .map((link) => ({ host: one, link })),
  );
  const [owner] = owners.toSorted((a, b) => rank(b.link) - rank(a.link));
  return owner && new Set(owners.map((one) => one.host)).size === 1
    ? { kind: 'other-host', mac, ...owner }
    : { kind: 'unknown-mac', mac, wasCloudAsked };
}

/** A bridge with STP on sends BPDUs with the address of the port that they leave by, which it often shares. */
function rank({ kind, bridge }: ports.Link): number {
  return bridge?.hasStp ? 2 : kind === 'bridge' ? 1 : 0;
}

/** libvirt gives a tap the address of its guest with another first byte: https://libvirt.org/formatdomain.html#network-interfaces */
function isGuestEnd({ kind = '', mac }: ports.Link, guest: string): boolean {
  return GUEST_KINDS.has(kind) && (mac === guest || mac === `fe${guest.slice(2)}`);
}

/** Their MAC addresses may be those of instances: they are a guest's end, or the other end of its cable. */
const GUEST_KINDS = new Set(['tun', 'tap', 'macvtap', 'macvlan', 'ipvlan', 'veth']);

function ownLink(host: HostFacts, bond: BondState, mac: string): string | undefined {
  const link = (host.links ?? []).find(
    (one) => !GUEST_KINDS.has(one.kind ?? '') && (one.mac === mac || one.permanentMac === mac),
  );
  return link?.name ?? bond.slaves.find((one) => one.permanentMac === mac || one.mac === mac)?.name;
}

export function stpBridges({ links = [] }: HostFacts): readonly ports.Link[] {
  return links.filter(({ kind, bridge }) => kind === 'bridge' && bridge?.hasStp === true);
}

/** Whether a bridge sends through a bond: the bond is its port, or a VLAN on the bond is. */
function isReachedFrom({ links = [] }: HostFacts, bridge: ports.Link, bond: BondState): boolean {
  return links.some(
    ({ name, parent, master }) => master === bridge.name && (name === bond.name || parent === bond.name),
  );
}

function inferred(
  host: HostFacts,
  bond: BondState,
  disabled: readonly DisabledPort[],
  cloud: CloudFacts | undefined,
): Sender {
  const times = disabled.flatMap((one) => one.disabled.times).map((at) => at.getTime());
  const wereInstancesRead = cloud?.readHosts.includes(host.name) ?? false;
  const servers = (wereInstancesRead ? (cloud?.servers ?? []) : []).filter(
    ({ host: on, createdAt }) =>
      createdAt !== undefined &&
      on !== undefined &&
      isOn(on, host) &&
      times.some((at) => {
        const aheadMs = at - createdAt.getTime();
        return aheadMs <= SUSPECT.beforeMs && aheadMs >= -SUSPECT.afterMs;
      }),
  );
  return {
    kind: 'inferred',
    servers: servers.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    bridges: stpBridges(host).filter((bridge) => isReachedFrom(host, bridge, bond)),
    wereInstancesRead,
  };
}

/** Whether a hypervisor, as the cloud names it, is this host. */
function isOn(hypervisor: string, { host, address }: HostFacts): boolean {
  return shortName(hypervisor) === shortName(host) || hypervisor === address;
}

/** The user whose instances it is, if it is known. */
export function usersOf(sender: Sender): readonly string[] {
  const servers =
    sender.kind === 'inferred'
      ? sender.servers
      : sender.kind === 'instance' && sender.server
        ? [sender.server]
        : [];
  return [...new Set(servers.flatMap(({ user }) => (user === undefined ? [] : [user])))];
}
