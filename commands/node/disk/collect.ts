import { type ports, SourceError, wording } from '../../kit.ts';
import { selectByName } from '../../shared/select-by-name.ts';
import { chooseSources, splitNames } from '../../shared/sources.ts';
import { type ListedNode, withEngines } from './engines.ts';
import { DiskEventCollector } from './events.ts';
import type { Context, Facts, KubeletAnswer, NodeFacts } from './facts.ts';
import { askKubelets, DEADLINE, reportUnread, type Unread } from './kubelets.ts';
import { disksOf, hasUncountedInodes, staleSince, unmeasured } from './measurements.ts';
import { NodePodCollector } from './pods.ts';
import { isJudgedByFreeSpace, unreadableLimits } from './room.ts';

export interface CollectArgs {
  readonly node?: string | undefined;
  readonly pool?: string | undefined;
  readonly source?: string | undefined;
}

/** What is kept of a node until its kubelet has responded. */
type KeptNode = Omit<NodeFacts, keyof KubeletAnswer | 'events' | 'areEventsComplete' | 'pods' | 'engines'>;

const DISK_PRESSURE_TAINT = 'node.kubernetes.io/disk-pressure';

/** Reads all clusters concurrently, page by page, and keeps only the few numbers that matter of each response. */
export async function collect(context: Context, args: CollectArgs): Promise<Facts> {
  const listed: Named[] = [];
  const clusters = chooseSources(context, 'clusters', args.source);
  const nodes = await Promise.all(clusters.map((cluster) => readCluster(context, cluster, args, listed)));
  reportUnknownNames(context, listed, args);
  return { nodes: await withEngines(context, nodes.flat(), listed), earlier: context.earlier };
}

type Named = ListedNode & Pick<ports.ClusterNode, 'pool'>;

/** Whether a node was requested: by its name, by its name without the domain, or as findings name it (`prod-eu:node-b`). */
function isNamed(requested: string, { name, cluster }: Named): boolean {
  const [host] = name.split('.');
  return [name, host, `${cluster}:${name}`].includes(requested);
}

function isSelected(one: Named, { node, pool }: CollectArgs): boolean {
  return (
    (node === undefined || splitNames(node).some((name) => isNamed(name, one))) &&
    (pool === undefined || splitNames(pool).some((name) => name === one.pool))
  );
}

function reportUnknownNames({ gap }: Context, listed: readonly Named[], { node, pool }: CollectArgs): void {
  if (listed.length === 0) return;
  if (node !== undefined) {
    const unknown = splitNames(node).filter((name) => !listed.some((one) => isNamed(name, one)));
    const requested = unknown.join(',');
    if (requested !== '')
      selectByName(listed, { flag: '--node', requested, nameOf: ({ name }) => name }, gap);
  }
  if (pool !== undefined) {
    const pooled = listed.filter((one) => one.pool !== undefined);
    selectByName(pooled, { flag: '--pool', requested: pool, nameOf: (one) => one.pool ?? '' }, gap);
  }
}

async function readCluster(
  context: Context,
  cluster: ports.Cluster,
  args: CollectArgs,
  listed: Named[],
): Promise<readonly NodeFacts[]> {
  const { attempt, signal, now } = context;
  const { name } = cluster;
  const hasEngines = (context.read.engines ?? []).length > 0;
  const nodes: KeptNode[] = [];
  const virtual: string[] = [];
  const unread: Unread[] = [];
  const kubelets = askKubelets(context, cluster, unread);
  let lists: Promise<Lists> | undefined;
  let listedHere = 0;
  const readNodes = async () => {
    for await (const page of cluster.nodes({ signal })) {
      // A cluster that does not respond gets one request, not three.
      lists ??= readLists(context, cluster);
      for (const node of page) {
        listedHere += 1;
        const named: Named = {
          cluster: name,
          name: node.name,
          // Only engines are matched by address.
          addresses: hasEngines ? node.addresses : [],
          ...(node.pool !== undefined && { pool: node.pool }),
        };
        listed.push(named);
        if (!isSelected(named, args)) continue;
        if (node.kind === 'virtual') virtual.push(node.name);
        else {
          const kept = keep(name, node);
          nodes.push(kept);
          kubelets.ask(node, kept);
        }
      }
    }
    if (listedHere === 0) throw new SourceError(name, 'missing', 'it has no nodes');
  };
  await attempt(name, undefined, async () => {
    try {
      await readNodes();
    } catch (error) {
      if (listedHere === 0 || !(error instanceof SourceError)) throw error;
      context.gap(`${name}: nodes after the first${listedHere === 1 ? '' : ` ${listedHere}`}`, error);
    }
  });
  const [answers, read] = await Promise.all([kubelets.answers(), lists]);
  const facts = nodes.map((node): NodeFacts => {
    const { claimsElsewhere = [], ...answer } = answers.get(node.name) ?? {};
    const events = read?.events.get(node.name)?.result();
    const pods = read?.pods.get(node.name)?.result({ ...node, claimsElsewhere });
    return {
      ...node,
      ...answer,
      ...(events && { events }),
      areEventsComplete: read?.areEventsComplete ?? false,
      ...(pods && { pods }),
    };
  });
  const isExpected = expectedOf(cluster, facts);
  const unknown = [...unread, ...facts.flatMap((node) => unmeasuredOf(node, now))];
  reportUnread(
    context,
    name,
    unknown.filter((one) => !isExpected(one)),
  );
  noteDifferences(context, name, facts, { virtual, unread: unknown.filter(isExpected) });
  return facts;
}

/**
 * Which failures are not gaps: the kubelet of a serverless node measures nothing, or cannot be reached although others can. The cloud manages
 * that disk, and otherwise a cluster with such nodes could never be clear: https://github.com/aws/containers-roadmap/issues/1798
 */
function expectedOf({ kubelets }: ports.Cluster, nodes: readonly NodeFacts[]) {
  const serverless = new Map(nodes.flatMap((node) => (node.isServerless ? [[node.name, node]] : [])));
  const isReachable = nodes.some(({ isServerless, fileSystems }) => !isServerless && fileSystems);
  return ({ node, error }: Unread): boolean => {
    const one = serverless.get(node);
    if (!one || kubelets === 'none' || error.source === DEADLINE) return false;
    if (one.fileSystems && disksOf(one.fileSystems).length === 0) return true;
    return error.kind === 'missing' || (error.kind === 'unreachable' && isReachable);
  };
}

function keep(cluster: string, node: ports.ClusterNode): KeptNode {
  const conditionOf = (type: string) => node.conditions.find((one) => one.type === type);
  const ready = conditionOf('Ready')?.status;
  const pressure = conditionOf('DiskPressure');
  return {
    cluster,
    name: node.name,
    operatingSystem: node.operatingSystem,
    ...(node.containerRuntime !== undefined && { containerRuntime: node.containerRuntime }),
    ...(ready && { ready }),
    ...(pressure && { diskPressure: pressureOf(pressure) }),
    ...(node.isServerless && { isServerless: true as const }),
    isTainted: node.taints.some(({ key }) => key === DISK_PRESSURE_TAINT),
  };
}

const NO_PRESSURE = { status: 'False' } as const;

/** Since when there is no pressure does not matter, so most nodes share one object. */
function pressureOf({ status, since }: ports.NodeCondition): NonNullable<NodeFacts['diskPressure']> {
  return status === 'False' ? NO_PRESSURE : { status, ...(since && { since }) };
}

interface Lists {
  readonly events: ReadonlyMap<string, DiskEventCollector>;
  readonly areEventsComplete: boolean;
  readonly pods: ReadonlyMap<string, NodePodCollector>;
}

async function readLists({ attempt, signal }: Context, cluster: ports.Cluster): Promise<Lists> {
  const events = new Map<string, DiskEventCollector>();
  const pods = new Map<string, NodePodCollector>();
  const [areEventsComplete] = await Promise.all([
    attempt(`${cluster.name}: events`, false, async () => {
      for await (const page of cluster.events({ signal, about: 'Node' }))
        for (const event of page) collectorFor(events, event.about.name, DiskEventCollector).add(event);
      return true;
    }),
    attempt(`${cluster.name}: pods`, undefined, async () => {
      for await (const page of cluster.pods({ signal }))
        for (const pod of page)
          if (pod.node !== undefined) collectorFor(pods, pod.node, NodePodCollector).add(pod);
    }),
  ]);
  return { events, areEventsComplete, pods };
}

function collectorFor<T>(collectors: Map<string, T>, node: string, Collector: new () => T): T {
  const collector = collectors.get(node) ?? new Collector();
  collectors.set(node, collector);
  return collector;
}

/** Responses of a kubelet that say too little about a disk. */
function unmeasuredOf(node: NodeFacts, now: Date): readonly Unread[] {
  const { fileSystems, config, operatingSystem, cluster, name } = node;
  if (!fileSystems) return [];
  const stale = staleSince(disksOf(fileSystems), now);
  const messages = [
    ...unmeasured(fileSystems, operatingSystem).map((what) => `its kubelet measures ${what}`),
    ...(stale
      ? [
          `its kubelet last measured its disks ${wording.span(now.getTime() - stale.getTime())} ago (${wording.utcTime(stale)})`,
        ]
      : []),
    ...(config ? unreadableLimits(config) : []).map(
      ([signal, text]) => `its limit for ${signal} cannot be parsed: ${text}`,
    ),
  ];
  return messages.map((message) => ({
    node: name,
    what: 'disks',
    error: new SourceError(cluster, 'malformed', message),
  }));
}

/** Notes about nodes that are judged differently, or not at all because they have no disk. */
function noteDifferences(
  { note }: Context,
  cluster: string,
  nodes: readonly NodeFacts[],
  { virtual, unread }: { readonly virtual: readonly string[]; readonly unread: readonly Unread[] },
): void {
  const say = (names: readonly string[], one: string, many: string) => {
    const who = wording.list(names.toSorted());
    if (names.length > 0) note(`${cluster}: ${who} ${names.length === 1 ? one : many}`);
  };
  const namesOf = (matches: (node: NodeFacts) => boolean) => nodes.filter(matches).map(({ name }) => name);
  say(virtual, 'is a virtual node and has no disk', 'are virtual nodes and have no disks');
  const serverless = new Set(unread.map(({ node }) => node));
  const isShown = ({ fileSystems }: NodeFacts) =>
    fileSystems !== undefined && disksOf(fileSystems).length > 0;
  say(
    namesOf((node) => serverless.has(node.name) && !isShown(node)),
    'is serverless: its cloud manages the disk and does not show it',
    'are serverless: their cloud manages the disks and does not show them',
  );
  say(
    namesOf((node) => serverless.has(node.name) && isShown(node)),
    'is serverless and does not show its limits; judged by the defaults',
    'are serverless and do not show their limits; judged by the defaults',
  );
  say(
    namesOf(({ ready, fileSystems }) => ready === undefined && fileSystems !== undefined),
    'does not report whether it is ready; judged by what its kubelet measures',
    'do not report whether they are ready; judged by what their kubelets measure',
  );
  say(
    namesOf(({ ready, fileSystems }) => ready !== undefined && ready !== 'True' && fileSystems !== undefined),
    'is not ready; judged by what its kubelet measures',
    'are not ready; judged by what their kubelets measure',
  );
  say(
    namesOf(isJudgedByFreeSpace),
    'has no disk limit in evictionHard: its kubelet neither evicts pods nor reports DiskPressure; judged only by free space',
    'have no disk limit in evictionHard: their kubelets neither evict pods nor report DiskPressure; judged only by free space',
  );
  say(
    namesOf(
      ({ fileSystems, operatingSystem }) =>
        fileSystems !== undefined && operatingSystem !== 'windows' && hasUncountedInodes(fileSystems),
    ),
    'has a disk that reports no inodes',
    'have disks that report no inodes',
  );
}
