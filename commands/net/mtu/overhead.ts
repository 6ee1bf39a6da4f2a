import type { ports } from '../../kit.ts';

/** What a tunnel adds to each packet, in bytes that count against the MTU of the link below it. */
export interface Overhead {
  readonly bytes: number;
  /** The IP version of the outer packet: `IPv4`. Absent if the link doesn't say. */
  readonly family?: 'IPv4' | 'IPv6';
}

/** `v4`, `v6`: the header of a tunnel kind for which the kernel has one kind for each IP version. */
interface TunnelKind {
  /** Without the outer IP header. The inner Ethernet header counts for tunnels of frames. */
  readonly header: number;
  /** A key adds 4 bytes. */
  readonly hasKey?: true;
  readonly family?: 'IPv4' | 'IPv6';
}

/**
 * The least that each kind adds: options of Geneve and checksums of GRE add more.
 * https://docs.openstack.org/neutron/latest/admin/config-mtu.html and
 * https://opendev.org/openstack/neutron-lib/src/branch/master/neutron_lib/constants.py: 30 bytes and the IP header for VXLAN and Geneve, 22 for GRE with a
 * key.
 */
const TUNNELS: Readonly<Record<string, TunnelKind>> = {
  vxlan: { header: 30 },
  geneve: { header: 30 },
  gretap: { header: 18, hasKey: true, family: 'IPv4' },
  ip6gretap: { header: 18, hasKey: true, family: 'IPv6' },
  gre: { header: 4, hasKey: true, family: 'IPv4' },
  ip6gre: { header: 4, hasKey: true, family: 'IPv6' },
  ipip: { header: 0, family: 'IPv4' },
  sit: { header: 0, family: 'IPv4' },
  ip6tnl: { header: 0, family: 'IPv6' },
  // 8 bytes of UDP and 32 of its own: https://www.wireguard.com/protocol/
  wireguard: { header: 40 },
};

const IP_HEADER = { IPv4: 20, IPv6: 40 } as const;

const WORDS: Readonly<Record<string, string>> = {
  vxlan: 'VXLAN',
  geneve: 'Geneve',
  gretap: 'GRE',
  ip6gretap: 'GRE',
  gre: 'GRE',
  ip6gre: 'GRE',
  ipip: 'IPIP',
  sit: 'SIT',
  wireguard: 'WireGuard',
};

/** `VXLAN` */
export function tunnelWord(kind = 'tunnel'): string {
  return WORDS[kind] ?? kind;
}

/** undefined if the link is no tunnel of a known kind. */
export function overheadOf({ kind, tunnel }: Pick<ports.Link, 'kind' | 'tunnel'>): Overhead | undefined {
  const known = kind === undefined ? undefined : TUNNELS[kind];
  if (!known) return undefined;
  const family = known.family ?? familyOf(tunnel?.local) ?? familyOf(tunnel?.remote);
  const key = known.hasKey && tunnel?.id !== undefined ? 4 : 0;
  return { bytes: known.header + key + IP_HEADER[family ?? 'IPv4'], ...(family && { family }) };
}

export function isTunnel(kind: string | undefined): boolean {
  return kind !== undefined && kind in TUNNELS;
}

function familyOf(address: string | undefined): 'IPv4' | 'IPv6' | undefined {
  if (address === undefined || ['any', '0.0.0.0', '::'].includes(address)) return undefined;
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
