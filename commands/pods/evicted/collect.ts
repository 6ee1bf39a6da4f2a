import { type ports, SourceError, wording } from '../../kit.ts';
import { chooseSources } from '../../shared/sources.ts';
import {
  type ClusterFacts,
  type Context,
  type EvictedPod,
  type Facts,
  type NodeState,
  PRESSURE_CONDITIONS,
  type ReplicaSetState,
} from './facts.ts';
import { causeIn } from './messages.ts';
import { PodSurvey } from './pod-survey.ts';
import { indexPods } from './removable.ts';

/** Names that a gap lists. */
const MAX_NAMED = 3;
/** Namespaces for which is read whether pods may be deleted. */
const MAX_NAMESPACES = 50;

/** Reads all pods and nodes of every cluster, and keeps the evicted pods. A list that cannot be read is a gap. */
export async function collect(
  context: Context,
  args: { readonly namespace?: string | undefined; readonly source?: string | undefined },
): Promise<Facts> {
  const isOnly = context.read.clusters.length === 1;
  const clusters = await Promise.all(
    chooseSources(context, 'clusters', args.source).map((cluster) =>
      readCluster(context, cluster, { isOnly, namespace: args.namespace }),
    ),
  );
  const isEmpty = clusters.every(({ pods, arePodsComplete }) => pods === 0 && arePodsComplete);
  for (const { name } of isEmpty ? clusters : []) {
    const where = args.namespace === undefined ? name : `namespace ${args.namespace} of ${name}`;
    context.gap(`${name}: pods`, new SourceError(name, 'missing', `${where} has no pods`));
  }
  return { clusters };
}

async function readCluster(
  context: Context,
  cluster: ports.Cluster,
  { isOnly, namespace }: { readonly isOnly: boolean; readonly namespace: string | undefined },
): Promise<ClusterFacts> {
  const { attempt, signal, saw } = context;
  const { name } = cluster;
  const survey = new PodSurvey();
  const nodes = new Map<string, NodeState>();
  const [arePodsComplete, areNodesComplete] = await Promise.all([
    attempt(`${name}: pods`, false, async () => {
      for await (const page of cluster.pods({ signal, ...(namespace !== undefined && { namespace }) })) {
        for (const pod of page) survey.add(pod);
        saw(name, page.length);
      }
      return true;
    }),
    attempt(`${name}: nodes`, false, async () => {
      for await (const page of cluster.nodes({ signal }))
        for (const node of page) nodes.set(node.name, toState(node));
      return true;
    }),
  ]);
  const { pods, evicted, controllers, otherFailures, unreadable } = survey.result();
  reportOthers(context, name, { otherFailures, unreadable });
  const replicaSets = await readReplicaSets(context, cluster, evicted);
  const { obstacleToRemoval } = indexPods({ evicted, controllers });
  const removal = await readRemoval(
    context,
    cluster,
    evicted.filter((pod) => obstacleToRemoval(pod) === undefined),
  );
  const named = new Set(evicted.map(({ node }) => node));
  return {
    name,
    isOnly,
    pods,
    evicted,
    controllers,
    nodes: [...nodes.values()].filter((node) => named.has(node.name)),
    replicaSets,
    arePodsComplete,
    areNodesComplete,
    removal,
  };
}

function toState({ name, kubeletVersion, conditions }: ports.ClusterNode): NodeState {
  const statusOf = (type: string) => conditions.find((one) => one.type === type)?.status ?? 'Unknown';
  const [disk, memory, pid] = PRESSURE_CONDITIONS;
  return {
    name,
    ...(kubeletVersion !== undefined && { kubeletVersion }),
    ready: statusOf('Ready'),
    pressure: { [disk]: statusOf(disk), [memory]: statusOf(memory), [pid]: statusOf(pid) },
  };
}

/** Pods that failed for another reason are mentioned, so that no one searches for them here. A pod that may be evicted is a gap. */
function reportOthers(
  { gap, note }: Context,
  name: string,
  { otherFailures, unreadable }: Pick<ReturnType<PodSurvey['result']>, 'otherFailures' | 'unreadable'>,
): void {
  const failed = [...otherFailures].toSorted(([one], [other]) => (one < other ? -1 : 1));
  if (failed.length > 0)
    note(
      `${name}: other failed pods are not evictions: ${wording.list(
        failed.map(([reason, count]) => `${count} ${reason}`),
        8,
      )}`,
    );
  if (unreadable.length > 0) {
    const named = unreadable.toSorted();
    gap(
      `${name}: status of ${wording.list(named, MAX_NAMED)}`,
      new SourceError(name, 'malformed', 'the phase is unknown', {
        places: named.length,
        placeNames: named,
      }),
    );
  }
}

/** Only those of which one node refused several pods, because their template may name it: a large cluster has many. */
async function readReplicaSets(
  { attempt, signal }: Context,
  cluster: ports.Cluster,
  evicted: readonly EvictedPod[],
): Promise<readonly ReplicaSetState[]> {
  const wanted = new Set<string>();
  const refused = new Set<string>();
  for (const { namespace, controller, node, message } of evicted) {
    if (controller?.kind !== 'ReplicaSet' || causeIn(message).kind !== 'refused') continue;
    const replicaSet = `${namespace}/${controller.name}`;
    const onNode = `${replicaSet} ${node ?? ''}`;
    if (refused.has(onNode)) wanted.add(replicaSet);
    refused.add(onNode);
  }
  const found: ReplicaSetState[] = [];
  if (wanted.size > 0)
    await attempt(`${cluster.name}: ReplicaSets`, undefined, async () => {
      for await (const page of cluster.replicaSets({ signal })) {
        for (const { namespace, name, controller, templateNode } of page)
          if (wanted.delete(`${namespace}/${name}`))
            found.push({
              namespace,
              name,
              ...(controller && { owner: controller }),
              ...(templateNode !== undefined && { templateNode }),
            });
        if (wanted.size === 0) return;
      }
    });
  return found;
}

/** Whether pods may be deleted where one could be, at first where most could. If that cannot be read, nothing is offered there. */
async function readRemoval(
  { signal, gap, note }: Context,
  cluster: ports.Cluster,
  removable: readonly EvictedPod[],
): Promise<ClusterFacts['removal']> {
  const counts = new Map<string, number>();
  for (const { namespace } of removable) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  const namespaces = [...counts]
    .toSorted(([one, many], [other, more]) => more - many || (one < other ? -1 : 1))
    .map(([namespace]) => namespace);
  const removal: Record<string, ports.ClusterPermission> = {};
  for (const namespace of namespaces.slice(0, MAX_NAMESPACES))
    try {
      removal[namespace] = await cluster.removePermission({ signal, namespace });
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      if (!(cause instanceof SourceError)) throw error;
      gap(`${cluster.name}: permission to delete pods`, cause, { unrelated: true });
      break;
    }
  if (namespaces.length > MAX_NAMESPACES)
    note(
      `${cluster.name}: deleting pods is only offered in the ${MAX_NAMESPACES} namespaces with the most of them`,
    );
  return removal;
}
