import type { Finding } from '../../kit.ts';
import type { Facts } from './facts.ts';
import { nameIn } from './groups.ts';

/** Evicted pods are listed until someone, their owner or the garbage collector of pods has deleted them. Of a static pod, this says nothing. */
export function resolved(
  { clusters }: Facts,
  { reason, target }: Pick<Finding, 'reason' | 'target'>,
): string | undefined {
  const cluster = clusters.find((one) => one.isOnly || target.startsWith(nameIn(one, '')));
  if (!cluster?.arePodsComplete || reason === 'static-pod-down') return undefined;
  // One of those that are left may belong to it, under another name.
  const isLeft = cluster.evicted.some(({ namespace }) => target.startsWith(nameIn(cluster, `${namespace}/`)));
  return isLeft ? undefined : 'its evicted pods have been deleted';
}
