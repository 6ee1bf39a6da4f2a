import type { ports, Remembered } from '../../kit.ts';
import { defaultKubeletConfig } from '../../shared/fixture-clusters.ts';
import { podsUsage } from './consumers.ts';
import { DiskEventCollector } from './events.ts';
import type { Facts, NodeFacts } from './facts.ts';
import { NodePodCollector } from './pods.ts';
import type { DiskSample } from './growth.ts';

/** Builders of facts for stories and tests. */

export const GIB = 1_024 ** 3;

/** A healthy Linux node with containerd and the default limits, one disk of 100 GiB and 60% of it free, with overrides. */
export function node(name: string, known: Partial<NodeFacts> = {}): NodeFacts {
  return {
    cluster: 'prod',
    name,
    operatingSystem: 'linux',
    containerRuntime: 'containerd://2.1.4',
    ready: 'True',
    diskPressure: { status: 'False' },
    isTainted: false,
    fileSystems: oneDisk({ free: 60 }),
    usage: usage(),
    config: defaultKubeletConfig(),
    areEventsComplete: true,
    ...known,
  };
}

export function factsOf(nodes: readonly NodeFacts[], earlier: Facts['earlier'] = []): Facts {
  return { nodes, earlier };
}

interface Sizes {
  /** GiB. */
  readonly capacity?: number;
  readonly free?: number;
  readonly images?: number;
  /** Defaults to everything that is not free. */
  readonly used?: number;
  readonly known?: ports.FileSystem;
}

/** One disk for everything, in GiB. */
export function oneDisk(sizes: Sizes): NonNullable<NodeFacts['fileSystems']> {
  const { images = 10, known = {} } = sizes;
  const nodeFs = fileSystem(sizes);
  return { nodeFs, imageFs: { ...nodeFs, usedBytes: images * GIB, ...known } };
}

/** In GiB, with 92% of the inodes free. */
export function fileSystem({
  capacity = 100,
  free = 60,
  used = capacity - free,
  known = {},
}: Sizes): ports.FileSystem {
  const inodes = Math.round(capacity * 65_536);
  return {
    capacityBytes: Math.round(capacity * GIB),
    availableBytes: Math.round(free * GIB),
    usedBytes: Math.round(used * GIB),
    inodes,
    inodesFree: Math.round(inodes * 0.92),
    ...known,
  };
}

/** A kubelet configuration with only these hard limits. */
export function limits(
  evictionHard: ports.KubeletConfig['evictionHard'],
  known: Partial<ports.KubeletConfig> = {},
) {
  return { ...defaultKubeletConfig(), evictionHard, ...known };
}

export function usage(...pods: readonly Partial<ports.PodUsage>[]): NonNullable<NodeFacts['usage']> {
  return podsUsage(
    pods.map((pod, at) => ({
      namespace: 'default',
      name: `pod-${at}`,
      uid: `uid-${at}`,
      containers: [],
      volumes: [],
      ...pod,
    })),
  );
}

/** What is kept of these events about a node. */
export function events(
  ...all: readonly (Pick<ports.ClusterEvent, 'reason' | 'message'> & Partial<ports.ClusterEvent>)[]
): Pick<NodeFacts, 'events'> {
  const collector = new DiskEventCollector();
  for (const event of all)
    collector.add({ about: { kind: 'Node', name: 'n' }, type: 'Warning', count: 1, ...event });
  const result = collector.result();
  return result ? { events: result } : {};
}

/** What is kept of these pods on a node. */
export function podsOn(...all: readonly ports.Pod[]): Pick<NodeFacts, 'pods'> {
  return podsOnNode({}, ...all);
}

/** The same, with what is known about the node. */
export function podsOnNode(
  node: Parameters<NodePodCollector['result']>[0],
  ...all: readonly ports.Pod[]
): Pick<NodeFacts, 'pods'> {
  const collector = new NodePodCollector();
  for (const one of all) collector.add(one);
  const result = collector.result(node);
  return result ? { pods: result } : {};
}

/** A running pod, with overrides. */
export function pod(name: string, known: Partial<ports.Pod> = {}): ports.Pod {
  return {
    namespace: 'ci',
    name,
    uid: `uid-of-${name}`,
    labels: {},
    phase: 'Running',
    isMirror: false,
    containers: [],
    volumes: [],
    ...known,
  };
}

export function evicted(name: string, message: string): ports.Pod {
  return pod(name, { phase: 'Failed', reason: 'Evicted', message });
}

export function container(name: string, known: Partial<ports.PodContainer> = {}): ports.PodContainer {
  return {
    name,
    kind: 'main',
    image: 'registry.example.com/app:1',
    privileged: false,
    command: [],
    mounts: [],
    ...known,
  };
}

/** A pod that mounts the Docker socket of the node. */
export function socketUser(
  name: string,
  path = '/var/run/docker.sock',
  known: Partial<ports.Pod> = {},
): ports.Pod {
  return pod(name, { volumes: [{ name: 'sock', hostPath: path }], ...known });
}

/** Samples of earlier runs for a disk: hours ago, and GiB free. */
export function earlier(
  now: Date,
  name: string,
  free: readonly (readonly [hoursAgo: number, gib: number])[],
  known: Partial<DiskSample> = {},
): Facts['earlier'] {
  return free.map(([hours, gib]): Remembered<DiskSample> => ({
    at: new Date(now.getTime() - hours * 3_600_000),
    node: name,
    fs: 'nodeFs',
    availableBytes: Math.round(gib * GIB),
    capacityBytes: 100 * GIB,
    ...known,
  }));
}
