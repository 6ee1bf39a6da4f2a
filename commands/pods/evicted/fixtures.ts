import type { ports } from '../../kit.ts';
import {
  clusterNode,
  clusterPod,
  clusterSource,
  condition,
  workload,
} from '../../shared/fixture-clusters.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';

const now = new Date('2026-11-26T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);

const LOW_ON_DISK = 'The node was low on resource: ephemeral-storage. ';
const REFUSED = 'Pod was rejected: The node had condition: [DiskPressure]. ';

function podOf(controller: string, suffix: string, known: Partial<ports.Pod> = {}): ports.Pod {
  return clusterPod(`${controller}-${suffix}`, {
    controller: { kind: 'ReplicaSet', name: controller },
    labels: { 'pod-template-hash': controller.split('-').at(-1) ?? '' },
    createdAt: minutesAgo(20),
    ...known,
  });
}

function evicted(
  controller: string,
  suffix: string,
  message: string,
  known: Partial<ports.Pod> = {},
): ports.Pod {
  return podOf(controller, suffix, { phase: 'Failed', reason: 'Evicted', message, ...known });
}

const PODS = [podOf('web-6c5d', 'aaaaa'), podOf('web-6c5d', 'bbbbb'), podOf('api-59fd', 'ccccc')];

const FAULTS = [
  evicted('web-6c5d', 'ddddd', LOW_ON_DISK, { createdAt: minutesAgo(90) }),
  evicted('web-6c5d', 'eeeee', LOW_ON_DISK, { createdAt: minutesAgo(60) }),
  ...[3, 2, 1].map((minutes) =>
    evicted('gpu-84f7', `pod${minutes}`, REFUSED, { node: 'node-b', createdAt: minutesAgo(minutes) }),
  ),
  clusterPod('kube-proxy-node-a', {
    namespace: 'kube-system',
    isMirror: true,
    phase: 'Failed',
    reason: 'Evicted',
    message: LOW_ON_DISK,
    createdAt: minutesAgo(90),
  }),
];

const REPLICA_SETS = ['web-6c5d', 'gpu-84f7'].map((name) =>
  workload(name, { kind: 'ReplicaSet', ...(name === 'gpu-84f7' && { templateNode: 'node-b' }) }),
);

/** Two clusters; on one of them, nothing was evicted. */
function environment(faults: readonly ports.Pod[]): Partial<ports.Readers> {
  const healthy = ['node-c', 'node-d'].map((name) => clusterNode(name));
  return {
    clusters: [
      clusterSource({
        name: 'own',
        nodes: [
          clusterNode('node-a', { kubeletVersion: 'v1.13.12' }),
          clusterNode('node-b', {
            conditions: [condition('Ready', 'True'), condition('DiskPressure', 'True')],
          }),
        ],
        pods: [...PODS, ...faults],
        replicaSets: REPLICA_SETS,
        remove: { allowed: true, running: false },
      }),
      clusterSource({ name: 'cloud', nodes: healthy, pods: PODS }),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  { title: 'no pod was evicted', status: 'clear', now, read: () => environment([]) },
  {
    title: 'pods were evicted, refused, and a static pod is down',
    status: 'found',
    now,
    read: () => environment(FAULTS),
    answeredOtherwise: [
      {
        answer: /own\.replicaSets\(\).* after 1 pages/,
        because: 'the ReplicaSet that matters is on the first page, and the list is not read any further',
      },
    ],
  },
];
