import { type ports, SourceError } from '../kit.ts';

/** An in-memory cluster for the fixtures of checks (`fixtures.ts`), as documented in `src/ports`, and builders for its objects. */

interface StoredCluster {
  readonly name: string;
  readonly kubelets?: ports.Cluster['kubelets'];
  readonly version?: string;
  readonly nodes: readonly ports.ClusterNode[];
  readonly pods?: readonly ports.Pod[];
  readonly events?: readonly ports.ClusterEvent[];
  readonly daemonSets?: readonly ports.DaemonSet[];
  /** By node name; other nodes have no stats. */
  readonly stats?: Readonly<Record<string, ports.KubeletStats>>;
  /** By node name; other nodes have the defaults. */
  readonly configs?: Readonly<Record<string, ports.KubeletConfig>>;
  readonly cordon?: ports.CordonPermission;
  readonly replicaSets?: readonly ports.Workload[];
  /** Deployments, StatefulSets and DaemonSets. */
  readonly workloads?: readonly ports.Workload[];
  /** The log of the previous instance, by `namespace/pod/container`. */
  readonly logs?: Readonly<Record<string, readonly string[]>>;
  readonly remove?: ports.RemovePermission;
  readonly adjust?: ports.WorkloadPermission;
  readonly ingresses?: readonly ports.Ingress[];
  readonly restart?: ports.WorkloadPermission;
  readonly pin?: ports.WorkloadPermission;
  readonly services?: readonly ports.ClusterService[];
  /** By `namespace/service`. */
  readonly endpoints?: Readonly<Record<string, readonly ports.Endpoint[]>>;
  readonly rollouts?: readonly ports.Rollout[];
}

const NOT_ALLOWED = { allowed: false, because: 'the configuration does not allow it' } as const;

const PAGE_SIZE = 2;

/** The page size of lists is 2. */
export function clusterSource({
  name,
  kubelets = 'proxy',
  version = 'v1.33.4',
  nodes,
  pods = [],
  events = [],
  daemonSets = [],
  stats = {},
  configs = {},
  cordon = NOT_ALLOWED,
  replicaSets = [],
  workloads = [],
  logs = {},
  remove = NOT_ALLOWED,
  adjust = NOT_ALLOWED,
  ingresses = [],
  restart = NOT_ALLOWED,
  pin = NOT_ALLOWED,
  services = [],
  endpoints = {},
  rollouts = [],
}: StoredCluster): ports.Cluster {
  return {
    name,
    kubelets,
    version: async () => version,
    nodes: () => pagesOf(nodes),
    pods: ({ namespace }) =>
      pagesOf(pods.filter((pod) => namespace === undefined || pod.namespace === namespace)),
    events: ({ about }) => pagesOf(events.filter((event) => event.about.kind === about)),
    daemonSets: () => pagesOf(daemonSets),
    replicaSets: () => pagesOf(replicaSets),
    workload: async (wanted) => {
      const found = [...workloads, ...replicaSets].find((one) =>
        (['kind', 'namespace', 'name'] as const).every((key) => one[key] === wanted[key]),
      );
      if (!found)
        throw new SourceError(
          name,
          'missing',
          `the ${wanted.kind} ${wanted.namespace}/${wanted.name} no longer exists`,
        );
      return found;
    },
    previousLog: async ({ namespace, pod, container }, { lines }) => {
      const log = logs[`${namespace}/${pod}/${container}`];
      if (!log) throw new SourceError(name, 'missing', `there is no previous instance of ${container}`);
      return log.slice(-lines);
    },
    kubeletStats: async (node) => {
      const measured = stats[node.name];
      if (!measured) throw new SourceError(name, 'missing', `${node.name} has no stats`);
      return measured;
    },
    kubeletConfig: async (node) => configs[node.name] ?? defaultKubeletConfig(),
    ingresses: () => pagesOf(ingresses),
    services: ({ namespace }) => pagesOf(services.filter((one) => one.namespace === namespace)),
    endpoints: ({ namespace, service }) => pagesOf(endpoints[`${namespace}/${service}`] ?? []),
    rollouts: ({ namespace }) => pagesOf(rollouts.filter((one) => one.namespace === namespace)),
    restartPermission: async () => restart,
    pinPermission: async () => pin,
    cordonPermission: async () => cordon,
    removePermission: async () => remove,
    adjustPermission: async () => adjust,
    tryProbeChange: async () => {},
    tryImageChange: async () => {},
  };
}

async function* pagesOf<T>(all: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < Math.max(all.length, 1); at += PAGE_SIZE) yield all.slice(at, at + PAGE_SIZE);
}

/** A healthy Linux node with containerd, with overrides. */
export function clusterNode(name: string, known: Partial<ports.ClusterNode> = {}): ports.ClusterNode {
  return {
    name,
    uid: `uid-of-${name}`,
    kind: 'machine',
    operatingSystem: 'linux',
    osImage: 'Ubuntu 24.04.3 LTS',
    kernelVersion: '6.8.0-85-generic',
    architecture: 'amd64',
    containerRuntime: 'containerd://2.1.4',
    kubeletVersion: 'v1.33.4',
    roles: [],
    conditions: [condition('Ready', 'True'), condition('DiskPressure', 'False')],
    taints: [],
    unschedulable: false,
    addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
    kubeletPort: 10_250,
    ...known,
  };
}

export function condition(
  type: string,
  status: ports.NodeCondition['status'],
  known: Partial<ports.NodeCondition> = {},
): ports.NodeCondition {
  return { type, status, ...known };
}

const GIB = 1_024 ** 3;

/** The stats of a node with a single disk of 100 GiB; `freeShare` of it is free. With overrides. */
export function oneDisk(
  freeShare: number,
  known: Partial<ports.KubeletStats> & { readonly fs?: Partial<ports.FileSystem> } = {},
): ports.KubeletStats {
  const { fs = {}, ...more } = known;
  const disk: ports.FileSystem = {
    availableBytes: Math.round(100 * GIB * freeShare),
    capacityBytes: 100 * GIB,
    usedBytes: Math.round(100 * GIB * (1 - freeShare)),
    inodes: 6_553_600,
    inodesFree: 6_000_000,
    inodesUsed: 553_600,
    ...fs,
  };
  return { nodeFs: disk, imageFs: { ...disk, usedBytes: 12 * GIB }, pods: [], ...more };
}

/** The defaults of a kubelet on Linux: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
export function defaultKubeletConfig(): ports.KubeletConfig {
  return {
    evictionHard: {
      'memory.available': { amount: 100 * 1_024 ** 2 },
      'nodefs.available': { share: 0.1 },
      'nodefs.inodesFree': { share: 0.05 },
      'imagefs.available': { share: 0.15 },
      'imagefs.inodesFree': { share: 0.05 },
    },
    evictionSoft: {},
    evictionMinimumReclaim: {},
    pressureTransitionMs: 300_000,
    imageGcHighPercent: 85,
    imageGcLowPercent: 80,
    containerLogMaxBytes: 10 * 1_024 ** 2,
    containerLogMaxFiles: 5,
  };
}

/** A running pod of a Deployment with one container that has never restarted, with overrides. */
export function clusterPod(name: string, known: Partial<ports.Pod> = {}): ports.Pod {
  return {
    namespace: 'shop',
    name,
    uid: `uid-of-${name}`,
    labels: {},
    node: 'node-a',
    phase: 'Running',
    isMirror: false,
    restartPolicy: 'Always',
    graceSeconds: 30,
    containers: [podContainer('app')],
    volumes: [],
    ...known,
  };
}

/** A container that is running and ready, with overrides. */
export function podContainer(name: string, known: Partial<ports.PodContainer> = {}): ports.PodContainer {
  return {
    name,
    kind: 'main',
    image: `registry.example/${name}:1`,
    privileged: false,
    command: [],
    mounts: [],
    status: { restarts: 0, isReady: true, state: { kind: 'running' } },
    ...known,
  };
}

/** A Deployment with two replicas, with overrides. */
export function workload(name: string, known: Partial<ports.Workload> = {}): ports.Workload {
  return {
    kind: 'Deployment',
    namespace: 'shop',
    name,
    uid: `uid-of-${name}`,
    replicas: 2,
    isPaused: false,
    containers: [],
    fieldManagers: [],
    ...known,
  };
}
