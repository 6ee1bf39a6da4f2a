import type { Link, LinkTunnel } from '../../ports/hosts.ts';
import { asObject, type JsonObject } from '../../wire/json-object.ts';
import { known, objectsInJson, toCount, toMac, toWord } from './values.ts';

/** Parses `ip -j -d link show`. undefined if it isn't understood; a host has at least one link. */
export function parseLinks(text: string): readonly Link[] | undefined {
  const objects = objectsInJson(text);
  const links = objects?.map(toLink);
  if (!links || links.length === 0 || !links.every((one) => one !== undefined)) return undefined;
  return withParents(links);
}

/**
 * Checks the parents of all links. An interface that was replaced during the listing may be in it twice: the later one exists. `if5` is the number of
 * a link that isn't in this network namespace.
 */
export function withParents(links: readonly Link[]): readonly Link[] {
  const byName = new Map(links.map((link) => [link.name, link]));
  return [...byName.values()].map(({ parent, ...link }) => {
    // The other end of a pair is not below it.
    if (parent === undefined || link.kind === 'veth') return link;
    if (byName.has(parent)) return { ...link, parent };
    return /^if\d+$/.test(parent) ? { ...link, isParentElsewhere: true } : { ...link, parent };
  });
}

function toLink(object: JsonObject): Link | undefined {
  const name = toWord(object['ifname']);
  if (name === undefined) return undefined;
  const info = asObject(object['linkinfo']);
  const data = asObject(info['info_data']);
  const slave = asObject(info['info_slave_data']);
  const kind = toWord(info['info_kind']);
  const flags: unknown = object['flags'];
  const isElsewhere = object['link_netnsid'] !== undefined && kind !== 'veth';
  return {
    name,
    flags: Array.isArray(flags) ? flags.filter((flag) => typeof flag === 'string') : [],
    ...known({
      index: toCount(object['ifindex']),
      kind,
      type: toWord(object['link_type']),
      mtu: toCount(object['mtu']),
      minMtu: toCount(object['min_mtu']),
      maxMtu: toCount(object['max_mtu']),
      mac: toMac(object['address']),
      permanentMac: toMac(object['permaddr']) ?? toMac(slave['perm_hwaddr']),
      state: toWord(object['operstate'])?.toUpperCase(),
      parent: isElsewhere ? undefined : (toWord(object['link']) ?? toWord(data['link'])),
      isParentElsewhere: isElsewhere ? (true as const) : undefined,
      master: toWord(object['master']),
      alias: toWord(object['ifalias']),
      vlan: toVlan(kind, data),
      tunnel: toTunnel(kind, data),
    }),
    ...(kind === 'bond' && { bond: toBond(data) }),
    ...(kind === 'bridge' && { bridge: toBridge(data) }),
    ...toSlave(toWord(info['info_slave_kind']), slave),
  };
}

function toVlan(kind: string | undefined, data: JsonObject): Link['vlan'] {
  const id = toCount(data['id']);
  if (kind !== 'vlan' || id === undefined) return undefined;
  return { id, ...known({ protocol: toWord(data['protocol']) }) };
}

const TUNNEL = /^(?:vxlan|geneve|(?:ip6)?(?:gre|gretap|erspan|tnl)|ipip|sit|vti6?|gtp|bareudp)$/;

/** Whether links of this kind send packets inside packets. */
export function isTunnel(kind: string | undefined): boolean {
  return kind !== undefined && TUNNEL.test(kind);
}

function toTunnel(kind: string | undefined, data: JsonObject): LinkTunnel | undefined {
  if (!isTunnel(kind)) return undefined;
  const end = (...keys: readonly string[]): string | undefined =>
    keys.map((key) => toTunnelEnd(data[key])).find((one) => one !== undefined);
  return known({
    id: toCount(data['id']) ?? toTunnelKey(data['okey']) ?? toTunnelKey(data['ikey']),
    local: end('local', 'local6'),
    remote: end('remote', 'remote6', 'group', 'group6'),
    isFlowBased: data['external'] === true ? (true as const) : undefined,
  });
}

/** `any` and the zero address are unset. */
export function toTunnelEnd(value: unknown): string | undefined {
  const text = toWord(value);
  return text === undefined || ['any', '0.0.0.0', '::'].includes(text) ? undefined : text;
}

/** The key of GRE is printed like an IPv4 address: `0.0.0.5`. */
export function toTunnelKey(value: unknown): number | undefined {
  const parts = typeof value === 'string' ? value.split('.').map(toCount) : [];
  if (parts.length !== 4) return toCount(value);
  return parts.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part === undefined ? undefined : sum * 256 + part),
    0,
  );
}

function toBond(data: JsonObject): NonNullable<Link['bond']> {
  return known({
    mode: toWord(data['mode']),
    activeSlave: toWord(data['active_slave']),
    miimonMs: toCount(data['miimon']),
    arpIntervalMs: toCount(data['arp_interval']),
    partnerMac: toMac(asObject(data['ad_info'])['partner_mac']),
  });
}

/** `stp_state` is 2 if a daemon runs the protocol. */
function toBridge(data: JsonObject): NonNullable<Link['bridge']> {
  const stp = toCount(data['stp_state']);
  const filtering = toCount(data['vlan_filtering']);
  return known({
    hasStp: stp === undefined ? undefined : stp > 0,
    isVlanAware: filtering === undefined ? undefined : filtering > 0,
    id: toWord(data['bridge_id']),
  });
}

function toSlave(kind: string | undefined, data: JsonObject): Pick<Link, 'bondSlave' | 'bridgePort'> {
  if (kind === 'bridge') return { bridgePort: known({ state: toWord(data['state']) }) };
  if (kind !== 'bond') return {};
  return {
    bondSlave: known({
      state: toWord(data['state']),
      miiStatus: toWord(data['mii_status']),
      linkFailures: toCount(data['link_failure_count']),
    }),
  };
}
