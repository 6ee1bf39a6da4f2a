import type { ClusterFacts, ControllerPods, EvictedPod, Owner } from './facts.ts';

/** Controllers that keep failed pods, and create others instead. A custom controller may need its failed pods, so it is not among them. */
const REMOVABLE: Readonly<Record<string, (pod: EvictedPod, pods: ControllerPods) => boolean>> = {
  ReplicaSet: isReplacedIn,
  // Whether it still exists is only known from its pods.
  ReplicationController: ({ createdAt }, { newestLiveAt }) => isAfter(newestLiveAt, createdAt),
  DaemonSet: isReplacedIn,
};

/** Controllers whose pods replace one another. A newer pod of a StatefulSet has another identity. */
const REPLACING: ReadonlySet<string> = new Set(['ReplicaSet', 'ReplicationController', 'DaemonSet', 'Job']);

/** Whether there is a newer pod of its controller; for a DaemonSet, a running one on the same node. */
function isReplacedIn(
  { createdAt, node = '' }: EvictedPod,
  { controller, newestAt, newestLiveByNode }: ControllerPods,
): boolean {
  return isAfter(controller.kind === 'DaemonSet' ? newestLiveByNode?.get(node) : newestAt, createdAt);
}

function isAfter(one: Date | undefined, other: Date | undefined): boolean {
  return one !== undefined && other !== undefined && one > other;
}

/** Looks up what belongs to an evicted pod, of which there may be thousands. */
export interface PodIndex {
  /** All controllers of an owner, such as the ReplicaSets of a Deployment. */
  readonly controllersOf: (namespace: string, owner: Owner) => readonly ControllerPods[];
  readonly controllerOf: (pod: EvictedPod) => ControllerPods | undefined;
  /** undefined if that cannot be known from newer pods of its controller. */
  readonly isReplaced: (pod: EvictedPod) => boolean | undefined;
  /** Why it must not be deleted, after its name: `is the mirror of a static pod`. undefined if it may be. */
  readonly obstacleToRemoval: (pod: EvictedPod) => string | undefined;
}

/** @param evicted oldest first */
export function indexPods({ evicted, controllers }: Pick<ClusterFacts, 'evicted' | 'controllers'>): PodIndex {
  const byController = new Map(controllers.map((one) => [keyOf(one.namespace, one.controller), one]));
  const byOwner = Map.groupBy(controllers, ({ namespace, owner }) => keyOf(namespace, owner));
  const newestOfOwner = new Map(
    evicted
      .filter(({ isBeingDeleted }) => !isBeingDeleted)
      .map(({ namespace, owner, uid }) => [keyOf(namespace, owner), uid] as const),
  );
  const controllerOf = ({ namespace, controller }: EvictedPod) =>
    controller && byController.get(keyOf(namespace, controller));
  const isReplaced = (pod: EvictedPod) => {
    if (!pod.controller || !REPLACING.has(pod.controller.kind)) return undefined;
    const pods = controllerOf(pod);
    return pods !== undefined && isReplacedIn(pod, pods);
  };
  return {
    controllersOf: (namespace, owner) => byOwner.get(keyOf(namespace, owner)) ?? [],
    controllerOf,
    isReplaced,
    obstacleToRemoval: (pod) => {
      const { controller, owner, namespace, uid } = pod;
      if (pod.isMirror) return 'is the mirror of a static pod';
      if (pod.isBeingDeleted) return 'is already being deleted';
      if (pod.phase !== 'Failed') return `is ${pod.phase}`;
      if (pod.isGuess) return 'has no reason in its status';
      if (uid === '') return 'has no uid';
      if (!controller) return 'has no controller: nothing would recreate it';
      const isReplacedBy = Object.hasOwn(REMOVABLE, controller.kind) ? REMOVABLE[controller.kind] : undefined;
      if (!isReplacedBy) return `belongs to a ${controller.kind}, which may need its failed pods`;
      const pods = controllerOf(pod);
      if (!pods || !isReplacedBy(pod, pods)) return `has not been replaced by ${controller.name}`;
      return newestOfOwner.get(keyOf(namespace, owner)) === uid
        ? `is the newest evicted pod of ${owner.name}`
        : undefined;
    },
  };
}

function keyOf(namespace: string, { kind, name }: Owner): string {
  return JSON.stringify([namespace, kind, name]);
}
