import type { ClusterFacts, EvictedPod, NodeState, Owner } from './facts.ts';
import { causeIn, type EvictionCause } from './messages.ts';
import { indexPods, type PodIndex } from './removable.ts';
import { earliest, latest } from './times.ts';

/** Evicted pods with one owner and one cause. */
export interface Group {
  readonly cluster: ClusterFacts;
  readonly index: PodIndex;
  readonly namespace: string;
  readonly owner: Owner;
  readonly reason: Reason;
  /** `media/transcode` */
  readonly target: string;
  /** Oldest first. */
  readonly pods: readonly [EvictedPod, ...EvictedPod[]];
  /** The causes in their messages, each different one once. */
  readonly causes: readonly EvictionCause[];
  readonly live: Live;
}

export type Reason =
  | 'static-pod-down'
  | 'refused-by-node'
  | 'node-low-on-memory'
  | 'node-low-on-disk'
  | 'node-low-on-inodes'
  | 'node-low-on-pids'
  | 'node-low-on-resource'
  | 'volume-limit-exceeded'
  | 'pod-limit-exceeded'
  | 'container-limit-exceeded'
  | 'evicted-for-unknown-reason';

function reasonFor({ isMirror }: EvictedPod, cause: EvictionCause): Reason {
  if (isMirror) return 'static-pod-down';
  switch (cause.kind) {
    case 'refused':
      return 'refused-by-node';
    case 'pressure':
      return cause.short === 'other' ? 'node-low-on-resource' : `node-low-on-${cause.short}`;
    case 'own-limit':
      return `${cause.of}-limit-exceeded`;
    case 'unknown':
      return 'evicted-for-unknown-reason';
  }
}

/** Each evicted pod is in exactly one group. */
export function groupsOf(cluster: ClusterFacts): readonly Group[] {
  const index = indexPods(cluster);
  const grouped = Map.groupBy(
    cluster.evicted.map((pod) => {
      const cause = causeIn(pod.message);
      return { pod, cause, owner: knownOwner(cluster, pod), reason: reasonFor(pod, cause) };
    }),
    ({ pod: { namespace }, owner, reason }) => JSON.stringify([namespace, owner.kind, owner.name, reason]),
  );
  const groups = [...grouped.values()].flatMap((members) => {
    const [first] = members;
    const [oldest, ...others] = members.map(({ pod }) => pod);
    if (!first || !oldest) return [];
    const { owner, reason } = first;
    const { namespace } = oldest;
    const causes = new Map(members.map(({ cause }) => [JSON.stringify(cause), cause]));
    const target = nameIn(cluster, `${namespace}/${owner.name}`);
    const pods = [oldest, ...others] as const;
    const live = liveOf(index, namespace, owner, pods);
    return [{ cluster, index, namespace, owner, reason, target, pods, causes: [...causes.values()], live }];
  });
  return withUniqueTargets(groups);
}

/** With the name of its cluster if there are several. */
export function nameIn({ name, isOnly }: Pick<ClusterFacts, 'name' | 'isOnly'>, object: string): string {
  return isOnly ? object : `${name}:${object}`;
}

/** A Deployment and a StatefulSet may have the same name. */
function withUniqueTargets(groups: readonly Group[]): readonly Group[] {
  const kinds = Map.groupBy(groups, ({ target }) => target);
  return groups.map((group) => {
    const isShared = kinds.get(group.target)?.some(({ owner }) => owner.kind !== group.owner.kind) === true;
    return isShared ? { ...group, target: `${group.target} (${group.owner.kind})` } : group;
  });
}

/** The owner that its ReplicaSet names, if that was read. */
function knownOwner({ replicaSets }: ClusterFacts, { namespace, controller, owner }: EvictedPod): Owner {
  if (owner.kind !== 'ReplicaSet') return owner;
  return (
    replicaSets.find((one) => one.namespace === namespace && one.name === controller?.name)?.owner ?? owner
  );
}

export function newestOf({ pods }: Group): EvictedPod {
  return pods.at(-1) ?? pods[0];
}

/** The nodes that evicted its pods, each once, sorted. */
export function nodeNamesOf({ pods }: Group): readonly string[] {
  return [...new Set(pods.flatMap(({ node }) => node ?? []))].toSorted();
}

/** Whether a pod has certainly failed, and not only by its message. */
export function isCertain({ phase, isGuess }: EvictedPod): boolean {
  return phase === 'Failed' && isGuess !== true;
}

export function nodeStateOf({ cluster }: Group, name: string): NodeState | undefined {
  return cluster.nodes.find((node) => node.name === name);
}

/** What runs of its owner now, and of a Job what has succeeded. Not all of it is known if the pods are incomplete. */
export interface Live {
  readonly running: number;
  readonly pending: number;
  readonly oldestPendingAt?: Date;
  readonly succeeded: number;
  readonly newestLiveAt?: Date;
}

function liveOf(index: PodIndex, namespace: string, owner: Owner, pods: readonly EvictedPod[]): Live {
  const all = [
    ...new Set([
      ...index.controllersOf(namespace, owner),
      ...pods.flatMap((pod) => index.controllerOf(pod) ?? []),
    ]),
  ];
  const newestLiveAt = latest(all.map((one) => one.newestLiveAt));
  const oldestPendingAt = earliest(all.map((one) => one.oldestPendingAt));
  return {
    running: all.reduce((sum, { running }) => sum + running, 0),
    pending: all.reduce((sum, { pending }) => sum + pending, 0),
    succeeded: all.reduce((sum, { succeeded }) => sum + succeeded, 0),
    ...(newestLiveAt && { newestLiveAt }),
    ...(oldestPendingAt && { oldestPendingAt }),
  };
}

/** By its controller, or by a later ReplicaSet of the same owner. undefined if that cannot be known from newer pods. */
export function isReplaced(group: Group, pod: EvictedPod): boolean | undefined {
  const { index, owner, live } = group;
  if (pod.controller?.kind !== 'ReplicaSet' || owner.kind === 'ReplicaSet') return index.isReplaced(pod);
  const { newestLiveAt } = live;
  const isFollowed =
    newestLiveAt !== undefined && pod.createdAt !== undefined && newestLiveAt > pod.createdAt;
  return isFollowed || index.isReplaced(pod);
}
