import { z } from 'zod';
import { type ports, type ReadContext, SourceError, wording } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { WorkloadTree } from './workload-tree.ts';
import { desiredOf, progressOf } from './rollout-progress.ts';
import { obstacleToChange } from './restart-rules.ts';

type Context = Pick<ReadContext<'clusters'>, 'read' | 'signal' | 'now'>;

/** A workload whose template a fix changes. */
export const workloadParams = z.strictObject({
  cluster: z.string(),
  namespace: z.string(),
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet']),
  name: z.string(),
});

type WorkloadParams = z.output<typeof workloadParams>;

/** Deployment shop/api */
export function workloadName({ kind, namespace, name }: ports.WorkloadName): string {
  return `${kind} ${namespace}/${name}`;
}

export async function podsIn(
  cluster: ports.Cluster,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly ports.Pod[]> {
  const all: ports.Pod[] = [];
  for await (const page of cluster.pods({ namespace, signal })) all.push(...page);
  return all;
}

export async function rolloutsIn(
  cluster: ports.Cluster,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly ports.Rollout[]> {
  const all: ports.Rollout[] = [];
  for await (const page of cluster.rollouts({ namespace, signal })) all.push(...page);
  return all;
}

const VERBS = { restart: 'restart', pin: 'pin the image of' } as const;

/**
 * The workload as it is now, if a change of its template is allowed and would reach its pods.
 * @throws {SourceError} if not, or while its rollout is not complete
 */
export async function readChangeable(
  context: Context,
  asked: WorkloadParams,
  allow: 'restart' | 'pin',
  permission: ports.WorkloadPermission,
): Promise<ports.Rollout> {
  const { cluster: source, namespace, kind, name } = asked;
  const cluster = sourceNamed(context.read.clusters, source);
  const all = await rolloutsIn(cluster, namespace, context.signal);
  const workload = all.find((one) => one.kind === kind && one.name === name);
  if (!workload) throw new SourceError(source, 'missing', `${workloadName(asked)} no longer exists`);
  const isComplete = progressOf(workload, [], context.now).kind === 'complete';
  const obstacle =
    obstacleToChange(workload, permission, allow) ?? (isComplete ? undefined : 'its rollout is not complete');
  if (obstacle !== undefined)
    throw new SourceError(source, 'refused', `cannot ${VERBS[allow]} ${workloadName(asked)}: ${obstacle}`);
  return workload;
}

/** What people still have to do if another tool manages the workload. */
export function revertedBy(
  { managedBy }: Pick<ports.Rollout, 'managedBy'>,
  change: string,
): readonly string[] {
  return managedBy === undefined
    ? []
    : [`${managedBy} manages it: ${change} in its repository too, or it reverts the change`];
}

const ENDED: ReadonlySet<string> = new Set(['Failed', 'Succeeded']);

/**
 * Why the replicas may not be new yet: while they are replaced, the check reports a rollout instead of what was wrong.
 * @throws {SourceError}
 */
export async function whyNotReplaced(
  context: Context,
  asked: WorkloadParams,
  uid: string,
): Promise<string | undefined> {
  const { cluster: source, namespace, kind, name } = asked;
  const cluster = sourceNamed(context.read.clusters, source);
  const all = await rolloutsIn(cluster, namespace, context.signal);
  const workload = all.find((one) => one.kind === kind && one.name === name);
  if (workload?.uid !== uid) return `${workloadName(asked)} was replaced by another one with the same name`;
  const { updated } = workload.status;
  const desired = desiredOf(workload);
  if (!workload.isObserved) return `the rollout of ${workloadName(asked)} hasn't begun`;
  if (updated < desired)
    return `${workloadName(asked)} has replaced ${updated} of ${wording.count(desired, 'pod')}`;
  if (progressOf(workload, [], context.now).kind !== 'complete')
    return `the rollout of ${workloadName(asked)} is not complete`;
  const tree = new WorkloadTree(all);
  const own = (await podsIn(cluster, namespace, context.signal)).filter(
    (pod) => !ENDED.has(pod.phase) && tree.templateOf(pod, undefined).workload === uid,
  );
  const old = own.filter((pod) => pod.deletingSince ?? tree.templateOf(pod, undefined).isCurrent === false);
  if (old.length > 0)
    return `${wording.count(old.length, 'old pod')} of ${workloadName(asked)} ${old.length === 1 ? "hasn't" : "haven't"} ended yet`;
  const starting = own.filter(({ containers }) =>
    containers.some((one) => one.kind === 'main' && one.status?.isReady !== true),
  ).length;
  return starting > 0
    ? `${wording.count(starting, 'new pod')} of ${workloadName(asked)} ${starting === 1 ? "isn't" : "aren't"} ready yet`
    : undefined;
}

/** What a rollout of the whole workload stops. */
export function impactOf({ kind, replicas }: Pick<ports.Rollout, 'kind' | 'replicas'>): string {
  if (replicas === undefined) return 'Replaces its pod on every node, one after another';
  if (replicas === 1 && kind === 'StatefulSet') return 'Stops its only pod until the new one is ready';
  return replicas === 1 ? 'Replaces its only pod' : `Replaces all ${replicas} pods, in steps`;
}
