import type { ports } from '../../kit.ts';
import type { HostFacts } from './facts.ts';

export type BondMode =
  | 'active-backup'
  | '802.3ad'
  | 'balance-rr'
  | 'balance-xor'
  | 'broadcast'
  | 'balance-tlb'
  | 'balance-alb'
  | 'unknown';

/** A bond as its driver and the kernel's list of links describe it together. */
export interface BondState {
  readonly host: HostFacts;
  readonly name: string;
  /** As findings name it: `cmp-41:bond0`. */
  readonly target: string;
  readonly mode: BondMode;
  readonly activeSlave?: string;
  /** What the driver believes. */
  readonly miiStatus?: string;
  /** 0 if it doesn't check the links; undefined if that is unknown. */
  readonly miimonMs?: number;
  readonly arpIntervalMs?: number;
  readonly minLinks?: number;
  readonly aggregator?: ports.BondAggregator;
  readonly slaves: readonly SlaveState[];
  readonly isAdminDown: boolean;
  /** Something is built on it: it belongs to a bridge, or a VLAN is on it. undefined if the links couldn't be read. */
  readonly isInUse?: boolean;
  /** The driver's report couldn't be read, only the links. */
  readonly isFromLinks: boolean;
}

export interface SlaveState {
  readonly name: string;
  /** Whether the driver believes that it has a link. undefined if that is unknown. */
  readonly isUp?: boolean;
  /** In the words of the driver: `going down`. */
  readonly mii?: string;
  /** Whether its NIC has a link, by the kernel. undefined if the links couldn't be read. */
  readonly hasCarrier?: boolean;
  readonly isAdminDown: boolean;
  readonly speedMbps?: number;
  readonly duplex?: string;
  readonly linkFailures?: number;
  readonly permanentMac?: string;
  readonly mac?: string;
  readonly aggregatorId?: number;
  readonly partnerMac?: string;
  readonly isChurned: boolean;
}

export const NO_PARTNER = '00:00:00:00:00:00';

/** The bonds of one host, by name. All links of a host of which nothing could be read count as one. */
export function bondsOf(host: HostFacts): readonly BondState[] {
  if (host.isSilent)
    return [
      {
        host,
        name: host.name,
        target: host.bondCutOffBefore ?? host.name,
        mode: 'unknown',
        slaves: [],
        isAdminDown: false,
        isFromLinks: true,
      },
    ];
  const links = host.links ?? [];
  const names = new Set([
    ...(host.bonds ?? []).map(({ name }) => name),
    ...links.filter(({ kind }) => kind === 'bond').map(({ name }) => name),
  ]);
  return [...names].toSorted().map((name) =>
    bondState(
      host,
      name,
      host.bonds?.find((one) => one.name === name),
      links.find((one) => one.name === name),
    ),
  );
}

function bondState(
  host: HostFacts,
  name: string,
  bond: ports.Bond | undefined,
  link: ports.Link | undefined,
): BondState {
  const links = host.links ?? [];
  const ofLinks = links.filter(({ master }) => master === name);
  const slaves = [
    ...new Set([...(bond?.slaves ?? []).map((one) => one.name), ...ofLinks.map((one) => one.name)]),
  ];
  const miimonMs = bond?.miimonMs ?? link?.bond?.miimonMs;
  const arpIntervalMs = bond?.arpIntervalMs ?? link?.bond?.arpIntervalMs;
  const activeSlave = bond ? bond.activeSlave : link?.bond?.activeSlave;
  const partnerMac = link?.bond?.partnerMac;
  const aggregator = bond?.aggregator ?? (partnerMac === undefined ? undefined : { partnerMac });
  return {
    host,
    name,
    target: `${host.name}:${name}`,
    mode: modeOf(bond?.mode ?? link?.bond?.mode),
    ...(activeSlave !== undefined && { activeSlave }),
    ...(bond?.miiStatus !== undefined && { miiStatus: bond.miiStatus }),
    ...(miimonMs !== undefined && { miimonMs }),
    ...(arpIntervalMs !== undefined && { arpIntervalMs }),
    ...(bond?.minLinks !== undefined && { minLinks: bond.minLinks }),
    ...(aggregator && { aggregator }),
    slaves: slaves.map((slave) =>
      slaveState(
        slave,
        bond?.slaves.find((one) => one.name === slave),
        links.find((one) => one.name === slave),
      ),
    ),
    isAdminDown: link !== undefined && !link.flags.includes('UP'),
    ...(link && {
      isInUse: link.master !== undefined || links.some(({ parent }) => parent === name),
    }),
    isFromLinks: !bond,
  };
}

function slaveState(
  name: string,
  slave: ports.BondSlave | undefined,
  link: ports.Link | undefined,
): SlaveState {
  const mii = (slave?.miiStatus ?? link?.bondSlave?.miiStatus)?.toLowerCase();
  const isUp = isUpIn(mii);
  const isAdminDown = link !== undefined && !link.flags.includes('UP');
  const permanentMac = slave?.permanentMac ?? link?.permanentMac;
  const linkFailures = slave?.linkFailures ?? link?.bondSlave?.linkFailures;
  return {
    name,
    ...(isUp !== undefined && { isUp }),
    ...(mii !== undefined && { mii }),
    // A NIC that is administratively down has no carrier flag of its own.
    ...(link && { hasCarrier: !isAdminDown && !link.flags.includes('NO-CARRIER') }),
    isAdminDown,
    ...(slave?.speedMbps !== undefined && { speedMbps: slave.speedMbps }),
    ...(slave?.duplex !== undefined && { duplex: slave.duplex }),
    ...(linkFailures !== undefined && { linkFailures }),
    ...(permanentMac !== undefined && { permanentMac }),
    ...(link?.mac !== undefined && { mac: link.mac }),
    ...(slave?.aggregatorId !== undefined && { aggregatorId: slave.aggregatorId }),
    ...(slave?.partnerMac !== undefined && { partnerMac: slave.partnerMac }),
    isChurned: slave?.actorChurn === 'churned' || slave?.partnerChurn === 'churned',
  };
}

/**
 * `going down` has lost its link and waits, `going back` has one again and waits:
 * https://docs.kernel.org/networking/bonding.html (updelay and downdelay)
 */
function isUpIn(mii: string | undefined): boolean | undefined {
  if (mii === 'up' || mii === 'going back' || mii === 'back') return true;
  if (mii === 'down' || mii === 'going down' || mii === 'fail') return false;
  return undefined;
}

/** https://docs.kernel.org/networking/bonding.html: as the driver and as `ip` write it. */
function modeOf(written = ''): BondMode {
  const mode = written.toLowerCase();
  if (mode.includes('802.3ad')) return '802.3ad';
  if (mode.includes('active-backup')) return 'active-backup';
  if (mode.includes('round-robin') || mode.includes('balance-rr')) return 'balance-rr';
  if (mode.includes('xor')) return 'balance-xor';
  if (mode.includes('broadcast')) return 'broadcast';
  if (mode.includes('adaptive') || mode.includes('balance-alb')) return 'balance-alb';
  if (mode.includes('transmit') || mode.includes('balance-tlb')) return 'balance-tlb';
  return 'unknown';
}

/** Whether anything tells the driver that a link is lost. undefined if that is unknown. */
export function isMonitored({ miimonMs, arpIntervalMs }: BondState): boolean | undefined {
  if ((miimonMs ?? 0) > 0 || (arpIntervalMs ?? 0) > 0) return true;
  return miimonMs === undefined ? undefined : false;
}

/** Whether it can carry traffic. undefined if that is unknown. */
export function isSlaveUp(bond: BondState, slave: SlaveState): boolean | undefined {
  if (slave.isAdminDown || slave.hasCarrier === false) return false;
  // Without monitoring the driver believes in its slaves for ever.
  if (isMonitored(bond) !== true && slave.isUp === true) return slave.hasCarrier;
  // With ARP monitoring, a slave with a carrier may still be down.
  return slave.isUp ?? ((bond.arpIntervalMs ?? 0) > 0 ? undefined : slave.hasCarrier);
}

export function slavesDown(bond: BondState): readonly SlaveState[] {
  return bond.slaves.filter((slave) => isSlaveUp(bond, slave) === false);
}

/** It has slaves, and none of them can carry traffic, or fewer than it demands. */
export function isBondDown(bond: BondState): boolean {
  if (bond.slaves.length === 0) return false;
  const down = slavesDown(bond).length;
  return down === bond.slaves.length || (bond.miiStatus === 'down' && !isComingUp(bond));
}

/** A slave has a link again and waits for `updelay`. */
function isComingUp({ slaves }: BondState): boolean {
  return slaves.some(({ mii }) => mii === 'going back' || mii === 'back');
}

/** The report of the driver ends before its slaves, and nothing else names any: that doesn't mean that there are none. */
export function isCut({ slaves, miiStatus, isFromLinks, isInUse }: BondState): boolean {
  return slaves.length === 0 && !isFromLinks && miiStatus === undefined && isInUse === undefined;
}

/** What couldn't be read about a bond and decides about it, in words. */
export function unknownsOf(bond: BondState): readonly string[] {
  const unknown = bond.slaves.filter((slave) => isSlaveUp(bond, slave) === undefined);
  const isBlind = isMonitored(bond) === undefined && bond.slaves.length > 0;
  return [
    ...(bond.mode === 'unknown' ? ['its mode'] : []),
    ...(isCut(bond) ? ['which slaves it has'] : []),
    ...(isBlind ? ['whether it checks its links'] : []),
    ...(unknown.length > 0 ? [`whether ${unknown.map(({ name }) => name).join(', ')} has a link`] : []),
    ...(bond.mode === '802.3ad' && bond.slaves.length > 1 && !hasAggregators(bond)
      ? ['which slaves are aggregated']
      : []),
  ];
}

function hasAggregators(bond: BondState): boolean {
  if (isBondDown(bond)) return true;
  return (
    bond.aggregator?.id !== undefined &&
    bond.slaves.every((one) => one.aggregatorId !== undefined || isSlaveUp(bond, one) === false)
  );
}
