import type { ports } from '../../kit.ts';
import { clusterNode, clusterSource } from '../../shared/fixture-clusters.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';

const now = new Date('2026-11-26T12:00:00Z');
const VERSION = 'v1.33.4';

function systemPod(name: string, program: string, node: string, known: Partial<ports.Pod> = {}): ports.Pod {
  const image = `registry.k8s.io/${program}:${VERSION}`;
  return {
    namespace: 'kube-system',
    name,
    uid: `uid-of-${name}`,
    labels: { component: program, tier: 'control-plane' },
    node,
    phase: 'Running',
    isMirror: true,
    containers: [{ name: program, kind: 'main', image, privileged: false, command: [], mounts: [] }],
    volumes: [],
    ...known,
  };
}

const SERVERS = ['cp-1', 'cp-2'];
const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/** A kubeadm cluster with two API servers, and a managed cluster that shows none. */
function environment(
  workers: readonly ports.ClusterNode[],
  cloudNodes: readonly ports.ClusterNode[],
): Partial<ports.Readers> {
  const controlPlane = SERVERS.map((name) => clusterNode(name, { roles: ['control-plane'] }));
  const nodes = [...controlPlane, ...workers];
  const proxies = nodes.map(({ name }) =>
    systemPod(`kube-proxy-of-${name}`, 'kube-proxy', name, {
      labels: { 'k8s-app': 'kube-proxy' },
      isMirror: false,
      controller: { kind: 'DaemonSet', name: 'kube-proxy' },
    }),
  );
  const pods = SERVERS.flatMap((name) =>
    PROGRAMS.map((program) => systemPod(`${program}-${name}`, program, name)),
  );
  const kubeProxy = (image: string, desired: number): ports.DaemonSet => ({
    namespace: 'kube-system',
    name: 'kube-proxy',
    containers: [{ name: 'kube-proxy', image }],
    desired,
  });
  const cordon = { allowed: true } as const;
  return {
    clusters: [
      clusterSource({
        name: 'own',
        version: VERSION,
        nodes,
        pods: [...pods, ...proxies],
        daemonSets: [kubeProxy(`registry.k8s.io/kube-proxy:${VERSION}`, nodes.length)],
        cordon,
      }),
      clusterSource({
        name: 'cloud',
        version: 'v1.33.4-gke.1036000',
        nodes: cloudNodes,
        daemonSets: [kubeProxy('gke.gcr.io/kube-proxy-amd64:v1.33.4-gke.1036000', cloudNodes.length)],
        cordon,
      }),
    ],
  };
}

const workers = [clusterNode('worker-1'), clusterNode('worker-2')];
const cloudNodes = ['gke-a', 'gke-b'].map((name) =>
  clusterNode(name, { kubeletVersion: 'v1.33.4-gke.1036000', pool: 'default-pool' }),
);

export const fixtures: readonly Fixture[] = [
  {
    title: 'two clusters with one version each',
    status: 'clear',
    now,
    read: () => environment(workers, cloudNodes),
  },
  {
    title: 'a node that is too new, and one that is still cordoned although it is supported',
    status: 'found',
    now,
    read: () =>
      environment(
        [...workers, clusterNode('worker-3', { kubeletVersion: 'v1.34.1' })],
        [
          ...cloudNodes,
          clusterNode('gke-c', {
            kubeletVersion: 'v1.33.4-gke.1036000',
            pool: 'default-pool',
            unschedulable: true,
            cordonedBy: 'm0123456789abcdef',
          }),
        ],
      ),
  },
];
