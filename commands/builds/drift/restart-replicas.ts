import { z } from 'zod';
import { defineRemediation, SourceError } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { fitTitle } from '../../shared/title.ts';
import type { Replica, ServiceFacts, WorkloadFacts } from './facts.ts';
import {
  impactOf,
  podsIn,
  readChangeable,
  revertedBy,
  whyNotReplaced,
  workloadName,
  workloadParams,
} from './planned-workload.ts';
import { obstacleToChange } from './restart-rules.ts';

const params = workloadParams.extend({
  /** A replica with the wrong build, which must still be running. */
  pod: z.string(),
  podUid: z.string(),
});

export interface RestartOffer {
  readonly remediation: 'restart-workload';
  readonly params: z.output<typeof params>;
  readonly target: string;
}

/** Which workload is restarted, for `apply`. */
const details = z.strictObject({ uid: z.string() });

/** Replaces all pods of a workload, so that they start with what they would be created from now. */
export const restartReplicas = defineRemediation({
  about: 'Restarts the pods of a workload, one step after another',
  title: ({ kind, namespace, name }) =>
    fitTitle(`Restart ${kind} ${namespace}/${name}`, `Restart ${namespace}/${name}`, `Restart ${name}`),
  risk: 'disruptive',
  allow: 'restart',
  uses: ['clusters'],
  params,
  settlesWithinSeconds: 900,
  plan: async (context, asked) => {
    const { cluster: source, namespace, pod, podUid } = asked;
    const { signal } = context;
    const cluster = sourceNamed(context.read.clusters, source);
    const permission = await cluster.restartPermission({ namespace, signal });
    const workload = await readChangeable(context, asked, 'restart', permission);
    const pods = await podsIn(cluster, namespace, signal);
    // It is replaced by the fix, so the plan can't be applied twice.
    if (!pods.some((one) => one.name === pod && one.uid === podUid && !one.deletingSince))
      throw new SourceError(source, 'missing', `pod ${namespace}/${pod} has been replaced since`);
    const afterwards = revertedBy(workload, 'restart it');
    return {
      lines: [`Restart ${workloadName(asked)}, as \`kubectl rollout restart\` does`],
      targets: [`${source}:${workloadName(asked)}`],
      precondition: { uid: workload.uid, pod: podUid },
      impact: impactOf(workload),
      ...(afterwards.length > 0 && { afterwards }),
      details: { uid: workload.uid },
    };
  },
  apply: async ({ write, applyContext, recordStep }, asked, plan) => {
    const { cluster, namespace, kind, name } = asked;
    const { uid } = details.parse(plan.details);
    await write.clusters(cluster).restartWorkload({ namespace, kind, name, uid }, applyContext);
    await recordStep(`rollout of ${workloadName(asked)} started`);
  },
  whyUnproven: (context, asked, { plan }) => whyNotReplaced(context, asked, details.parse(plan.details).uid),
});

/** undefined if it may not be restarted. Whether a restart helps is for the caller to decide. */
export function restartOffer(
  { name: target, kubernetes }: ServiceFacts,
  { kind, namespace, name, ...workload }: WorkloadFacts,
  wrong: readonly Replica[],
): RestartOffer | undefined {
  const pod = wrong.find((one) => one.pod && one.state === 'serving')?.pod;
  if (!kubernetes || !pod || kind === 'ReplicaSet' || kind === 'Rollout') return undefined;
  if (obstacleToChange({ kind, ...workload }, kubernetes.restart, 'restart') !== undefined) return undefined;
  return {
    remediation: 'restart-workload',
    params: { cluster: kubernetes.cluster, namespace, kind, name, pod: pod.name, podUid: pod.uid },
    target,
  };
}
