import type { Link } from '../../ports/hosts.ts';
import { isTunnel, toTunnelEnd, toTunnelKey, withParents } from './links.ts';
import { known, toCount, toMac } from './values.ts';

/** `5: vlan100@vlan20: <BROADCAST,UP> mtu 1500 qdisc noqueue master br100 state UP mode DEFAULT` */
const HEADER = /^(?<index>\d+): (?<name>[^\s@:]+)(?:@(?<parent>[^\s:]+))?: <(?<flags>[^>]*)>(?<rest>.*)$/;
/** Lines that don't begin with the kind of the link. */
const NOT_A_KIND =
  /^(?:link\/|alias$|altname$|vf$|RX|TX|addrgenmode$|numtxqueues$|promiscuity$|prog\/|.*_slave$)/;

/** Parses the text of `ip -d link show`, for versions that print no JSON. undefined if it isn't understood. */
export function parseLinksText(text: string): readonly Link[] | undefined {
  const blocks: { readonly header: RegExpExecArray; readonly details: string[] }[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const header = HEADER.exec(line);
    if (header) blocks.push({ header, details: [] });
    else if (/^\s/.test(line) && blocks.length > 0) blocks.at(-1)!.details.push(line.trim());
    else return undefined;
  }
  if (blocks.length === 0) return undefined;
  return withParents(blocks.map(({ header, details }) => toLink(header, details)));
}

function toLink(header: RegExpExecArray, lines: readonly string[]): Link {
  const { index, name = '', parent, flags = '', rest = '' } = header.groups ?? {};
  const words = lines.map((line) => line.split(/\s+/));
  const hardware = words.find(([first]) => first?.startsWith('link/')) ?? [];
  const kindWords =
    words.find(([first = '']) => /^[a-z][a-z0-9_]*$/.test(first) && !NOT_A_KIND.test(first)) ?? [];
  const [kind] = kindWords;
  const detail = (key: string): string | undefined => wordAfter(kindWords, key);
  const head = rest.split(/\s+/);
  const isElsewhere = wordAfter(hardware, 'link-netnsid') !== undefined && kind !== 'veth';
  const isNamed = parent !== undefined && parent !== 'NONE' && !isElsewhere;
  return {
    name,
    flags: flags.split(',').filter((flag) => flag !== ''),
    ...known({
      index: toCount(index),
      kind,
      type: hardware[0]?.slice('link/'.length),
      mtu: toCount(wordAfter(head, 'mtu')),
      minMtu: toCount(wordAfter(hardware, 'minmtu')),
      maxMtu: toCount(wordAfter(hardware, 'maxmtu')),
      mac: toMac(hardware[1]),
      permanentMac:
        toMac(wordAfter(hardware, 'permaddr')) ?? toMac(slaveDetail(words, 'bond_slave', 'perm_hwaddr')),
      state: wordAfter(head, 'state'),
      parent: isNamed ? parent : isTunnel(kind) ? detail('dev') : undefined,
      isParentElsewhere: isElsewhere ? (true as const) : undefined,
      master: wordAfter(head, 'master'),
      alias: lines.find((line) => line.startsWith('alias '))?.slice('alias '.length),
      vlan: toVlan(kindWords),
      tunnel: isTunnel(kind)
        ? known({
            id: toCount(detail('id')) ?? toTunnelKey(detail('okey') ?? detail('key')),
            local: toTunnelEnd(detail('local')),
            remote: toTunnelEnd(detail('remote')) ?? toTunnelEnd(detail('group')),
            isFlowBased: kindWords.includes('external') ? (true as const) : undefined,
          })
        : undefined,
      bond: kind === 'bond' ? toBond(detail) : undefined,
      bridge: kind === 'bridge' ? toBridge(detail) : undefined,
    }),
    ...toSlave(words),
  };
}

/** Versions before 802.1ad print no protocol. */
function toVlan(words: readonly string[]): Link['vlan'] {
  const id = words[0] === 'vlan' ? toCount(wordAfter(words, 'id')) : undefined;
  return id === undefined ? undefined : { id, ...known({ protocol: wordAfter(words, 'protocol') }) };
}

function toBond(detail: (key: string) => string | undefined): NonNullable<Link['bond']> {
  return known({
    mode: detail('mode'),
    activeSlave: detail('active_slave'),
    miimonMs: toCount(detail('miimon')),
    arpIntervalMs: toCount(detail('arp_interval')),
    partnerMac: toMac(detail('ad_partner_mac')),
  });
}

function toBridge(detail: (key: string) => string | undefined): NonNullable<Link['bridge']> {
  const stp = toCount(detail('stp_state'));
  const filtering = toCount(detail('vlan_filtering'));
  return known({
    hasStp: stp === undefined ? undefined : stp > 0,
    isVlanAware: filtering === undefined ? undefined : filtering > 0,
    id: detail('bridge_id'),
  });
}

function toSlave(words: readonly (readonly string[])[]): Pick<Link, 'bondSlave' | 'bridgePort'> {
  const kinds = words.map(([first]) => first);
  return {
    ...(kinds.includes('bond_slave') && {
      bondSlave: known({
        state: slaveDetail(words, 'bond_slave', 'state'),
        miiStatus: slaveDetail(words, 'bond_slave', 'mii_status'),
        linkFailures: toCount(slaveDetail(words, 'bond_slave', 'link_failure_count')),
      }),
    }),
    ...(kinds.includes('bridge_slave') && {
      bridgePort: known({ state: slaveDetail(words, 'bridge_slave', 'state') }),
    }),
  };
}

function slaveDetail(words: readonly (readonly string[])[], kind: string, key: string): string | undefined {
  return wordAfter(words.find(([first]) => first === kind) ?? [], key);
}

function wordAfter(words: readonly string[], key: string): string | undefined {
  const at = words.indexOf(key);
  return at === -1 ? undefined : words[at + 1];
}
