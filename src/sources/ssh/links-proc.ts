import type { Link } from '../../ports/hosts.ts';
import { linesOf } from './ask-host.ts';
import { known, toCount, toMac, toWord } from './values.ts';

/** https://github.com/torvalds/linux/blob/master/include/uapi/linux/if.h */
const FLAGS: readonly (readonly [bit: number, flag: string])[] = [
  [0x1, 'UP'],
  [0x2, 'BROADCAST'],
  [0x8, 'LOOPBACK'],
  [0x10, 'POINTOPOINT'],
  [0x80, 'NOARP'],
  [0x1_00, 'PROMISC'],
  [0x4_00, 'MASTER'],
  [0x8_00, 'SLAVE'],
  [0x10_00, 'MULTICAST'],
];
const SYS_FILE =
  /^\/sys\/class\/net\/(?<link>[^/:]+)\/(?<fact>mtu|operstate|address|flags|ifindex|carrier|master\/ifindex|bonding\/(?:slaves|mode|miimon)):(?<value>.*)$/;
/** `/proc/net/vlan/config:vlan100         | 100  | vlan20` */
const VLAN_LINE = /^\/proc\/net\/vlan\/config:(?<name>[^\s|]+)\s*\|\s*(?<id>\d+)\s*\|\s*(?<parent>\S+)\s*$/;

/** Puts links together from `/sys/class/net` and `/proc/net/vlan/config`, for hosts without `ip`. undefined if it isn't understood. */
export function parseLinkFiles(files: string, vlans: string): readonly Link[] | undefined {
  const facts = new Map<string, Map<string, string>>();
  for (const line of linesOf(files)) {
    const { link, fact, value } = SYS_FILE.exec(line)?.groups ?? {};
    if (link === undefined || fact === undefined || value === undefined) continue;
    const ofLink = facts.get(link) ?? new Map<string, string>();
    facts.set(link, ofLink.set(fact, value.trim()));
  }
  const stacked = parseVlanTable(vlans);
  if (!stacked || ![...facts.values()].some((one) => one.has('mtu'))) return undefined;
  // A VLAN that is in the table only: its files could not be read.
  if ([...stacked.keys()].some((name) => !facts.has(name))) return undefined;
  const names = new Map([...facts].map(([name, one]) => [one.get('ifindex'), name]));
  const slaves = new Map(
    [...facts].flatMap(([name, one]) =>
      (one.get('bonding/slaves') ?? '').split(/\s+/).map((slave) => [slave, name] as const),
    ),
  );
  return [...facts].map(([name, one]) => {
    const vlan = stacked.get(name);
    const isBond = one.has('bonding/mode');
    return {
      name,
      flags: toFlags(one),
      ...known({
        index: toCount(one.get('ifindex')),
        kind: vlan ? 'vlan' : isBond ? 'bond' : undefined,
        mtu: toCount(one.get('mtu')),
        mac: toMac(one.get('address')),
        state: toWord(one.get('operstate'))?.toUpperCase(),
        parent: vlan?.parent,
        master:
          (one.has('master/ifindex') ? names.get(one.get('master/ifindex')) : undefined) ?? slaves.get(name),
        vlan: vlan && { id: vlan.id },
        bond: isBond
          ? known({
              mode: toWord(one.get('bonding/mode')?.split(' ')[0]),
              miimonMs: toCount(one.get('bonding/miimon')),
            })
          : undefined,
      }),
    };
  });
}

/** Adds what `/proc/net/vlan/config` says about links of an unknown kind. */
export function withVlanTable(links: readonly Link[], text: string): readonly Link[] {
  const stacked = parseVlanTable(text);
  return links.map((link) => {
    const vlan = link.kind === undefined ? stacked?.get(link.name) : undefined;
    return vlan ? { ...link, kind: 'vlan', parent: vlan.parent, vlan: { id: vlan.id } } : link;
  });
}

interface VlanLine {
  readonly id: number;
  readonly parent: string;
}

/** The first two lines are the header. undefined if another line isn't understood. */
function parseVlanTable(text: string): ReadonlyMap<string, VlanLine> | undefined {
  const vlans = new Map<string, VlanLine>();
  for (const line of linesOf(text)) {
    if (/VLAN Dev name|Name-Type:/i.test(line)) continue;
    const { name, id, parent } = VLAN_LINE.exec(line)?.groups ?? {};
    if (name === undefined || parent === undefined) return undefined;
    vlans.set(name, { id: Number(id), parent });
  }
  return vlans;
}

function toFlags(facts: ReadonlyMap<string, string>): readonly string[] {
  const bits = Number(facts.get('flags') ?? 0);
  const flags = FLAGS.filter(([bit]) => (bits & bit) !== 0).map(([, flag]) => flag);
  const carrier = facts.get('carrier');
  if (carrier === '1') return [...flags, 'LOWER_UP'];
  return carrier === '0' && flags.includes('UP') ? ['NO-CARRIER', ...flags] : flags;
}
