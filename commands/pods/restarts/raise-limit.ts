import { z } from 'zod';
import { defineRemediation, type ports, SourceError, wording } from '../../kit.ts';
import { sourceNamed } from '../../shared/sources.ts';
import { allOf } from '../../shared/grammar.ts';
import { fitTitle } from '../../shared/title.ts';
import {
  type LimitChange,
  obstacleInReplicaSet,
  obstacleToProve,
  obstacleToRaise,
  type Proof,
  proofOf,
  secondsToProve,
  whereToKeepIt,
} from './limit-rules.ts';

const DEFAULT_GRACE_SECONDS = 30;

const kind = z.enum(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet']);

const params = z.strictObject({
  cluster: z.string(),
  namespace: z.string(),
  /** A ReplicaSet if it is not known which Deployment it belongs to. */
  kind,
  name: z.string(),
  container: z.string(),
  probe: z.enum(['liveness', 'startup']),
  field: z.enum(['failureThreshold', 'timeoutSeconds']),
  from: z.int().positive(),
  to: z.int().positive(),
  lifeSeconds: z.int().nonnegative().exactOptional(),
}) satisfies z.ZodType<LimitChange>;

/** Which workload is changed, for `apply`. */
const details = z.strictObject({ kind, name: z.string(), uid: z.string() });

/** Raises a limit of a probe that kills its container, in the template of the workload. */
export const raiseLimit = defineRemediation({
  about: "Raises a probe's failureThreshold or timeoutSeconds on its Deployment, StatefulSet or DaemonSet",
  title: ({ namespace, name, field, to }) =>
    fitTitle(`Raise ${field} of ${namespace}/${name} to ${to}`, `Raise ${field} to ${to}`),
  risk: 'disruptive',
  allow: 'adjust',
  uses: ['clusters'],
  params,
  plan: async ({ read, signal }, asked) => {
    const { cluster: source, namespace, container, field, to } = asked;
    const cluster = sourceNamed(read.clusters, source);
    const permission = await cluster.adjustPermission({ namespace, signal });
    if (!permission.allowed) throw new SourceError(source, 'refused', permission.because);
    const workload = await workloadOf(cluster, asked, signal);
    const { probes, probe } = probeIn(workload, asked);
    const obstacle = obstacleToRaise(workload, asked, permission);
    if (obstacle !== undefined) throw new SourceError(source, 'refused', obstacle);
    const windowSeconds = secondsToProve(probes, asked, workload.graceSeconds ?? DEFAULT_GRACE_SECONDS);
    const proof = proofOf(workload, windowSeconds, asked.lifeSeconds);
    if (!proof)
      throw new SourceError(
        source,
        'refused',
        `verifying it would take too long: a container must run for ${wording.period(windowSeconds * 1_000)} with ${field} ${to}`,
      );
    await cluster.tryProbeChange(changeOf(asked, workload), { signal });
    return {
      lines: [`${lineOf(asked)} in ${nameOf(workload)}`],
      targets: [`${source}:${nameOf(workload)}`],
      precondition: { uid: workload.uid, [`${asked.probe} probe`]: timingOf(probe) },
      impact: impactOn(workload),
      untilVerified: [proofInWords(container, proof)],
      afterwards: [
        whereToKeepIt(workload, asked),
        'Find out why the probe fails: this only gives it more time.',
      ],
      settlesWithinSeconds: proof.withinSeconds,
      provenAfterSeconds: proof.runSeconds,
      details: { kind: workload.kind, name: workload.name, uid: workload.uid },
    };
  },
  apply: async ({ write, applyContext, recordStep }, asked, plan) => {
    const workload = { namespace: asked.namespace, ...details.parse(plan.details) };
    await write.clusters(asked.cluster).changeProbe(changeOf(asked, workload), applyContext);
    await recordStep(`${keyOf(asked)} of ${asked.container} set to ${asked.to} in ${nameOf(workload)}`);
  },
  whyUnproven: async ({ read, signal }, asked, { plan, idempotencyKey }) => {
    const { cluster: source, namespace } = asked;
    const cluster = read.clusters.find(({ name }) => name === source);
    if (!cluster) return `source ${source} no longer exists`;
    // The next ReplicaSet of the Deployment has another name, so a loop of its pods would be another finding.
    if (asked.kind === 'ReplicaSet')
      return `the pods of ReplicaSet ${namespace}/${asked.name} have no label \`pod-template-hash\`, so those that replaced them can't be recognized`;
    const { kind: of, name, uid } = details.parse(plan.details);
    const workload = await cluster.workload({ kind: of, namespace, name }, { signal });
    return workload.uid === uid
      ? obstacleToProve(workload, asked, idempotencyKey)
      : `${nameOf(workload)} was replaced by another one with the same name`;
  },
  settlesWithinSeconds: 900,
});

/** The workload whose template the pods are created from. @throws {SourceError} */
async function workloadOf(
  cluster: ports.Cluster,
  { kind: known, namespace, name }: LimitChange,
  signal: AbortSignal,
): Promise<ports.Workload> {
  const found = await cluster.workload({ kind: known, namespace, name }, { signal });
  if (found.kind !== 'ReplicaSet') return found;
  const obstacle = obstacleInReplicaSet(found);
  if (obstacle !== undefined) throw new SourceError(cluster.name, 'refused', obstacle);
  const deployment = found.controller?.name ?? '';
  return cluster.workload({ kind: 'Deployment', namespace, name: deployment }, { signal });
}

/** The probe in the template. @throws {SourceError} `missing` if it is gone, or if the limit was changed since the check. */
function probeIn(workload: ports.Workload, asked: LimitChange) {
  const { cluster, container, probe: which, field, from } = asked;
  const found = workload.containers.find(({ name }) => name === container);
  const probe = found?.[which];
  if (!probe)
    throw new SourceError(
      cluster,
      'missing',
      found
        ? `${container} in ${nameOf(workload)} has no ${which} probe any more`
        : `${nameOf(workload)} has no container ${container} any more`,
    );
  if (probe[field] !== from)
    throw new SourceError(
      cluster,
      'missing',
      `${keyOf(asked)} of ${container} in ${nameOf(workload)} is ${probe[field]} now, not ${from}`,
    );
  return { probes: found, probe };
}

function changeOf(
  { container, probe, field, from, to }: LimitChange,
  { kind: of, namespace, name, uid }: Pick<ports.Workload, 'kind' | 'namespace' | 'name' | 'uid'>,
): ports.ProbeChange {
  return { workload: { kind: of, namespace, name, uid }, container, probe, field, from, to };
}

function nameOf({ kind: of, namespace, name }: ports.WorkloadName): string {
  return `${of} ${namespace}/${name}`;
}

/** `livenessProbe.failureThreshold` */
function keyOf({ probe, field }: Pick<LimitChange, 'probe' | 'field'>): string {
  return `${probe}Probe.${field}`;
}

function lineOf(asked: LimitChange): string {
  return `Set ${keyOf(asked)} of ${asked.container} from ${asked.from} to ${asked.to}`;
}

/** Changed by the fix, so that the plan can't be applied twice. */
function timingOf({
  initialDelaySeconds,
  periodSeconds,
  timeoutSeconds,
  failureThreshold,
}: ports.Probe): string {
  return `delay ${initialDelaySeconds} s, period ${periodSeconds} s, timeout ${timeoutSeconds} s, threshold ${failureThreshold}`;
}

function proofInWords(container: string, { runSeconds, withinSeconds }: Proof): string {
  const run = `${container} has run for ${wording.period(runSeconds * 1_000)} in each new pod without being killed`;
  return runSeconds <= withinSeconds
    ? `Counts as fixed once ${run}.`
    : `Wrench can't wait long enough to verify it. Check again once ${run}.`;
}

function impactOn(workload: ports.Workload): string {
  const { replicas } = workload;
  const rollout = `Starts a rollout of ${nameOf(workload)}`;
  if (replicas === undefined) return `${rollout}, which replaces its pod on every node`;
  return `${rollout}, which replaces ${allOf(replicas, 'pod')}`;
}
