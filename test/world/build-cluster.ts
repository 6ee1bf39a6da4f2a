import { statfsSync } from 'node:fs';
import { startCluster, type TestCluster } from './kubernetes/api-server.ts';
import { type Kubelet, kubelet } from './kubernetes/kubelets.ts';
import {
  configBody,
  containerStatus,
  eventObject,
  nodeObject,
  podObject,
  statsBody,
} from './kubernetes/objects.ts';
import type { ApiObject } from './kubernetes/resources.ts';

/** The node with a real disk. */
export const BUILD_NODE = 'build-1';
const OTHER_NODE = 'build-2';

/** `imagefs.available`, the highest of the kubelet's default limits. */
const LIMIT_SHARE = 0.15;
/** What image garbage collection tries to free: until 80% are used. */
const GOAL_SHARE = 0.2;

/** The current state of a file system. */
export interface DiskSpace {
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

export function measureDisk(path: string): DiskSpace {
  const { bsize, blocks, bavail, files, ffree } = statfsSync(path);
  return {
    capacityBytes: blocks * bsize,
    availableBytes: bavail * bsize,
    inodes: files,
    inodesFree: ffree,
  };
}

export interface BuildCluster {
  readonly cluster: TestCluster;
  /** Jenkins is evicted, and image garbage collection fails because of these images. */
  readonly evict: (refusals: readonly ImageInUse[]) => void;
}

/** An image, and the stopped container that makes the engine refuse to delete it. Both by their ids. */
export interface ImageInUse {
  readonly image: string;
  readonly container: string;
}

interface BuildClusterOptions {
  /** A folder on the disk of {@link BUILD_NODE}. */
  readonly diskPath: string;
  /** `20.10.24` */
  readonly dockerVersion: string;
  /** The disk space of the engine's images. */
  readonly imageBytes: () => number;
}

/**
 * A Kubernetes cluster with two build nodes. The kubelet of {@link BUILD_NODE} measures a real file system
 * at each request, with the default limits. It reports DiskPressure exactly while a limit is crossed; a
 * real kubelet reports it some seconds later, and by default keeps it for five minutes.
 */
export async function startBuildCluster(options: BuildClusterOptions): Promise<BuildCluster> {
  const { diskPath, dockerVersion, imageBytes } = options;
  const containerRuntime = `docker://${dockerVersion}`;
  const config = configBody({ evictionPressureTransitionPeriod: '1s' });
  const kubelets = (node: string): Kubelet => {
    const time = new Date().toISOString();
    const disk = node === BUILD_NODE ? { ...measureDisk(diskPath), imageBytes: imageBytes() } : {};
    return kubelet({ stats: statsBody(node, { ...disk, time }), config });
  };
  let wasShort = false;
  const cluster: TestCluster = await startCluster({
    nodes: [BUILD_NODE, OTHER_NODE].map((name) => nodeObject(name, { containerRuntime, at: now() })),
    pods: [
      agentPod(),
      podObject('jenkins-6486d7f5c-wq8zt', {
        namespace: 'ci',
        node: OTHER_NODE,
        owner: { kind: 'ReplicaSet', name: 'jenkins-6486d7f5c' },
        containerStatuses: [containerStatus('app')],
      }),
    ],
    kubelets,
    kubeletsListen: true,
    answer: () => {
      const { availableBytes, capacityBytes } = measureDisk(diskPath);
      const isShort = availableBytes < LIMIT_SHARE * capacityBytes;
      if (isShort !== wasShort) cluster.put('nodes', withDiskPressure(cluster, isShort));
      wasShort = isShort;
      return undefined;
    },
  });
  return {
    cluster,
    evict: (refusals) => {
      const disk = measureDisk(diskPath);
      cluster.put('pods', evictedPod(disk));
      const wantedBytes = GOAL_SHARE * disk.capacityBytes - disk.availableBytes;
      for (const event of eventsOf(refusals, wantedBytes)) cluster.put('events', event);
    },
  };
}

function withDiskPressure(cluster: TestCluster, isShort: boolean): ApiObject {
  const node = cluster.find('nodes', BUILD_NODE)!;
  const status = node['status'] as { readonly conditions: readonly { readonly type: string }[] };
  const conditions = status.conditions.map((condition) =>
    condition.type === 'DiskPressure'
      ? {
          ...condition,
          status: isShort ? 'True' : 'False',
          lastHeartbeatTime: now(),
          lastTransitionTime: now(),
        }
      : condition,
  );
  const taint = { key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule' };
  return {
    ...node,
    metadata: { ...node.metadata },
    spec: { ...(node['spec'] as object), taints: isShort ? [taint] : [] },
    status: { ...status, conditions },
  };
}

/** It runs the builds with the engine of its node. */
function agentPod(): ApiObject {
  return podObject('jenkins-agent-6t97t', {
    namespace: 'ci',
    node: BUILD_NODE,
    labels: { jenkins: 'slave' },
    containers: [
      {
        name: 'agent',
        image: 'jenkins/inbound-agent:3309.v27b_9314fd1a_4-1',
        volumeMounts: [{ name: 'docker', mountPath: '/var/run/docker.sock' }],
      },
    ],
    volumes: [{ name: 'docker', hostPath: { path: '/var/run/docker.sock' } }],
    containerStatuses: [containerStatus('agent')],
  });
}

/** It had run for 113 days. */
function evictedPod({ capacityBytes, availableBytes }: DiskSpace): ApiObject {
  const threshold = Math.round(LIMIT_SHARE * capacityBytes);
  return podObject('jenkins-6486d7f5c-2kx9b', {
    namespace: 'ci',
    node: BUILD_NODE,
    phase: 'Failed',
    reason: 'Evicted',
    message: `The node was low on resource: ephemeral-storage. Threshold quantity: ${threshold}, available: ${Math.round(availableBytes / 1_024)}Ki. `,
    owner: { kind: 'ReplicaSet', name: 'jenkins-6486d7f5c' },
    createdAt: new Date(Date.now() - 113 * 86_400_000).toISOString(),
  });
}

/** The maximum length of an event's message. */
const MAX_MESSAGE_CHARS = 1_024;

/** As a kubelet with Docker reports them: https://github.com/kubernetes/kubernetes/blob/v1.33.5/pkg/kubelet/images/image_gc_manager.go */
function eventsOf(refusals: readonly ImageInUse[], wantedBytes: number): readonly ApiObject[] {
  const shorten = (id: string): string => id.replace('sha256:', '').slice(0, 12);
  const errors = refusals.map(
    ({ image, container }) =>
      `rpc error: code = Unknown desc = Error response from daemon: conflict: unable to delete ${shorten(image)} (must be forced) - image is being used by stopped container ${shorten(container)}`,
  );
  const messages = {
    EvictionThresholdMet: 'Attempting to reclaim ephemeral-storage',
    ImageGCFailed: `wanted to free ${Math.round(wantedBytes)} bytes, but freed 0 bytes space with errors in image deletion: [${errors.join(', ')}]`,
  };
  const times = { firstAt: now(), lastAt: now() };
  return Object.entries(messages).map(([reason, message]) =>
    eventObject(BUILD_NODE, { reason, message: message.slice(0, MAX_MESSAGE_CHARS), ...times }),
  );
}

/** Kubernetes writes times in whole seconds. */
function now(): string {
  return new Date().toISOString().replace(/\.\d+/, '');
}
