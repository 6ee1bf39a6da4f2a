import { type ports, wording } from '../../kit.ts';
import { type BridgeMismatch, bridgeMismatchesOf } from './bridges.ts';
import { type Shortage, shortagesOf } from './budget.ts';
import { type Chain, chainOf, TAG_BYTES } from './chain.ts';
import type { Facts, HostLinksFacts } from './facts.ts';
import { type LegMismatch, mismatchesOf, mtuSamples, separatedByName } from './legs.ts';
import { isGuestPort, isUp, type LinkTable, linkTableOf, usageOf } from './link-table.ts';
import { isTunnel } from './overhead.ts';
import type { MtuSample } from './samples.ts';

/** A slave that takes smaller frames than its bond. */
export interface SmallSlave {
  readonly table: LinkTable;
  readonly bond: ports.Link;
  readonly slaves: readonly ports.Link[];
}

/** A link that can't be judged, and why. */
export interface Unjudged {
  readonly host: HostLinksFacts;
  readonly link: string;
  readonly because: string;
}

export interface LinkSurvey {
  readonly chains: readonly Chain[];
  readonly shortages: readonly Shortage[];
  readonly legs: readonly LegMismatch[];
  readonly bridges: readonly BridgeMismatch[];
  readonly slaves: readonly SmallSlave[];
  readonly unjudged: readonly Unjudged[];
  /** VLANs of one name that are stacked differently on different hosts, and those of one id that seem to be different networks. */
  readonly differentNetworks: readonly string[];
  readonly usualMtus: readonly MtuSample[];
}

export function surveyOf({
  hosts,
  networks,
  earlier,
}: Pick<Facts, 'hosts' | 'networks' | 'earlier'>): LinkSurvey {
  const tables = hosts.map(linkTableOf);
  const judged = tables.flatMap((table) =>
    table.host.links
      .filter((link) => isJudged(link) && isUp(link))
      .map((link) => ({ table, link, chain: chainOf(table, link) })),
  );
  const chains = judged.flatMap(({ chain }) => chain ?? []);
  const shortages = shortagesOf(chains, networks);
  const shortLinks = new Map(
    [...Map.groupBy(shortages, ({ chain }) => chain.table)].map(([table, some]) => [
      table,
      new Set(some.flatMap(({ chain }) => [chain.link, ...chain.short.map((step) => step.link)])),
    ]),
  );
  const isShort = (table: LinkTable, link: ports.Link) => shortLinks.get(table)?.has(link) === true;
  const sound = chains.filter((chain) => chain.short.length === 0);
  return {
    chains,
    shortages,
    // An underlay that is too small for a tunnel is reported with the tunnel.
    legs: mismatchesOf(sound, earlier).filter(
      ({ odd, others }) => ![...odd, ...others].some(({ table, link }) => isShort(table, link)),
    ),
    bridges: tables
      .flatMap((table) => bridgeMismatchesOf(table, networks))
      .filter(({ table, small }) => !small.every((link) => isShort(table, link))),
    slaves: tables
      .flatMap(smallSlavesOf)
      .filter(({ table, slaves }) => !slaves.every((link) => isShort(table, link))),
    unjudged: [
      ...judged.flatMap((one) => unjudgedOf(one) ?? []),
      ...tables.flatMap(unjudgedPortsOf),
      ...tables.flatMap(unknownTunnelsOf),
      ...tables.flatMap(unknownKindsOf),
    ],
    differentNetworks: [...differentStacksOf(sound), ...separatedByName(sound)],
    usualMtus: mtuSamples(sound, earlier),
  };
}

function isJudged({ kind }: ports.Link): boolean {
  return kind === 'vlan' || isTunnel(kind);
}

function unjudgedOf({
  table,
  link,
  chain,
}: {
  readonly table: LinkTable;
  readonly link: ports.Link;
  readonly chain: Chain | undefined;
}): Unjudged | undefined {
  const because =
    chain === undefined
      ? `the MTU of ${link.name} is not known`
      : link.kind === 'vlan' && link.vlan === undefined
        ? `the VLAN id of ${link.name} is not known`
        : chain.short.length > 0
          ? undefined
          : (chain.unknown ?? furtherTagOf(chain));
  if (because === undefined || usageOf(table, link) === 'idle') return undefined;
  return { host: table.host, link: link.name, because };
}

/** Tunnels of other kinds: how much IPsec or ERSPAN adds depends on how they are set up. */
function unknownTunnelsOf(table: LinkTable): readonly Unjudged[] {
  return table.host.links
    .filter((link) => link.tunnel && !isTunnel(link.kind) && isUp(link))
    .filter((link) => usageOf(table, link) !== 'idle')
    .map(({ name, kind = 'unknown' }) => ({
      host: table.host,
      link: name,
      because: `how many bytes ${name} adds is not known: it is of the kind ${kind}`,
    }));
}

/** What is on another link is a VLAN, a tunnel or neither: not all versions of `ip` say so. */
function unknownKindsOf(table: LinkTable): readonly Unjudged[] {
  return table.host.links
    .filter((link) => link.kind === undefined && isUp(link))
    .filter((link) => link.parent !== undefined || link.isParentElsewhere)
    .map(({ name, parent }) => ({
      host: table.host,
      link: name,
      because: `the kind of ${name} is not known${parent === undefined ? '' : `, which is on ${parent}`}`,
    }));
}

/** Which tags Open vSwitch and VLAN-aware bridges add to what leaves by a VLAN link isn't read. */
function furtherTagOf({ table, link, steps }: Chain): string | undefined {
  const master = link.master === undefined ? undefined : table.find(link.master);
  const isCertain = link.kind !== 'vlan' || steps.every((step) => step.mtu >= step.needs + TAG_BYTES);
  const tagger =
    master?.kind === 'openvswitch' ? 'Open vSwitch' : master?.bridge?.isVlanAware ? master.name : undefined;
  return tagger !== undefined && !isCertain
    ? `${tagger} may add a VLAN tag to what it sends by ${link.name}, and there is no space for it`
    : undefined;
}

/** Ports of bridges and slaves of bonds whose MTU is missing from the comparison. */
function unjudgedPortsOf(table: LinkTable): readonly Unjudged[] {
  return table.host.links
    .filter(
      (link) =>
        isUp(link) &&
        (link.kind === 'bond' || (link.kind === 'bridge' && table.membersOf(link.name).some(isGuestPort))),
    )
    .flatMap(({ name }) => table.membersOf(name))
    .filter(({ mtu }) => mtu === undefined)
    .map(({ name }) => ({ host: table.host, link: name, because: `the MTU of ${name} is not known` }));
}

function smallSlavesOf(table: LinkTable): readonly SmallSlave[] {
  return table.host.links
    .filter((link) => (link.kind === 'bond' || link.kind === 'team') && isUp(link))
    .flatMap((bond) => {
      const { mtu } = bond;
      const slaves = table
        .membersOf(bond.name)
        .filter((slave) => mtu !== undefined && slave.mtu !== undefined && slave.mtu < mtu);
      return slaves.length > 0 ? [{ table, bond, slaves }] : [];
    });
}

/** Links of one name and VLAN are meant to be one network, and so are the ports of bridges of one Neutron network. */
function differentStacksOf(chains: readonly Chain[]): readonly string[] {
  const vlans = chains.filter(({ link, unknown }) => link.vlan !== undefined && unknown === undefined);
  return [...Map.groupBy(vlans, ({ link }) => `${link.name} (VLAN ${link.vlan?.id})`)].flatMap(
    ([name, group]) => {
      const stacks = [
        ...Map.groupBy(group, ({ vlansBelow }) => vlansBelow.map(({ vlan }) => vlan?.id).join()),
      ];
      if (stacks.length < 2) return [];
      const places = stacks.map(([, [first]]) => {
        const below = first?.vlansBelow ?? [];
        const on =
          below.length === 0 ? 'no other VLAN' : `VLAN ${below.map(({ vlan }) => vlan?.id).join(' on ')}`;
        return `on ${on} on ${first?.table.host.name}`;
      });
      return [`${name} is ${wording.list(places, 3)}: these are different networks`];
    },
  );
}
