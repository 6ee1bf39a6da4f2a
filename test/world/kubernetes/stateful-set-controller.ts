import { randomUUID } from 'node:crypto';
import type { TestCluster } from './api-server.ts';
import {
  type ControllerOptions,
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

interface StatefulSetSpec {
  readonly replicas?: number;
  readonly template: PodTemplate;
  readonly updateStrategy?: {
    readonly type?: string;
    readonly rollingUpdate?: { readonly partition?: number };
  };
}

/**
 * Rolls out StatefulSets at once, with `partition` and `OnDelete`:
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies
 */
export function startStatefulSetController(cluster: TestCluster, options: ControllerOptions): void {
  const { nodes, now = () => new Date() } = options;
  runController(cluster, ['statefulsets', 'pods'], () => {
    for (const one of cluster.list('statefulsets')) rollOut(cluster, one, { nodes, now: now() });
  });
}

interface Context {
  readonly nodes: readonly string[];
  readonly now: Date;
}

function rollOut(cluster: TestCluster, statefulSet: ApiObject, context: Context): void {
  const { replicas = 1, template, updateStrategy = {} } = statefulSet['spec'] as StatefulSetSpec;
  const { name, namespace } = statefulSet.metadata;
  const partition = updateStrategy.rollingUpdate?.partition ?? 0;
  const updateRevision = `${name}-${templateHash(template)}`;
  saveRevision(cluster, statefulSet, updateRevision);
  const { currentRevision = updateRevision } = (statefulSet['status'] ?? {}) as {
    readonly currentRevision?: string;
  };
  const find = (ordinal: number): ApiObject | undefined =>
    cluster.find('pods', `${name}-${ordinal}`, namespace);
  for (let ordinal = 0; ordinal < replicas; ordinal++) {
    const pod = find(ordinal);
    const isRolled = updateStrategy.type !== 'OnDelete' && ordinal >= partition;
    const isStale = isRolled && pod?.metadata.labels?.[REVISION_LABEL] !== updateRevision;
    if (pod && isActive(pod) && !isStale) continue;
    // One that is being deleted keeps its name until its kubelet has stopped it.
    if (pod?.metadata['deletionTimestamp'] !== undefined) continue;
    if (pod) cluster.remove('pods', pod.metadata.name, namespace);
    const revision = ordinal < partition ? currentRevision : updateRevision;
    createPod(cluster, statefulSet, ordinal, { ...context, revision });
  }
  for (let ordinal = replicas; find(ordinal); ordinal++)
    cluster.remove('pods', `${name}-${ordinal}`, namespace);
  report(cluster, statefulSet, { currentRevision, updateRevision, replicas });
}

function saveRevision(cluster: TestCluster, statefulSet: ApiObject, name: string): void {
  const { namespace } = statefulSet.metadata;
  if (cluster.find('controllerrevisions', name, namespace)) return;
  const { template } = statefulSet['spec'] as StatefulSetSpec;
  const owned = cluster.list('controllerrevisions').filter((one) => isOwnedBy(one, statefulSet));
  cluster.save('controllerrevisions', {
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid: randomUUID(),
      ownerReferences: [ownerReference('StatefulSet', statefulSet)],
    },
    revision: owned.length + 1,
    data: { spec: { template } },
  });
}

function createPod(
  cluster: TestCluster,
  statefulSet: ApiObject,
  ordinal: number,
  { nodes, now, revision }: Context & { readonly revision: string },
): void {
  const { name, namespace } = statefulSet.metadata;
  const { data } = cluster.find('controllerrevisions', revision, namespace) as unknown as {
    readonly data: { readonly spec: { readonly template: PodTemplate } };
  };
  const { template } = data.spec;
  cluster.save('pods', {
    metadata: {
      ...template.metadata,
      labels: { ...template.metadata?.labels, [REVISION_LABEL]: revision },
      name: `${name}-${ordinal}`,
      ...(namespace !== undefined && { namespace }),
      uid: randomUUID(),
      creationTimestamp: timestamp(now),
      ownerReferences: [ownerReference('StatefulSet', statefulSet)],
    },
    spec: { nodeName: nodes[ordinal % nodes.length], ...template.spec },
    status: { phase: 'Pending' },
  });
}

function report(
  cluster: TestCluster,
  { metadata }: ApiObject,
  {
    currentRevision,
    updateRevision,
    replicas,
  }: { readonly currentRevision: string; readonly updateRevision: string; readonly replicas: number },
): void {
  const statefulSet = cluster.find('statefulsets', metadata.name, metadata.namespace);
  if (!statefulSet) return;
  const pods = cluster.list('pods').filter((pod) => isActive(pod) && isOwnedBy(pod, statefulSet));
  const of = (revision: string) =>
    pods.filter(({ metadata: { labels } }) => labels?.[REVISION_LABEL] === revision).length;
  const ready = pods.filter(isReady).length;
  const isComplete = of(updateRevision) === replicas;
  reportStatus(cluster, 'statefulsets', statefulSet, {
    observedGeneration: metadata['generation'],
    replicas: pods.length,
    updatedReplicas: of(updateRevision),
    currentReplicas: of(currentRevision),
    readyReplicas: ready,
    availableReplicas: ready,
    updateRevision,
    currentRevision: isComplete ? updateRevision : currentRevision,
  });
}
