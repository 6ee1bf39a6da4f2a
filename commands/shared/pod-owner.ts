import type { ports } from '../kit.ts';

/**
 * Who creates a pod. `Static`: a manifest on the node, named without the node: `kube-system/etcd`. A Deployment is known from its ReplicaSet and the
 * label `pod-template-hash`; without the label, the ReplicaSet is the owner. A CronJob is known from the time at the end of the name of its Job. `Pod`:
 * nobody.
 */
export interface PodOwner {
  readonly kind: string;
  readonly name: string;
}

/** What creates ReplicaSets whose names end with a hash, which is a label of their pods. */
const OF_REPLICA_SETS = [
  { label: 'pod-template-hash', kind: 'Deployment' },
  // https://argo-rollouts.readthedocs.io/en/stable/features/specification/
  { label: 'rollouts-pod-template-hash', kind: 'Rollout' },
] as const;

/** In minutes since 1970, before Kubernetes 1.21 in seconds: https://github.com/kubernetes/kubernetes/blob/v1.33.5/pkg/controller/cronjob/utils.go */
const SCHEDULED_AT = /-\d{8,10}$/;

export function ownerOf({
  name,
  node,
  labels,
  controller,
  isMirror,
}: Pick<ports.Pod, 'name' | 'node' | 'labels' | 'controller' | 'isMirror'>): PodOwner {
  if (isMirror) return { kind: 'Static', name: without(`-${node ?? ''}`, name) };
  if (!controller) return { kind: 'Pod', name };
  const cronJob = controller.name.replace(SCHEDULED_AT, '');
  if (controller.kind === 'Job' && cronJob !== controller.name && cronJob !== '')
    return { kind: 'CronJob', name: cronJob };
  for (const { label, kind } of OF_REPLICA_SETS) {
    const hash = labels[label] ?? '';
    const ofHash = without(`-${hash}`, controller.name);
    if (controller.kind === 'ReplicaSet' && hash !== '' && ofHash !== controller.name)
      return { kind, name: ofHash };
  }
  return { kind: controller.kind, name: controller.name };
}

function without(suffix: string, name: string): string {
  return name.endsWith(suffix) && name.length > suffix.length ? name.slice(0, -suffix.length) : name;
}
