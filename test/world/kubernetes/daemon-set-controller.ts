import { randomBytes, randomUUID } from 'node:crypto';
import type { TestCluster } from './api-server.ts';
import {
  type ControllerOptions,
  encoded,
  isActive,
  isOwnedBy,
  isReady,
  ownerReference,
  reportStatus,
  runController,
  templateHash,
  timestamp,
} from './deployment-controller.ts';
import type { ApiObject } from './resources.ts';
import type { PodTemplate } from './workloads.ts';

const REVISION_LABEL = 'controller-revision-hash';

interface DaemonSetSpec {
  readonly template: PodTemplate;
  readonly updateStrategy?: { readonly type?: string };
}

/** Runs one pod of each DaemonSet on every node, and replaces them at once unless its strategy is `OnDelete`. */
export function startDaemonSetController(cluster: TestCluster, options: ControllerOptions): void {
  const { nodes, now = () => new Date() } = options;
  runController(cluster, ['daemonsets', 'pods'], () => {
    for (const daemonSet of cluster.list('daemonsets')) {
      for (const node of nodes) runOn(cluster, daemonSet, node, now());
      report(cluster, daemonSet, nodes);
    }
  });
}

function podsOf(cluster: TestCluster, daemonSet: ApiObject): readonly ApiObject[] {
  return cluster.list('pods').filter((pod) => isActive(pod) && isOwnedBy(pod, daemonSet));
}

function runOn(cluster: TestCluster, daemonSet: ApiObject, node: string, now: Date): void {
  const { template, updateStrategy = {} } = daemonSet['spec'] as DaemonSetSpec;
  const { name, namespace } = daemonSet.metadata;
  const hash = templateHash(template);
  const [pod] = podsOf(cluster, daemonSet).filter(
    ({ spec }) => (spec as { readonly nodeName?: string }).nodeName === node,
  );
  const isStale = updateStrategy.type !== 'OnDelete' && pod?.metadata.labels?.[REVISION_LABEL] !== hash;
  if (pod && !isStale) return;
  if (pod) cluster.remove('pods', pod.metadata.name, namespace);
  cluster.save('pods', {
    metadata: {
      ...template.metadata,
      labels: { ...template.metadata?.labels, [REVISION_LABEL]: hash },
      name: `${name}-${encoded(randomBytes(5))}`,
      ...(namespace !== undefined && { namespace }),
      uid: randomUUID(),
      creationTimestamp: timestamp(now),
      ownerReferences: [ownerReference('DaemonSet', daemonSet)],
    },
    spec: { ...template.spec, nodeName: node },
    status: { phase: 'Pending' },
  });
}

function report(cluster: TestCluster, daemonSet: ApiObject, nodes: readonly string[]): void {
  const pods = podsOf(cluster, daemonSet);
  const hash = templateHash((daemonSet['spec'] as DaemonSetSpec).template);
  const ready = pods.filter(isReady).length;
  reportStatus(cluster, 'daemonsets', daemonSet, {
    observedGeneration: daemonSet.metadata['generation'],
    desiredNumberScheduled: nodes.length,
    currentNumberScheduled: pods.length,
    updatedNumberScheduled: pods.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === hash).length,
    numberReady: ready,
    numberAvailable: ready,
  });
}
