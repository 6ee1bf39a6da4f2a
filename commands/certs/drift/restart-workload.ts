import { z } from 'zod';
import { defineRemediation, type ports, SourceError, wording } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { allOf } from '../../shared/grammar.ts';
import { obstacleToRestart } from '../../shared/restart-obstacle.ts';
import { fitTitle } from '../../shared/title.ts';
import { workloadOf } from './pod-loading.ts';

const params = z.strictObject({
  cluster: z.string(),
  namespace: z.string(),
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet']),
  name: z.string(),
  /** The Secret with the certificate that its pods have not loaded: `alerts-tls`. */
  secret: z.string(),
  /** The pod that serves the former certificate, which must still be running. */
  pod: z.string(),
  podUid: z.string(),
});

export type RestartWorkloadParams = z.output<typeof params>;

export interface RestartWorkloadOffer {
  readonly remediation: 'restart-workload';
  readonly params: RestartWorkloadParams;
  readonly target?: string;
}

/** Which workload is restarted, for `apply`. */
const details = z.strictObject({ uid: z.string() });

/** Restarts the pods of a workload, so that they load the certificate that is stored now. */
export const restartWorkload = defineRemediation({
  about: 'Restarts the pods of a workload, so that they load the stored certificate',
  title: ({ kind, namespace, name }) =>
    fitTitle(`Restart ${kind} ${namespace}/${name}`, `Restart ${namespace}/${name}`, `Restart ${name}`),
  risk: 'disruptive',
  allow: 'restart',
  uses: ['clusters'],
  params,
  settlesWithinSeconds: 900,
  plan: async (context, asked) => {
    const { cluster: source, namespace, kind, name, secret, pod, podUid } = asked;
    const { signal } = context;
    const refused = (because: string, why: SourceError['kind'] = 'refused') =>
      new SourceError(source, why, because);
    const cluster = sourceNamed(context.read.clusters, source);
    const permission = await cluster.restartPermission({ namespace, signal });
    if (!permission.allowed) throw refused(permission.because);
    const workload = await cluster.workload({ namespace, kind, name }, { signal });
    const obstacle = obstacleToRestart(workload, permission);
    if (obstacle !== undefined) throw refused(`cannot restart ${nameOf(asked)}: ${obstacle}`);
    // It is replaced by the fix, so the plan can't be applied twice.
    if (!(await isRunning(cluster, asked, signal)))
      throw refused(`pod ${namespace}/${pod} has been replaced since`, 'missing');
    return {
      lines: [
        `Restart ${nameOf(asked)}, as \`kubectl rollout restart\` does: its new pods load Secret ${namespace}/${secret}`,
      ],
      targets: [`${source}:${nameOf(asked)}`],
      precondition: { uid: workload.uid, pod: podUid },
      impact: impactOf(workload),
      details: { uid: workload.uid },
    };
  },
  apply: async ({ write, applyContext, recordStep }, asked, plan) => {
    const { cluster, namespace, kind, name } = asked;
    const { uid } = details.parse(plan.details);
    await write.clusters(cluster).restartWorkload({ namespace, kind, name, uid }, applyContext);
    await recordStep(`rollout of ${nameOf(asked)} started`);
  },
  // While its pods are being replaced, what an old one still serves may be reported under another name.
  whyUnproven: async ({ read, signal }, asked, { plan }) => {
    const { cluster: source, namespace, kind, name, pod, podUid } = asked;
    const cluster = read.clusters.find((one) => one.name === source);
    if (!cluster) return `source ${source} no longer exists`;
    const { uid, rollout } = await cluster.workload({ namespace, kind, name }, { signal });
    if (uid !== details.parse(plan.details).uid)
      return `${nameOf(asked)} was replaced by another one with the same name`;
    if (!rollout) return `the rollout of ${nameOf(asked)} hasn't begun`;
    const { updated, desired, total } = rollout;
    if (updated < desired)
      return `${nameOf(asked)} has replaced ${updated} of ${wording.count(desired, 'pod')}`;
    let isLeft = total > updated;
    let starting = 0;
    for await (const page of cluster.pods({ namespace, signal })) {
      isLeft ||= page.some((one) => one.name === pod && one.uid === podUid);
      starting += page.filter((one) => isStarting(one, asked)).length;
    }
    if (isLeft) return `pod ${namespace}/${pod} or another old one of ${nameOf(asked)} hasn't ended yet`;
    if (starting > 0)
      return `${wording.count(starting, 'new pod')} of ${nameOf(asked)} ${starting === 1 ? "isn't" : "aren't"} ready yet`;
    return undefined;
  },
});

function nameOf({ kind, namespace, name }: ports.WorkloadName): string {
  return `${kind} ${namespace}/${name}`;
}

async function isRunning(
  cluster: ports.Cluster,
  { namespace, pod, podUid }: RestartWorkloadParams,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const page of cluster.pods({ namespace, signal }))
    if (
      page.some(
        ({ name, uid, deletingSince }) => name === pod && uid === podUid && deletingSince === undefined,
      )
    )
      return true;
  return false;
}

const ENDED: ReadonlySet<string> = new Set(['Failed', 'Succeeded']);

/** A pod of the workload that doesn't serve yet. */
function isStarting(pod: ports.Pod, { namespace, kind, name }: ports.WorkloadName): boolean {
  const owner = workloadOf(pod);
  return (
    owner?.kind === kind &&
    owner.name === name &&
    pod.namespace === namespace &&
    !ENDED.has(pod.phase) &&
    pod.containers.some((one) => one.kind === 'main' && one.status?.isReady !== true)
  );
}

function impactOf({ kind, replicas }: ports.Workload): string {
  if (replicas === undefined) return 'Replaces its pod on every node, one after another';
  if (replicas === 1 && kind === 'StatefulSet') return 'Stops its only pod until the new one is ready';
  return `Replaces ${allOf(replicas, 'pod')}${replicas > 1 ? ', in steps' : ''}`;
}
