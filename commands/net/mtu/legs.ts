import { wording } from '../../kit.ts';
import type { Chain } from './chain.ts';
import type { Facts } from './facts.ts';
import { usageOf } from './link-table.ts';
import { tunnelWord } from './overhead.ts';
import type { MtuSample } from './samples.ts';

/** One VLAN or VXLAN network whose links have different MTUs on different hosts. */
export interface LegMismatch {
  /** `VLAN 300`, `VLAN 20.300`, `VXLAN 204`. */
  readonly network: string;
  /** The MTU that most of its hosts have. undefined if there is no majority. */
  readonly usualMtu?: number;
  /** Those with another MTU than most, or all if there is no majority. */
  readonly odd: readonly Chain[];
  readonly others: readonly Chain[];
}

/** The legs of one network on one kind of base. */
interface Legs {
  readonly network: string;
  /** What distinguishes it in samples from the same network on another base. */
  readonly key: string;
  readonly legs: readonly Chain[];
}

type Earlier = Facts['earlier'];

/**
 * Compares the links of each VLAN and VXLAN network over all hosts. Different stacks of VLANs are different networks. If there are two equal halves, the
 * MTU that was usual before still is.
 */
export function mismatchesOf(chains: readonly Chain[], earlier: Earlier): readonly LegMismatch[] {
  const usual = usualMtus(earlier);
  return legsOf(chains).flatMap((one) => mismatchIn(one, usual.get(one.key)) ?? []);
}

const MAX_NETWORKS = 1_000;

/** The usual MTU of each network, for later runs. */
export function mtuSamples(chains: readonly Chain[], earlier: Earlier): readonly MtuSample[] {
  const usual = usualMtus(earlier);
  return legsOf(chains)
    .filter(({ legs }) => isOnSeveralHosts(legs))
    .flatMap(({ key, legs }) => {
      const mtu = usualIn(legs, usual.get(key));
      return mtu === undefined ? [] : [{ network: key, mtu }];
    })
    .slice(0, MAX_NETWORKS);
}

/** The newest of each network. */
function usualMtus(earlier: Earlier): ReadonlyMap<string, number> {
  return new Map(earlier.map(({ network, mtu }) => [network, mtu]));
}

function legsOf(chains: readonly Chain[]): readonly Legs[] {
  return [...Map.groupBy(comparable(chains), networkOf)].flatMap(([network = '', all]) =>
    byBase(all).map(([key, group]) => ({ network, key: `${network}${key}`, legs: group })),
  );
}

function comparable(chains: readonly Chain[]): readonly Chain[] {
  return chains.filter(
    (chain) => networkOf(chain) !== undefined && usageOf(chain.table, chain.link) !== 'idle',
  );
}

/** As far as it is known: a chain that can't be followed may have further VLANs below it. */
function networkOf({ link, vlansBelow, unknown, overhead, steps }: Chain): string | undefined {
  if (overhead)
    return link.tunnel?.id === undefined ? undefined : `${tunnelWord(link.kind)} ${link.tunnel.id}`;
  const tags = [...vlansBelow.toReversed(), link].map(({ vlan }) => vlan?.id);
  if (unknown !== undefined || tags.includes(undefined)) return undefined;
  const tunnel = steps.find((step) => step.link.tunnel?.id !== undefined)?.link;
  const over = tunnel ? ` over ${tunnelWord(tunnel.kind)} ${tunnel.tunnel?.id}` : '';
  return `VLAN ${tags.join('.')}${over}`;
}

/**
 * An id is only unique in one physical network. A host with two links of one VLAN has two: then only links on NICs and bonds of one name are compared.
 * Links whose names and NICs both differ (`mgmt` on `eth0`, `stor` on `bond1`) are taken for two as well, unless the name only says where the link is:
 * `eth0.300`, `vlan300`.
 */
function byBase(legs: readonly Chain[]): readonly (readonly [key: string, legs: readonly Chain[]])[] {
  const hosts = new Set(legs.map(({ table }) => table));
  if (hosts.size < legs.length) return [...Map.groupBy(legs, ({ base }) => ` on ${base?.name ?? 'nothing'}`)];
  const groups: Chain[][] = [];
  for (const leg of legs) {
    const [first = [], ...others] = groups.filter((group) => group.some((one) => mayBeOneNetwork(one, leg)));
    if (first.length === 0) groups.push(first);
    for (const other of others) groups.splice(groups.indexOf(other), 1);
    first.push(leg, ...others.flat());
  }
  return groups.map((group) => [groups.length === 1 ? '' : ` as ${group[0]?.link.name}`, group]);
}

function mayBeOneNetwork(a: Chain, b: Chain): boolean {
  return (
    a.link.name === b.link.name ||
    a.base === undefined ||
    a.base.name === b.base?.name ||
    !(hasOwnName(a) && hasOwnName(b))
  );
}

/** Someone chose the name for what the network is, not for its id. */
function hasOwnName({ link, overhead }: Chain): boolean {
  return !overhead && !link.name.includes(String(link.vlan?.id));
}

/** VLANs with different MTUs that are taken for different networks by their names only. */
export function separatedByName(chains: readonly Chain[]): readonly string[] {
  return [...Map.groupBy(comparable(chains), networkOf)].flatMap(([network = '', all]) => {
    const groups = byBase(all);
    const isSplit = new Set(all.map(({ table }) => table)).size === all.length && groups.length > 1;
    if (!isSplit || new Set(all.map(({ mtu }) => mtu)).size < 2) return [];
    const places = groups.map(
      ([, [one]]) => `${one?.link.name} on ${one?.base?.name} (${one?.table.host.name}, MTU ${one?.mtu})`,
    );
    return [
      `${network} is ${wording.list(places, 3)}: not compared, because they seem to be different networks`,
    ];
  });
}

function isOnSeveralHosts(legs: readonly Chain[]): boolean {
  return new Set(legs.map(({ table }) => table)).size > 1;
}

function usualIn(legs: readonly Chain[], before: number | undefined): number | undefined {
  const bySize = [...Map.groupBy(legs, ({ sentMtu }) => sentMtu)].toSorted(
    ([, a], [, b]) => b.length - a.length,
  );
  const [first, second] = bySize;
  if (!second || (first && first[1].length > second[1].length)) return first?.[0];
  return bySize.find(([mtu, some]) => mtu === before && some.length === first?.[1].length)?.[0];
}

function mismatchIn({ network, legs }: Legs, before: number | undefined): LegMismatch | undefined {
  const isUniform = [legs.map(({ mtu }) => mtu), legs.map(({ sentMtu }) => sentMtu)].some(
    (sizes) => new Set(sizes).size < 2,
  );
  if (isUniform || !isOnSeveralHosts(legs)) return undefined;
  const usualMtu = usualIn(legs, before);
  const others = legs.filter(({ sentMtu }) => sentMtu === usualMtu);
  return {
    network,
    ...(usualMtu !== undefined && { usualMtu }),
    odd: legs.filter((leg) => !others.includes(leg)),
    others,
  };
}
