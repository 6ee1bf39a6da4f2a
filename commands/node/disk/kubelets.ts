import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { claimsOnOtherDisks, podsUsage } from './consumers.ts';
import type { Context, KubeletAnswer, NodeFacts } from './facts.ts';
import { disksOf, type FileSystems, isMeasured } from './measurements.ts';
import { hasEnough, hasReadableLimits } from './room.ts';

/** Concurrent requests to the kubelets of one cluster. */
const AT_ONCE = 20;
/** With less time left, no further kubelet is queried. */
const RESERVE_MS = 2_000;
/** The source of errors at the deadline of the check. */
export const DEADLINE = 'deadline';

type Asked = Pick<NodeFacts, 'name' | 'operatingSystem' | 'isServerless'>;

/**
 * Queries kubelets while nodes are still being listed, a few at a time. A failed request is added to `unread` and does not affect the other
 * kubelets.
 */
export function askKubelets(context: Context, cluster: ports.Cluster, unread: Unread[]) {
  const { signal, leftMs, saw, now } = context;
  const found = new Map<string, KubeletAnswer>();
  const configs = new Map<string, ports.KubeletConfig>();
  const waiting: (() => Promise<void>)[] = [];
  const running = new Set<Promise<void>>();

  const start = () => {
    while (running.size < AT_ONCE && waiting.length > 0) {
      const task = waiting.shift()!().finally(() => {
        running.delete(task);
        start();
      });
      // `answers` also rejects with it, but may not be awaited yet.
      task.catch(() => undefined);
      running.add(task);
    }
  };

  const read = async <T>(node: string, what: string, ask: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      const reason: unknown = error instanceof SourceError || !signal.aborted ? error : signal.reason;
      if (!(reason instanceof SourceError)) throw reason;
      unread.push({ node, what, error: reason });
      return undefined;
    }
  };

  const readBoth = async (address: ports.KubeletAddress) => {
    const unasked = obstacle();
    if (unasked) {
      unread.push({ node: address.name, what: 'disk usage and limits', error: unasked });
      return [];
    }
    return Promise.all([
      read(address.name, 'disk usage', () => cluster.kubeletStats(address, { signal })),
      read(address.name, 'limits', () => cluster.kubeletConfig(address, { signal })),
    ] as const);
  };

  const obstacle = (): SourceError | undefined => {
    if (cluster.kubelets === 'none') {
      const message = 'kubelets are not queried (`kubelets: none`). Set `kubelets` to `direct` or `proxy`';
      return new SourceError(cluster.name, 'refused', message);
    }
    if (leftMs() >= RESERVE_MS) return undefined;
    return new SourceError(DEADLINE, 'unreachable', 'not queried before the deadline');
  };

  const askOne = async (address: ports.KubeletAddress, node: Asked): Promise<void> => {
    const [stats, config] = await readBoth(address);
    const { nodeFs, imageFs, containerFs, pods = [] } = stats ?? {};
    const fileSystems = stats && {
      ...(nodeFs && { nodeFs }),
      ...(imageFs && { imageFs: withTimeOf(nodeFs, imageFs) }),
      ...(containerFs && { containerFs: withTimeOf(nodeFs, containerFs) }),
    };
    const isShort = fileSystems !== undefined && !hasEnough({ fileSystems, ...(config && { config }) });
    const claimsElsewhere = isShort ? claimsOnOtherDisks(pods, disksOf(fileSystems)) : [];
    found.set(node.name, {
      ...(fileSystems && {
        fileSystems,
        usage: podsUsage(pods, consumersToKeep(fileSystems, isShort)),
      }),
      ...(config && { config: shared(config) }),
      ...(claimsElsewhere.length > 0 && { claimsElsewhere }),
    });
    // A node with a gap is counted with the gap.
    const isRead = config !== undefined ? hasReadableLimits(config) : node.isServerless === true;
    if (isRead && fileSystems && isMeasured(fileSystems, node.operatingSystem, now)) saw(cluster.name);
  };

  /** Most nodes of a cluster have the same configuration: it is kept once. */
  const shared = (config: ports.KubeletConfig) => {
    const key = JSON.stringify(config);
    const known = configs.get(key) ?? config;
    configs.set(key, known);
    return known;
  };

  return {
    ask: ({ name, addresses, kubeletPort }: ports.KubeletAddress, node: Asked): void => {
      waiting.push(() => askOne({ name, addresses, kubeletPort }, node));
      start();
    },
    /** By node, once all have responded or failed. */
    answers: async (): Promise<ReadonlyMap<string, KubeletAnswer>> => {
      while (running.size > 0) await Promise.all(running);
      return found;
    },
  };
}

/** Most kubelets measure all file systems at the same time: the Date is kept once. */
function withTimeOf(first: ports.FileSystem | undefined, other: ports.FileSystem): ports.FileSystem {
  const { measuredAt } = first ?? {};
  return measuredAt && other.measuredAt?.getTime() === measuredAt.getTime()
    ? { ...other, measuredAt }
    : other;
}

const HALF = 0.5;

/**
 * Of thousands of nodes, most have enough space. The largest consumer of a disk that fills up is reported, and none of a disk that is at least
 * half empty.
 */
function consumersToKeep(fileSystems: FileSystems, isShort: boolean): number {
  const isHalfEmpty = disksOf(fileSystems).every(
    ({ availableBytes, capacityBytes, inodesFree = 1, inodes = 1 }) =>
      availableBytes >= HALF * capacityBytes && inodesFree >= HALF * inodes,
  );
  if (isHalfEmpty) return 0;
  return isShort ? 3 : 1;
}

/** What could not be read of one node. */
export interface Unread {
  readonly node: string;
  /** `disk usage`, `limits`, `disks`. */
  readonly what: string;
  readonly error: SourceError;
}

/** Up to this many reasons of one kind are separate gaps; more are one gap with an example. */
const MOST_REASONS = 10;

/** One gap per reason, not per node, so a missing permission is reported once. Each node counts once as a place, even with several reasons. */
export function reportUnread(
  { gap }: Pick<ReadContext, 'gap'>,
  cluster: string,
  unread: readonly Unread[],
): void {
  const byReason = Map.groupBy(unread, ({ node, error }) => `${kindOf(error)} ${withoutName(error, node)}`);
  const counted = new Set<string>();
  const byKind = Map.groupBy(byReason.values(), ([first]) => (first ? kindOf(first.error) : ''));
  for (const reasons of byKind.values())
    if (reasons.length <= MOST_REASONS) for (const group of reasons) report(group);
    else report(reasons.flat(), `, and similar reasons`);

  function report(group: readonly Unread[], more = ''): void {
    const [first] = group;
    if (!first) return;
    const { error } = first;
    const nodes = [...new Set(group.map(({ node }) => node))].toSorted();
    const whats = [...new Set(group.map(({ what }) => what))];
    const isOne = nodes.length === 1;
    const message = isOne ? error.message : withoutName(error, first.node) + more;
    const { source, kind, code } = error;
    const places = nodes.filter((node) => !counted.has(node)).length;
    for (const node of nodes) counted.add(node);
    gap(
      `${wording.capitalize(wording.list(whats))} of ${isOne ? `${cluster}:${nodes[0]}` : `${wording.count(nodes.length, 'node')} in ${cluster} (${wording.list(nodes)})`}${unknownText(whats)}`,
      new SourceError(source, kind, message, {
        places,
        placeNames: nodes,
        cause: error,
        ...(code !== undefined && { code }),
      }),
    );
  }
}

/** This may be the start of the verdict. */
function unknownText(whats: readonly Unread['what'][]): string {
  if (whats.includes('disks')) return '';
  return whats.join('') === 'disk usage' ? ' is unknown' : ' are unknown';
}

/** Includes the source, to keep the deadline apart from errors of the cluster. */
function kindOf({ source, kind }: SourceError): string {
  return `${source} ${kind}`;
}

/** Without the name of the node, so that equal reasons compare equal. */
function withoutName({ message }: SourceError, node: string): string {
  return message
    .split(/([\w.-]+)/)
    .map((word) => (word === node ? 'the node' : word))
    .join('');
}
