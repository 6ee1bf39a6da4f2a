import { z } from 'zod';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import type { EvictedPod } from './facts.ts';
import { PodSurvey } from './pod-survey.ts';
import { indexPods, type PodIndex } from './removable.ts';

export const podParams = z.strictObject({
  cluster: z.string(),
  namespace: z.string(),
  pod: z.string(),
  /** Distinguishes this pod from a later one with the same name. */
  uid: z.string(),
  /** `ReplicaSet` */
  kind: z.string(),
  /** The name of its controller. */
  controller: z.string(),
  /** `shop/web`, for people. */
  owner: z.string(),
});

export type PodParams = z.output<typeof podParams>;

type PlanContext = Pick<ReadContext<'clusters'>, 'read' | 'signal'>;

/** The evicted pods of a namespace, as one plan sees them. */
interface Namespace {
  readonly byUid: ReadonlyMap<string, EvictedPod>;
  readonly index: PodIndex;
}

/**
 * An evicted pod that may be deleted, as it is now, with its controller.
 * @throws {SourceError} `missing` if it no longer exists, may not be deleted any more, or its controller no longer exists: a plan for several pods
 * leaves it out and deletes the others. `refused` if pods may not be deleted, or its controller cannot be read.
 */
export async function findEvicted(
  context: PlanContext,
  asked: PodParams,
): Promise<{ readonly pod: EvictedPod; readonly controllerUid: string }> {
  const { cluster: name, namespace, pod: podName, uid, controller } = asked;
  const gone = (because: string) => new SourceError(name, 'missing', `${namespace}/${podName} ${because}`);
  const cluster = sourceNamed(context.read.clusters, name);
  const { byUid, index } = await oncePerPlan(context, `pods ${name} ${namespace}`, () =>
    readNamespace(context, cluster, namespace),
  );
  const pod = byUid.get(uid);
  if (!pod || pod.name !== podName) throw gone('no longer exists, or is not evicted any more');
  const obstacle = index.obstacleToRemoval(pod);
  if (obstacle !== undefined) throw gone(obstacle);
  if (pod.controller?.name !== controller || pod.controller.kind !== asked.kind)
    throw gone('has another controller now');
  return { pod, controllerUid: await readController(context, cluster, asked) };
}

async function readNamespace(
  { signal }: PlanContext,
  cluster: ports.Cluster,
  namespace: string,
): Promise<Namespace> {
  const permission = await cluster.removePermission({ signal, namespace });
  if (!permission.allowed) throw new SourceError(cluster.name, 'refused', permission.because);
  const survey = new PodSurvey();
  for await (const page of cluster.pods({ signal, namespace })) for (const pod of page) survey.add(pod);
  const { evicted, controllers } = survey.result();
  return {
    byUid: new Map(evicted.map((pod) => [pod.uid, pod])),
    index: indexPods({ evicted, controllers }),
  };
}

/** The uid of the controller, which must still exist: otherwise nothing replaces its pods. Of a kind that cannot be read, its name. */
async function readController(
  context: PlanContext,
  cluster: ports.Cluster,
  { namespace, kind, controller: name }: PodParams,
): Promise<string> {
  if (kind !== 'ReplicaSet' && kind !== 'DaemonSet') return name;
  const what = `the ${kind} ${namespace}/${name}`;
  const read = async () => {
    try {
      const { uid } = await cluster.workload({ namespace, kind, name }, { signal: context.signal });
      return uid;
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      const because =
        error.kind === 'missing'
          ? `${what} no longer exists, so nothing replaces its pods`
          : `couldn't read ${what}, which must still exist: ${error.message}`;
      throw new SourceError(cluster.name, error.kind, because, { cause: error });
    }
  };
  // Reading one object again is cheap, so it is read right before each pod is deleted.
  return 'write' in context
    ? read()
    : oncePerPlan(context, `${kind} ${cluster.name} ${namespace} ${name}`, read);
}

const plans = new WeakMap<PlanContext, Map<string, Promise<unknown>>>();

/**
 * Reads something once for all lines of a plan, which share one context; applying it is another. A namespace may have thousands of pods, so it is not
 * listed for each of them: the source reads each pod again right before it deletes it.
 */
function oncePerPlan<T>(context: PlanContext, key: string, read: () => Promise<T>): Promise<T> {
  const known = plans.get(context) ?? new Map<string, Promise<unknown>>();
  plans.set(context, known);
  const reading = (known.get(key) as Promise<T> | undefined) ?? read();
  known.set(key, reading);
  return reading;
}
