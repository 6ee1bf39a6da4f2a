import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { TestCluster } from './api-server.ts';
import type { ApiObject, Plural } from './resources.ts';
import type { PodTemplate } from './workloads.ts';

export interface ControllerOptions {
  /** The nodes for the pods, in turn. */
  readonly nodes: readonly string[];
  /** Default: the time of this machine. */
  readonly now?: () => Date;
}

interface WorkloadSpec {
  readonly replicas?: number;
  readonly paused?: boolean;
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly template: PodTemplate;
}

/**
 * Rolls out Deployments as the controller manager does, but at once: the pods of the new template are created before the response to a change is sent,
 * and the old ones are deleted. Failed pods are replaced and stay.
 */
export function startDeploymentController(cluster: TestCluster, options: ControllerOptions): void {
  const { nodes, now = () => new Date() } = options;
  let created = 0;
  runController(cluster, ['deployments', 'replicasets', 'pods'], () => {
    for (const deployment of cluster.list('deployments')) rollOut(cluster, deployment, now());
    for (const replicaSet of cluster.list('replicasets'))
      created = scale(cluster, replicaSet, { nodes, now: now(), created });
    for (const replicaSet of cluster.list('replicasets')) reportReplicaSet(cluster, replicaSet);
    for (const deployment of cluster.list('deployments')) report(cluster, deployment, now());
  });
}

/** Reconciles now, and whenever one of these kinds of objects changes. What it changes itself is included in the next round. */
export function runController(cluster: TestCluster, watched: readonly Plural[], reconcile: () => void): void {
  let isRunning = false;
  const run = (): void => {
    if (isRunning) return;
    isRunning = true;
    try {
      reconcile();
    } finally {
      isRunning = false;
    }
  };
  cluster.onChange((plural) => {
    if (watched.includes(plural)) run();
  });
  run();
}

/** Of a name or a hash: no vowels, and nothing that looks like another letter. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export function encoded(bytes: Uint8Array): string {
  return [...bytes].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

const specOf = (object: ApiObject) => object['spec'] as WorkloadSpec;

function rollOut(cluster: TestCluster, deployment: ApiObject, now: Date): void {
  const { template, paused, replicas = 1, selector } = specOf(deployment);
  if (paused) return;
  const { name, namespace } = deployment.metadata;
  const { hash, owned, isCurrent } = replicaSetsOf(cluster, deployment);
  const newest = Math.max(0, ...owned.map(revisionOf));
  for (const one of owned)
    if (!isCurrent(one) && specOf(one).replicas !== 0)
      cluster.save('replicasets', { ...one, spec: { ...specOf(one), replicas: 0 } });
  const current = owned.find(isCurrent);
  if (current) {
    // One that is used again gets a new revision: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-back-a-deployment
    const revision = revisionOf(current) < newest ? newest + 1 : revisionOf(current);
    if (specOf(current).replicas !== replicas || revision !== revisionOf(current))
      cluster.save(
        'replicasets',
        withRevision({ ...current, spec: { ...specOf(current), replicas } }, revision),
      );
    return;
  }
  const labels = { ...template.metadata?.labels, 'pod-template-hash': hash };
  cluster.save('replicasets', {
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace !== undefined && { namespace }),
      uid: randomUUID(),
      creationTimestamp: timestamp(now),
      labels,
      annotations: { [REVISION]: String(newest + 1) },
      ownerReferences: [ownerReference('Deployment', deployment)],
    },
    spec: {
      replicas,
      selector: { matchLabels: { ...selector.matchLabels, 'pod-template-hash': hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
    status: {},
  });
}

function replicaSetsOf(cluster: TestCluster, deployment: ApiObject) {
  const { template } = specOf(deployment);
  const hash = templateHash(template);
  const owned = cluster.list('replicasets').filter((one) => isOwnedBy(one, deployment));
  const isCurrent = (one: ApiObject) => one.metadata.labels?.['pod-template-hash'] === hash;
  return { hash, owned, isCurrent };
}

const REVISION = 'deployment.kubernetes.io/revision';

function revisionOf({ metadata: { annotations = {} } }: ApiObject): number {
  return Number(annotations[REVISION] ?? 0);
}

function withRevision(object: ApiObject, revision: number): ApiObject {
  const annotations = { ...object.metadata.annotations, [REVISION]: String(revision) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** Of the pods of a template, in names and labels. */
export function templateHash(template: PodTemplate): string {
  return encoded(createHash('sha256').update(JSON.stringify(template)).digest().subarray(0, 10));
}

/** Saves what a controller reports about a workload, if anything in it has changed. `more` is what it then says besides. */
export function reportStatus(
  cluster: TestCluster,
  plural: Plural,
  object: ApiObject,
  reported: object,
  more: object = {},
): void {
  const before = (object['status'] ?? {}) as Readonly<Record<string, unknown>>;
  if (Object.entries(reported).every(([key, value]) => before[key] === value)) return;
  cluster.save(plural, { ...object, status: { ...before, ...reported, ...more } });
}

/** As its kubelet says. */
export function isReady({ status }: ApiObject): boolean {
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
}

function reportReplicaSet(cluster: TestCluster, replicaSet: ApiObject): void {
  const pods = cluster.list('pods').filter((pod) => isActive(pod) && isOwnedBy(pod, replicaSet));
  const ready = pods.filter(isReady).length;
  const counts = { replicas: pods.length, readyReplicas: ready, availableReplicas: ready };
  reportStatus(cluster, 'replicasets', replicaSet, counts);
}

/** Reports in its status how far a Deployment has been rolled out. */
function report(cluster: TestCluster, deployment: ApiObject, now: Date): void {
  const { owned, isCurrent } = replicaSetsOf(cluster, deployment);
  const podsOf = (some: readonly ApiObject[]) =>
    cluster.list('pods').filter((pod) => isActive(pod) && some.some((one) => isOwnedBy(pod, one)));
  const { replicas = 1 } = specOf(deployment);
  const all = podsOf(owned);
  const updated = podsOf(owned.filter(isCurrent)).length;
  const ready = all.filter(isReady).length;
  const isComplete = updated === replicas && all.length === updated && ready === replicas;
  const progressing = {
    type: 'Progressing',
    status: 'True',
    reason: isComplete ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
    lastUpdateTime: timestamp(now),
  };
  const current = owned.find(isCurrent);
  const revised = current ? withRevision(deployment, revisionOf(current)) : deployment;
  reportStatus(
    cluster,
    'deployments',
    revised,
    {
      observedGeneration: deployment.metadata['generation'],
      replicas: all.length,
      updatedReplicas: updated,
      readyReplicas: ready,
      availableReplicas: ready,
    },
    { conditions: [progressing] },
  );
}

interface Scaling {
  readonly nodes: readonly string[];
  readonly now: Date;
  /** How many pods have been created so far. */
  readonly created: number;
}

function scale(cluster: TestCluster, replicaSet: ApiObject, { nodes, now, created }: Scaling): number {
  const { replicas = 1, template } = specOf(replicaSet);
  const { name, namespace } = replicaSet.metadata;
  const active = cluster.list('pods').filter((pod) => isOwnedBy(pod, replicaSet) && isActive(pod));
  for (const { metadata } of active.slice(replicas)) cluster.remove('pods', metadata.name, namespace);
  let count = created;
  for (let missing = replicas - active.length; missing > 0; missing--) {
    const node = nodes[count++ % nodes.length];
    cluster.save('pods', {
      metadata: {
        ...template.metadata,
        name: `${name}-${encoded(randomBytes(5))}`,
        ...(namespace !== undefined && { namespace }),
        uid: randomUUID(),
        creationTimestamp: timestamp(now),
        ownerReferences: [ownerReference('ReplicaSet', replicaSet)],
      },
      spec: { nodeName: node, ...template.spec },
      status: { phase: 'Pending' },
    });
  }
  return count;
}

export function isActive(pod: ApiObject): boolean {
  const { phase } = pod['status'] as { readonly phase?: string };
  return phase !== 'Failed' && phase !== 'Succeeded' && pod.metadata['deletionTimestamp'] === undefined;
}

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
  readonly controller: true;
  readonly blockOwnerDeletion: true;
}

export function ownerReference(kind: string, { metadata: { name, uid } }: ApiObject): OwnerReference {
  return {
    apiVersion: 'apps/v1',
    kind,
    name,
    ...(uid !== undefined && { uid }),
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function isOwnedBy({ metadata }: ApiObject, owner: ApiObject): boolean {
  const references = (metadata['ownerReferences'] ?? []) as readonly OwnerReference[];
  return references.some(({ uid }) => uid === owner.metadata.uid);
}

/** To the second, as in all objects of Kubernetes. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
