import type { ClusterFacts, ControllerPods, EvictedPod, Facts, NodeState, Owner } from './facts.ts';

/** Builders of facts for stories and tests. */

export function factsOf(...clusters: readonly ClusterFacts[]): Facts {
  return { clusters };
}

/** A cluster that was read completely, with overrides. */
export function clusterFacts(
  evicted: readonly EvictedPod[],
  known: Partial<ClusterFacts> = {},
): ClusterFacts {
  return {
    name: 'lab',
    isOnly: true,
    pods: 40,
    evicted,
    controllers: [],
    nodes: [...new Set(evicted.flatMap(({ node }) => node ?? []))].map((name) => nodeState(name)),
    replicaSets: [],
    arePodsComplete: true,
    areNodesComplete: true,
    removal: {},
    ...known,
  };
}

/** A node that is ready and without pressure, with overrides. */
export function nodeState(name: string, known: Partial<NodeState> = {}): NodeState {
  return {
    name,
    kubeletVersion: 'v1.33.4',
    ready: 'True',
    pressure: { DiskPressure: 'False', MemoryPressure: 'False', PIDPressure: 'False' },
    ...known,
  };
}

/** `evictedPod('shop/web-6c5d-11111', 'The node was low on resource: nodefs.', at)`: a pod of the ReplicaSet `web-6c5d` of the Deployment `web`. */
export function evictedPod(
  path: string,
  message: string,
  createdAt: Date,
  known: Partial<EvictedPod> = {},
): EvictedPod {
  const [namespace = '', name = ''] = path.split('/');
  const controller = { kind: 'ReplicaSet', name: name.split('-').slice(0, -1).join('-') };
  const owner = { kind: 'Deployment', name: name.split('-').slice(0, -2).join('-') };
  return {
    namespace,
    name,
    uid: `uid-of-${name}`,
    owner,
    controller,
    isMirror: false,
    node: 'node-a',
    phase: 'Failed',
    isBeingDeleted: false,
    createdAt,
    startedAt: createdAt,
    message,
    ...known,
  };
}

/** A pod that no one recreates. */
export function barePod(path: string, message: string, createdAt: Date): EvictedPod {
  const { controller: _, ...pod } = evictedPod(path, message, createdAt);
  return { ...pod, owner: { kind: 'Pod', name: pod.name } };
}

/** The mirror of a static pod. */
export function mirrorPod(path: string, node: string, message: string, createdAt: Date): EvictedPod {
  const [namespace = '', program = ''] = path.split('/');
  return {
    ...barePod(`${namespace}/${program}-${node}`, message, createdAt),
    owner: { kind: 'Static', name: program },
    isMirror: true,
    node,
  };
}

/** The pods of the controller of an evicted one; none is running. */
export function controllerPods(
  { namespace, controller, owner }: EvictedPod,
  newestAt: Date,
  known: Partial<ControllerPods> = {},
): ControllerPods {
  const none: Owner = { kind: '', name: '' };
  return {
    namespace,
    controller: controller ?? none,
    owner,
    running: 0,
    pending: 0,
    succeeded: 0,
    newestAt,
    ...known,
  };
}
