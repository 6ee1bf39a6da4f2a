import { type ports, wording } from '../../kit.ts';
import { fullKillWindowSeconds } from './kill-windows.ts';

/** A limit of one probe, and what to raise it from and to. Plain JSON. */
export interface LimitChange extends ports.ProbeField {
  readonly cluster: string;
  readonly namespace: string;
  readonly kind: ports.WorkloadName['kind'];
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** How long the container lived before its probe killed it, if known. */
  readonly lifeSeconds?: number;
}

/**
 * Until an hour after a change, a pod with a changed probe counts as unproven until it has run for a full kill window. All of it must fit, with the
 * last run of the check.
 */
const MAX_PROOF_SECONDS = 3_300;
/** Time to replace the pods, at least. Nothing says how long they take to start. */
const ROLLOUT_SECONDS = 300;
/** Of a StatefulSet, whose pods are replaced one after the other. */
const SECONDS_PER_POD = 60;
/** A DaemonSet replaces them one after the other too, and may have hundreds. */
const DAEMON_SET_ROLLOUT_SECONDS = 1_800;

const TIMEOUT_FACTOR = 2;
const THRESHOLD_FACTOR = 3;
/** A probe that takes longer than this says nothing about the container any more. */
const MAX_TIMEOUT_SECONDS = 60;

type Probes = Pick<ports.Workload['containers'][number], 'liveness' | 'startup'>;

/** What a limit of a probe is raised to; undefined if it is high enough, or if proving it would take too long. */
export function raisedLimit(
  probes: Probes,
  { probe: which, field }: Pick<LimitChange, 'probe' | 'field'>,
  graceSeconds: number,
): number | undefined {
  const from = probes[which]?.[field];
  if (from === undefined) return undefined;
  const to =
    field === 'timeoutSeconds'
      ? Math.min(from * TIMEOUT_FACTOR, MAX_TIMEOUT_SECONDS)
      : from * THRESHOLD_FACTOR;
  const isProvable =
    secondsToProve(probes, { probe: which, field, to }, graceSeconds) + ROLLOUT_SECONDS <= MAX_PROOF_SECONDS;
  return to > from && isProvable ? to : undefined;
}

/** How long a container must run with the raised limit until it is certain that its probes don't kill it as before. */
export function secondsToProve(
  { liveness, startup }: Probes,
  { probe: which, field, to }: Pick<LimitChange, 'probe' | 'field' | 'to'>,
  graceSeconds: number,
): number {
  const changed = (probe: ports.Probe | undefined, name: typeof which) =>
    probe && { ...probe, ...(name === which && { [field]: to }) };
  const [first, later] = [changed(startup, 'startup'), changed(liveness, 'liveness')];
  const secondsOf = (probe: ports.Probe | undefined, before?: ports.Probe) =>
    probe ? fullKillWindowSeconds(probe, probe.graceSeconds ?? graceSeconds, before) : 0;
  return Math.max(secondsOf(first), secondsOf(later, first));
}

/** A container that worked for a while until its probe failed must run for longer than that. */
const LIVES = 2;

/** How a raised limit is proven. */
export interface Proof {
  /** How long each new container must run. */
  readonly runSeconds: number;
  /** How long Wrench waits for it: every pod is replaced first. If that would be too long, only until it is no longer killed as fast as before. */
  readonly withinSeconds: number;
}

/** Undefined if a container that has not run for its kill window would no longer count as unproven. */
export function proofOf(
  { kind, replicas = 1 }: Pick<ports.Workload, 'kind' | 'replicas'>,
  killWindowSeconds: number,
  lifeSeconds = 0,
): Proof | undefined {
  if (killWindowSeconds + ROLLOUT_SECONDS > MAX_PROOF_SECONDS) return undefined;
  const ofKind = {
    Deployment: ROLLOUT_SECONDS,
    ReplicaSet: ROLLOUT_SECONDS,
    StatefulSet: replicas * SECONDS_PER_POD,
    DaemonSet: DAEMON_SET_ROLLOUT_SECONDS,
  };
  const rolloutSeconds = Math.max(ROLLOUT_SECONDS, ofKind[kind]);
  const runSeconds = Math.ceil(Math.max(killWindowSeconds, LIVES * lifeSeconds));
  const waitSeconds = runSeconds + ROLLOUT_SECONDS > MAX_PROOF_SECONDS ? killWindowSeconds : runSeconds;
  return { runSeconds, withinSeconds: Math.min(MAX_PROOF_SECONDS, Math.ceil(waitSeconds + rolloutSeconds)) };
}

/** Why this workload must not be changed; undefined if it may be. `managed`: whether the configuration allows what other tools manage. */
export function obstacleToRaise(
  workload: ports.Workload,
  field: ports.ProbeField,
  { managed }: { readonly managed: boolean },
): string | undefined {
  const { kind, namespace, name, isPaused, controller, managedBy, replicas } = workload;
  const { isUpdatedOnDelete, partition } = workload;
  const of = `${kind} ${namespace}/${name}`;
  if (isPaused)
    return `the rollout of ${of} is paused. Resume it first: \`kubectl rollout resume ${kind.toLowerCase()}/${name} -n ${namespace}\``;
  if (replicas === 0) return `${of} is scaled to 0`;
  if (isUpdatedOnDelete)
    return `${of} replaces its pods only when someone deletes them (\`updateStrategy: OnDelete\`). Change its probe and delete its pods yourself`;
  if (partition !== undefined)
    return `the rollout of ${of} is limited to pods from number ${partition} on (\`partition\`). Complete it first`;
  if (managed) return undefined;
  if (managedBy !== undefined)
    return `${managedBy} manages ${of} and would revert the change. Change it in its repository, or set \`allow.adjust.managed\``;
  if (controller)
    return `${of} belongs to ${controller.kind} ${controller.name}, whose operator would revert the change. Change it there, or set \`allow.adjust.managed\``;
  const manager = revertingManager(workload, field);
  return manager === undefined
    ? undefined
    : `${manager} sets this field of ${of} and would revert the change. Change it there, or set \`allow.adjust.managed\``;
}

/** Why no loop proves nothing after a change: it was reverted, or pods without it remain, or there are none. Undefined if all pods have it. */
export function obstacleToProve(
  { kind, namespace, name, isPaused, containers, adjusted, rollout }: ports.Workload,
  { container, probe, field, to }: Pick<LimitChange, 'container' | 'probe' | 'field' | 'to'>,
  by: string,
): string | undefined {
  const of = `${kind} ${namespace}/${name}`;
  const value = containers.find((one) => one.name === container)?.[probe]?.[field];
  if (value !== to)
    return `${probe}Probe.${field} of ${container} in ${of} is ${value ?? 'not set'} now, not ${to}: something else has changed it since`;
  if (adjusted?.by !== by) return `something else has changed the template of ${of} since`;
  if (!rollout) return `the rollout of ${of} has not started`;
  const { desired, updated, total } = rollout;
  if (desired === 0) return `${of} has no pods now`;
  if (updated >= desired && total <= updated) return undefined;
  const paused = isPaused ? ', and its rollout is paused' : '';
  if (updated >= desired)
    return `${of} still has ${wording.count(total - updated, 'pod')} without the change`;
  return `${of} has ${updated} of ${wording.count(desired, 'new pod')}${paused}: see \`kubectl rollout status ${kind.toLowerCase()}/${name} -n ${namespace}\``;
}

/** Why the pods of this ReplicaSet can't be changed with the template of a Deployment; undefined if they can. */
export function obstacleInReplicaSet({
  kind,
  namespace,
  name,
  controller,
}: ports.Workload): string | undefined {
  const of = `${kind} ${namespace}/${name}`;
  if (!controller)
    return `${of} belongs to no Deployment: nothing replaces its pods when its template changes`;
  return controller.kind === 'Deployment'
    ? undefined
    : `${of} belongs to ${controller.kind} ${controller.name}. Change the probe there`;
}

/** Whoever changes the workload by hand or in a pipeline, and not continuously: their next change resets the field. */
const PEOPLES_TOOLS =
  /^(?:kubectl|helm|terraform|hashicorp|pulumi|ansible|openapi-generator|skaffold|tilt|kapp|kustomize$|mozilla|node-fetch|rancher|dashboard|k9s|lens|wrench|before-first-apply)/i;
/** The names of programs that continuously restore what they manage. `manager` is the default name of an operator: https://book.kubebuilder.io */
const OPERATORS = /operator|controller|reconciler|^manager$/i;

/** Who restores the field whenever it is changed; undefined if no one is known to. */
function revertingManager(
  { fieldManagers }: Pick<ports.Workload, 'fieldManagers'>,
  field: ports.ProbeField,
): string | undefined {
  return managersOf(fieldManagers, field).find(
    ({ manager, operation }) =>
      !PEOPLES_TOOLS.test(manager) && (operation === 'Apply' || OPERATORS.test(manager)),
  )?.manager;
}

function managersOf(
  all: readonly ports.FieldManager[],
  { container, probe, field }: ports.ProbeField,
): readonly ports.FieldManager[] {
  return all.filter((one) => one.container === container && one.probe === probe && one.field === field);
}

/** What people still have to change, so that the limit stays raised. */
export function whereToKeepIt(workload: ports.Workload, field: ports.ProbeField): string {
  const { managedBy, controller } = workload;
  const reverting = revertingManager(workload, field);
  if (managedBy !== undefined)
    return `Change it in the repository of ${managedBy} too, or it reverts the change.`;
  if (controller)
    return `Change it in ${controller.kind} ${controller.name} too, or its operator reverts the change.`;
  if (reverting !== undefined)
    return `Change it in the configuration of ${reverting} too, or it reverts the change.`;
  const tools = managersOf(workload.fieldManagers, field)
    .map(({ manager }) => manager)
    .filter((manager) => manager !== 'wrench');
  if (tools.some((tool) => /^helm/i.test(tool)))
    return 'Change it in the values of the Helm chart too, or the next upgrade resets it.';
  return tools.length > 0
    ? `Change it in the manifest too, or the next deployment resets it (last set with ${wording.list([...new Set(tools)])}).`
    : 'Change it where the workload is defined too, or the next deployment resets it.';
}
