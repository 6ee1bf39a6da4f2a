import { z } from 'zod';
import { defineRemediation, type ports, SourceError } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { fitTitle } from '../../shared/title.ts';
import type { Replica, ServiceFacts } from './facts.ts';
import { podsIn, rolloutsIn } from './planned-workload.ts';
import { WorkloadTree } from './workload-tree.ts';

const params = z.strictObject({
  cluster: z.string(),
  namespace: z.string(),
  pod: z.string(),
  uid: z.string(),
});

export interface DeletePodOffer {
  readonly remediation: 'delete-stale-pod';
  readonly params: z.output<typeof params>;
  readonly target: string;
}

/** Deletes one pod that was created from an earlier template than its workload has now. */
export const deleteStalePod = defineRemediation({
  about: 'Deletes one pod with an earlier template, so that its controller replaces it',
  title: ({ namespace, pod }) =>
    fitTitle(`Delete pod ${namespace}/${pod}`, `Delete pod ${pod}`, `Delete ${pod}`),
  risk: 'destructive',
  allow: 'remove',
  uses: ['clusters'],
  params,
  settlesWithinSeconds: 600,
  plan: async (context, asked) => {
    const { cluster: source, namespace, pod: name, uid } = asked;
    const { signal } = context;
    const refused = (because: string, kind: SourceError['kind'] = 'refused') =>
      new SourceError(source, kind, because);
    const cluster = sourceNamed(context.read.clusters, source);
    const permission = await cluster.removePermission({ namespace, signal });
    if (!permission.allowed) throw refused(permission.because);
    if (!permission.running) throw refused('the configuration does not allow deleting running pods');
    const [pods, rollouts] = await Promise.all([
      podsIn(cluster, namespace, signal),
      rolloutsIn(cluster, namespace, signal),
    ]);
    const pod = pods.find((one) => one.name === name && one.uid === uid && !one.deletingSince);
    if (!pod) throw refused(`pod ${namespace}/${name} no longer exists`, 'missing');
    const tree = new WorkloadTree(rollouts);
    const template = templateOf(tree, pod);
    if (pod.isMirror || !tree.isReplaceable(pod, template))
      throw refused(
        `cannot delete pod ${namespace}/${name}: its controller would not replace it with its current template`,
      );
    const others = pods.filter(
      (one) =>
        one.uid !== uid &&
        isReady(one) &&
        !one.deletingSince &&
        templateOf(tree, one).workload === template.workload,
    );
    const workload = rollouts.find((one) => one.uid === template.workload);
    if (others.length === 0 || !workload)
      throw refused(`cannot delete pod ${namespace}/${name}: no other pod of its workload is ready`);
    return {
      lines: [`Delete pod ${namespace}/${name}, with its grace period`],
      targets: [`${source}:Pod ${namespace}/${name}`],
      precondition: { uid },
      impact: `Stops 1 of ${others.length + 1} ready pods of ${workload.kind} ${namespace}/${workload.name}`,
      irreversible: ['What the pod has written to its own file system and to emptyDir volumes is lost'],
      safety: [`At least one other pod of ${workload.kind} ${namespace}/${workload.name} is ready`],
    };
  },
  apply: async ({ write, applyContext, recordStep }, { cluster, namespace, pod: name, uid }) => {
    await write.clusters(cluster).deleteRunningPod({ namespace, name, uid }, applyContext);
    await recordStep(`pod ${namespace}/${name} deleted`);
  },
  whyUnproven: async (context, { cluster: source, namespace, pod: name, uid }) => {
    const pods = await podsIn(sourceNamed(context.read.clusters, source), namespace, context.signal);
    return pods.some((one) => one.uid === uid) ? `pod ${namespace}/${name} hasn't ended yet` : undefined;
  },
});

function templateOf(tree: WorkloadTree, pod: ports.Pod) {
  return tree.templateOf(
    pod,
    pod.containers.find(({ kind }) => kind === 'main'),
  );
}

function isReady({ phase, containers }: ports.Pod): boolean {
  return (
    phase === 'Running' && containers.every(({ kind, status }) => kind !== 'main' || status?.isReady === true)
  );
}

/** For the first of them: at most one pod is deleted at a time. */
export function deleteOffer(
  { name: target, kubernetes, replicas }: ServiceFacts,
  stale: readonly Replica[],
): DeletePodOffer | undefined {
  const { remove } = kubernetes ?? {};
  if (!kubernetes || remove?.allowed !== true || !remove.running) return undefined;
  const pod = stale.find((one) => one.pod?.isReplaceable === true)?.pod;
  const othersServe = replicas.some(
    (one) => one.state === 'serving' && one.pod?.uid !== pod?.uid && one.pod?.workload === pod?.workload,
  );
  if (!pod || !othersServe) return undefined;
  return {
    remediation: 'delete-stale-pod',
    params: { cluster: kubernetes.cluster, namespace: pod.namespace, pod: pod.name, uid: pod.uid },
    target,
  };
}
