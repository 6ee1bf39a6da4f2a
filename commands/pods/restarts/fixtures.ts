import type { ports } from '../../kit.ts';
import {
  clusterNode,
  clusterPod,
  clusterSource,
  podContainer,
  workload,
} from '../../shared/fixture-clusters.ts';
import { engineSource } from '../../shared/fixture-engines.ts';
import { type Fixture, keyValueSource, membersOf } from '../../shared/fixture-sources.ts';
import { ago, ended, NOW, probe, runningFor } from './builders.ts';

/** Killed by its probe about 8 times an hour. */
const looping = runningFor(
  { minutes: 2, seconds: 19 },
  {
    restarts: 11,
    last: ended(
      { minutes: 9, seconds: 48 },
      { minutes: 7, seconds: 19 },
      { exitCode: 0, reason: 'Completed' },
    ),
  },
);
const timing = { initialDelaySeconds: 10, periodSeconds: 30, timeoutSeconds: 10, failureThreshold: 5 };

function kill(pod: string): ports.ClusterEvent {
  return {
    about: { kind: 'Pod', namespace: 'airflow', name: pod, uid: `uid-of-${pod}`, container: 'scheduler' },
    reason: 'Killing',
    message: 'Container scheduler failed liveness probe, will be restarted',
    type: 'Normal',
    count: 9,
    lastAt: ago({ minutes: 7 }),
  };
}

function schedulerPod(status: ports.ContainerStatus): ports.Pod {
  return clusterPod('scheduler-6b9d8-kq7ts', {
    namespace: 'airflow',
    createdAt: ago({ days: 2 }),
    labels: { 'pod-template-hash': '6b9d8' },
    controller: { kind: 'ReplicaSet', name: 'scheduler-6b9d8' },
    containers: [podContainer('scheduler', { liveness: probe(timing), status })],
  });
}

function etcdPod(status: ports.ContainerStatus): ports.Pod {
  return clusterPod('etcd-node-b', {
    namespace: 'kube-system',
    node: 'node-b',
    createdAt: ago({ days: 18 }),
    isMirror: true,
    containers: [podContainer('etcd', { liveness: probe(timing), status })],
  });
}

/** Two clusters; in one of them, a Deployment and a static pod. */
function environment(status: ports.ContainerStatus): Partial<ports.Readers> {
  const calm = (name: string) =>
    clusterPod(name, { containers: [podContainer('app', { liveness: probe() })] });
  return {
    clusters: [
      clusterSource({
        name: 'prod-eu',
        nodes: [clusterNode('node-a'), clusterNode('node-b')],
        pods: [calm('web-1'), calm('web-2'), schedulerPod(status), etcdPod(status)],
        events: status.restarts === 0 ? [] : [kill('scheduler-6b9d8-kq7ts')],
        logs: { 'airflow/scheduler-6b9d8-kq7ts/scheduler': ['Exiting gracefully upon receiving signal 15'] },
        workloads: [
          workload('scheduler', {
            namespace: 'airflow',
            containers: [{ name: 'scheduler', kind: 'main', liveness: probe(timing) }],
          }),
        ],
        adjust: { allowed: true, managed: false },
      }),
      clusterSource({ name: 'prod-us', nodes: [clusterNode('node-c')], pods: [calm('web-3')] }),
    ],
    // Read only if an API server does not respond.
    engines: ['cp-1', 'cp-2'].map((name) => engineSource({ name, engines: [{ name }] })),
    keyValue: ['etcd-eu', 'etcd-us'].map((name) =>
      keyValueSource({ name, members: membersOf(['etcd-1']), now: NOW }),
    ),
  };
}

export const fixtures: readonly Fixture[] = [
  {
    title: 'no container has restarted',
    status: 'clear',
    now: NOW,
    read: () =>
      environment({ restarts: 0, isReady: true, state: { kind: 'running', startedAt: ago({ days: 2 }) } }),
  },
  { title: 'a probe kills one container', status: 'found', now: NOW, read: () => environment(looping) },
];
