import type { Finding, ports } from '../../kit.ts';
import { networkOfBridge } from './bridges.ts';
import type { Chain, ChainStep } from './chain.ts';
import { type Usage, usageOf } from './link-table.ts';

/** A VLAN or tunnel whose largest frames don't fit a link below it. */
export interface Shortage {
  readonly reason: 'vlan-on-vlan' | 'stacked-vlan-mtu' | 'vlan-mtu' | 'tunnel-mtu';
  readonly severity: Finding['severity'];
  readonly chain: Chain;
  /** The uppermost link where they don't fit. */
  readonly step: ChainStep;
  readonly usage: Usage;
  /** They do fit if guests use the MTU that Neutron announces to them. */
  readonly fitsNetwork: boolean;
}

/** Chains with a shortage. One that is short only because of a VLAN below it that is short too counts once, at the top. */
export function shortagesOf(
  chains: readonly Chain[],
  networks: readonly ports.CloudNetwork[],
): readonly Shortage[] {
  const short = chains.flatMap((chain) => {
    const [step] = chain.short;
    return step ? [toShortage(chain, step, networks)] : [];
  });
  const byStep = Map.groupBy(short, ({ step }) => step.link);
  const isBelowAnother = ({ chain, step }: Shortage): boolean => {
    const others = (byStep.get(step.link) ?? []).filter((other) => other.chain.table === chain.table);
    return others.some(
      (other) => other.chain !== chain && other.chain.steps.some(({ link }) => link === chain.link),
    );
  };
  return short.filter((one) => !isBelowAnother(one));
}

function toShortage(chain: Chain, step: ChainStep, networks: readonly ports.CloudNetwork[]): Shortage {
  const usage = usageOf(chain.table, chain.link);
  const announced = networkOfBridge(chain.link.master, networks)?.mtu ?? chain.sentMtu;
  const missing = Math.max(...chain.short.map(({ needs, mtu }) => needs - mtu));
  const fitsNetwork = chain.sentMtu - announced >= missing;
  const severity = fitsNetwork ? 'info' : severityOf(chain, usage);
  return { reason: reasonOf(chain), severity, chain, step, usage, fitsNetwork };
}

function reasonOf({ overhead, vlansBelow, link }: Chain): Shortage['reason'] {
  if (overhead) return 'tunnel-mtu';
  if (vlansBelow.length === 0) return 'vlan-mtu';
  // https://standards.ieee.org/ieee/802.1ad/3225/: the outer tag of stacked VLANs has a protocol of its own, so that stack is on purpose.
  const isServiceVlan = vlansBelow.some(({ vlan }) => isServiceTag(vlan?.protocol));
  return isServiceVlan || isServiceTag(link.vlan?.protocol) ? 'stacked-vlan-mtu' : 'vlan-on-vlan';
}

export function isServiceTag(protocol: string | undefined): boolean {
  return protocol?.toLowerCase() === '802.1ad';
}

function severityOf(chain: Chain, usage: Usage): Finding['severity'] {
  if (usage === 'idle') return 'info';
  // A link that is up is taken to be used unless its host says that it has no address.
  return usage !== 'bridged' && !chain.short.every((step) => isStandby(chain, step)) ? 'critical' : 'warning';
}

/** A slave that carries traffic only after a failover. */
function isStandby({ table }: Chain, { link }: ChainStep): boolean {
  const bond = link.master === undefined ? undefined : table.find(link.master);
  return bond?.bond?.mode === 'active-backup' && link.bondSlave?.state?.toUpperCase() === 'BACKUP';
}
