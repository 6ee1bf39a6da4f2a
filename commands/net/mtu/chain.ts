import type { ports } from '../../kit.ts';
import { isGuestPort, isUp, type LinkTable, sentMtuOf } from './link-table.ts';
import { isTunnel, type Overhead, overheadOf } from './overhead.ts';

/** One link of a chain, below the link that it is about. */
export interface ChainStep {
  readonly link: ports.Link;
  readonly mtu: number;
  /** The MTU that it needs to carry the largest frame that the link at the top sends. */
  readonly needs: number;
  /** Whether a larger frame is dropped there. A VLAN passes the frames of a VLAN on top of it, whatever its own MTU is. */
  readonly isLimit: boolean;
}

/** A VLAN or tunnel, and everything below it down to the physical NICs. */
export interface Chain {
  readonly table: LinkTable;
  readonly link: ports.Link;
  readonly mtu: number;
  /** The largest packets that it sends, at most its MTU. */
  readonly sentMtu: number;
  readonly steps: readonly ChainStep[];
  /** The steps where its frames don't fit. The first one is the uppermost. */
  readonly short: readonly ChainStep[];
  /** The VLANs below it, the uppermost first, down to the first tunnel. */
  readonly vlansBelow: readonly ports.Link[];
  /** The first link below all VLANs below it: a bond, a NIC, a bridge. */
  readonly base?: ports.Link;
  readonly overhead?: Overhead;
  /** Why it couldn't be followed to its end. */
  readonly unknown?: string;
}

/**
 * Linux and NICs allow one VLAN tag beyond the MTU, and each further tag needs space in it: `__is_skb_forwardable` in
 * https://github.com/torvalds/linux/blob/master/include/linux/netdevice.h
 */
export const TAG_BYTES = 4;

/** Tunnels without a fixed other end have the largest MTU that there is. */
const FLOW_BASED_MTU = 64_000;

/** How frames reach a link: sent by a VLAN on top of it, as packets of a tunnel, or through a bridge. */
type Arrival = 'frame' | 'packet' | 'port';

/** Kinds with nothing below them that could be smaller on this host. */
const ENDS: ReadonlySet<string | undefined> = new Set([
  undefined,
  'dummy',
  'tun',
  'tap',
  'veth',
  'ifb',
  'netkit',
]);
const PARENT_KINDS: ReadonlySet<string | undefined> = new Set(['macvlan', 'macvtap', 'ipvlan', 'ipvtap']);
const MEMBER_KINDS: ReadonlySet<string | undefined> = new Set(['bond', 'team']);

interface Walk {
  readonly table: LinkTable;
  readonly steps: ChainStep[];
  readonly unknowns: string[];
}

/** undefined if the MTU of the link itself is unknown. */
export function chainOf(table: LinkTable, link: ports.Link): Chain | undefined {
  const { mtu } = link;
  const sentMtu = sentMtuOf(table, link);
  if (mtu === undefined || sentMtu === undefined) return undefined;
  const walk: Walk = { table, steps: [], unknowns: [] };
  descend(walk, link, { bytes: sentMtu, tags: 0 }, new Set([link.name]));
  const [unknown] = walk.unknowns;
  const overhead = overheadOf(link);
  const firstTunnel = walk.steps.findIndex((step) => isTunnel(step.link.kind));
  const framed = firstTunnel === -1 ? walk.steps : walk.steps.slice(0, firstTunnel);
  const vlansBelow = framed.map((step) => step.link).filter(({ kind }) => kind === 'vlan');
  const base = framed[framed.findLastIndex((step) => step.link.kind === 'vlan') + 1]?.link;
  return {
    table,
    link,
    mtu,
    sentMtu,
    steps: walk.steps,
    short: walk.steps.filter((step) => step.isLimit && step.needs > step.mtu),
    vlansBelow,
    ...(base && { base }),
    ...(overhead && { overhead }),
    ...(unknown !== undefined && { unknown }),
  };
}

/** A frame on its way down: its content without tags, and how many tags it has by now. */
interface Frame {
  readonly bytes: number;
  readonly tags: number;
}

function neededBy({ bytes, tags }: Frame): number {
  return bytes + TAG_BYTES * Math.max(0, tags - 1);
}

function descend(walk: Walk, link: ports.Link, frame: Frame, seen: ReadonlySet<string>): void {
  const { table, unknowns } = walk;
  const overhead = overheadOf(link);
  if (overhead) {
    const packet = { bytes: frame.bytes + TAG_BYTES * frame.tags + overhead.bytes, tags: 0 };
    const underlay = link.tunnel?.isFlowBased ? undefined : underlayOf(table, link);
    if (underlay) {
      visit(walk, underlay, packet, 'packet', seen);
      if (!overhead.family && isBetween(underlay.mtu, packet.bytes))
        unknowns.push(`whether ${link.name} sends IPv4 or IPv6 packets is not known`);
    } else {
      const fit = fitOf(table, link, packet.bytes);
      if (fit.fits === 'none' && !link.tunnel?.isFlowBased) visit(walk, fit.largest, packet, 'packet', seen);
      else if (fit.fits !== 'all') unknowns.push(whyNoUnderlay(link));
    }
  } else if (link.kind === 'vlan') {
    const tagged = { ...frame, tags: frame.tags + 1 };
    const parent = parentOf(walk, link);
    if (parent) visit(walk, parent, tagged, 'frame', seen);
  } else if (PARENT_KINDS.has(link.kind)) {
    const parent = parentOf(walk, link);
    if (parent) visit(walk, parent, frame, 'frame', seen);
  } else if (MEMBER_KINDS.has(link.kind)) {
    for (const slave of table.membersOf(link.name)) visit(walk, slave, frame, 'port', seen);
  } else if (link.kind === 'bridge') {
    const uplinks = table
      .membersOf(link.name)
      .filter((port) => !isGuestPort(port) && port.bridgePort?.state !== 'disabled');
    for (const port of uplinks) if (!seen.has(port.name)) visit(walk, port, frame, 'port', seen);
  } else if (!ENDS.has(link.kind)) {
    unknowns.push(`what ${link.name} adds or carries is not known: it is of the kind ${link.kind}`);
  }
}

function parentOf({ table, unknowns }: Walk, { name, parent, isParentElsewhere }: ports.Link) {
  const found = parent === undefined || isParentElsewhere ? undefined : table.find(parent);
  if (!found)
    unknowns.push(
      isParentElsewhere
        ? `the parent of ${name} is in another network namespace`
        : parent === undefined
          ? `the parent of ${name} is not listed`
          : `${parent}, the parent of ${name}, is not listed`,
    );
  return found;
}

function visit(
  walk: Walk,
  link: ports.Link,
  frame: Frame,
  arrival: Arrival,
  seen: ReadonlySet<string>,
): void {
  if (seen.has(link.name)) {
    walk.unknowns.push(`${link.name} is its own parent`);
    return;
  }
  const { mtu } = link;
  if (mtu === undefined) walk.unknowns.push(`the MTU of ${link.name} is not known`);
  else {
    const isVirtual = link.kind === 'vlan' || isTunnel(link.kind);
    const isLimit = !isVirtual || arrival !== 'frame' || frame.tags === 0;
    // A VLAN under a VLAN has an MTU with space for the tag by convention.
    const needs = isLimit ? neededBy(frame) : frame.bytes + TAG_BYTES * frame.tags;
    walk.steps.push({ link, mtu, needs, isLimit });
  }
  descend(walk, link, frame, new Set([...seen, link.name]));
}

/** An IPv6 header has 20 bytes more: these packets fit with IPv4 only. */
function isBetween(mtu: number | undefined, bytes: number): boolean {
  return mtu !== undefined && mtu >= bytes && mtu < bytes + 20;
}

/** The link that a tunnel sends on: its parent, or the one with its local address. */
function underlayOf(table: LinkTable, { parent, isParentElsewhere, tunnel }: ports.Link) {
  if (parent !== undefined && !isParentElsewhere) return table.find(parent);
  return tunnel?.local === undefined ? undefined : table.withAddress(tunnel.local);
}

function whyNoUnderlay({ name, parent, isParentElsewhere, tunnel, mtu = 0 }: ports.Link): string {
  if (mtu >= FLOW_BASED_MTU || tunnel?.isFlowBased)
    return `what ${name} carries is decided by the flows of Open vSwitch or eBPF`;
  if (isParentElsewhere) return `the parent of ${name} is in another network namespace`;
  if (parent !== undefined) return `${parent}, the parent of ${name}, is not listed`;
  return tunnel?.local === undefined
    ? `which link ${name} sends on is not known`
    : `which link has ${tunnel.local}, the address of ${name}, is not known`;
}

/** What is known if the link that a tunnel sends on isn't: whether its packets fit all links that it may be, or none. */
function fitOf(
  table: LinkTable,
  link: ports.Link,
  packetBytes: number,
): { readonly fits: 'all' | 'some' } | { readonly fits: 'none'; readonly largest: ports.Link } {
  const isFixed = link.parent !== undefined || link.isParentElsewhere || (link.mtu ?? 0) >= FLOW_BASED_MTU;
  const sizes = isFixed ? [] : possibleUnderlays(table, link).map((one) => ({ one, mtu: one.mtu }));
  const [largest] = sizes.toSorted((a, b) => (b.mtu ?? 0) - (a.mtu ?? 0));
  if (!largest) return { fits: 'some' };
  const most = packetBytes + (overheadOf(link)?.family === undefined ? 20 : 0);
  if (sizes.every(({ mtu }) => mtu !== undefined && mtu >= most)) return { fits: 'all' };
  return sizes.every(({ mtu }) => mtu !== undefined && mtu < packetBytes)
    ? { fits: 'none', largest: largest.one }
    : { fits: 'some' };
}

/** Links that are up and lead out of the host: not those between guests only. */
function possibleUnderlays({ host, membersOf }: LinkTable, { name }: ports.Link): readonly ports.Link[] {
  const isOutward = (one: ports.Link) =>
    one.type !== 'loopback' && one.kind !== 'dummy' && !isTunnel(one.kind) && !isGuestPort(one);
  return host.links.filter(
    (one) =>
      one.name !== name &&
      isUp(one) &&
      isOutward(one) &&
      (one.kind !== 'bridge' || membersOf(one.name).some(isOutward)),
  );
}
