import type { Finding } from '../../kit.ts';
import { type Group, isCertain, isReplaced, newestOf, nodeNamesOf, nodeStateOf } from './groups.ts';
import { type EvictedPod, PRESSURE_CONDITIONS, type PressureCondition } from './facts.ts';

const DAY_MS = 86_400_000;
/** A controller replaces a refused pod within seconds; that of a DaemonSet waits longer each time, up to 15 minutes. */
const ONGOING_MS = 600_000;
const ONGOING_DAEMON_MS = 1_200_000;
/** Without knowing the template: so many, created one after the other, and none on another node. */
const MIN_UNEXPLAINED = 3;

/**
 * Pods of one controller that a node refuses again and again, because something binds them to it. A pod whose template names a node bypasses the
 * scheduler and so the taints of the node: https://github.com/kubernetes/kubernetes/issues/94245
 */
export interface RefusalLoop {
  readonly node: string;
  readonly refused: number;
  /**
   * `template`: the template names the node. `daemon`: the pods of a DaemonSet tolerate its taints. `scheduler`: the template names no node.
   * `unknown`: the template was not read.
   */
  readonly boundBy: 'template' | 'daemon' | 'scheduler' | 'unknown';
  readonly spanMs: number;
  readonly isOngoing: boolean;
}

/** That of the newest pod, if the node which refused it has refused others of the same controller. */
export function refusalLoopOf(group: Group, now: Date): RefusalLoop | undefined {
  const newest = newestOf(group);
  const { node, controller, namespace } = newest;
  if (group.reason !== 'refused-by-node' || node === undefined || !controller) return undefined;
  const ofController = group.pods.filter(
    (pod) => pod.controller?.name === controller.name && pod.controller.kind === controller.kind,
  );
  const pods = ofController.filter((pod) => pod.node === node);
  const replicaSet =
    controller.kind === 'ReplicaSet'
      ? group.cluster.replicaSets.find((one) => one.namespace === namespace && one.name === controller.name)
      : undefined;
  const isPinned = replicaSet?.templateNode === node;
  const isDaemon = controller.kind === 'DaemonSet';
  const times = pods.map(createdMs);
  if (isPinned ? pods.length < 2 : new Set(times).size < MIN_UNEXPLAINED) return undefined;
  if (!isPinned && !isDaemon && pods.length < ofController.length) return undefined;
  const liveAt = isDaemon
    ? group.index.controllerOf(newest)?.newestLiveByNode?.get(node)
    : group.live.newestLiveAt;
  const newestMs = createdMs(newest);
  return {
    node,
    refused: pods.length,
    boundBy: isPinned ? 'template' : isDaemon ? 'daemon' : replicaSet ? 'scheduler' : 'unknown',
    spanMs: newestMs - Math.min(...times),
    isOngoing:
      now.getTime() - newestMs < (isDaemon ? ONGOING_DAEMON_MS : ONGOING_MS) &&
      !(liveAt && liveAt.getTime() > newestMs),
  };
}

/** NaN if it is unknown. */
function createdMs({ createdAt, startedAt }: EvictedPod): number {
  return (createdAt ?? startedAt)?.getTime() ?? NaN;
}

/**
 * Critical: a static pod that is down, and a loop of refusals without which nothing runs. Info: evicted more than a day ago, replaced, and the node has
 * no such pressure now.
 */
export function severityOf(group: Group, loop: RefusalLoop | undefined, now: Date): Finding['severity'] {
  const { cluster, reason } = group;
  const isSure = group.pods.some(isCertain);
  if (reason === 'static-pod-down') return isSure && isOnKnownNode(group) ? 'critical' : 'warning';
  const { running, pending, succeeded, oldestPendingAt } = group.live;
  if (loop?.isOngoing)
    return isSure && loop.boundBy === 'template' && running === 0 && cluster.arePodsComplete
      ? 'critical'
      : 'warning';
  const hasPressure = nodeNamesOf(group).some((node) => pressureNow(group, node).length > 0);
  // Also a rollout has pending pods, for a moment.
  const isStarting = oldestPendingAt !== undefined && now.getTime() - oldestPendingAt.getTime() < ONGOING_MS;
  const isWaiting = pending > 0 && !isStarting;
  return running + succeeded > 0 && !isWaiting && !hasPressure && isOld(group, now) ? 'info' : 'warning';
}

/** Whether one of the nodes still exists, as far as is known. A mirror may outlive its node for a while. */
export function isOnKnownNode(group: Group): boolean {
  const names = nodeNamesOf(group);
  return (
    !group.cluster.areNodesComplete || names.length === 0 || names.some((node) => nodeStateOf(group, node))
  );
}

/** Whether each pod was certainly evicted and replaced more than a day ago. */
function isOld(group: Group, now: Date): boolean {
  const isBefore = (at: Date | undefined) => at !== undefined && now.getTime() - at.getTime() > DAY_MS;
  const { newestLiveAt } = group.live;
  return group.pods.every((pod) => {
    // When it was evicted is often unknown, but what replaced it was created after that.
    const evictedBefore = pod.endedAt ?? (group.reason === 'refused-by-node' ? pod.createdAt : newestLiveAt);
    return isBefore(pod.createdAt) && isBefore(evictedBefore) && isReplaced(group, pod) === true;
  });
}

/** The conditions of a node because of which it evicts or refuses such pods now. */
export function pressureNow(group: Group, node: string): readonly PressureCondition[] {
  const state = nodeStateOf(group, node);
  return conditionsOf(group).filter((type) => state?.pressure[type] === 'True');
}

/** The conditions that a cause is about. */
export function conditionsOf({ causes }: Pick<Group, 'causes'>): readonly PressureCondition[] {
  const named = causes.flatMap((cause) => {
    if (cause.kind === 'refused') return cause.conditions;
    if (cause.kind !== 'pressure') return [];
    if (cause.short === 'memory') return ['MemoryPressure'];
    if (cause.short === 'pids') return ['PIDPressure'];
    return cause.short === 'other' ? [] : ['DiskPressure'];
  });
  return PRESSURE_CONDITIONS.filter((type) => named.includes(type));
}
