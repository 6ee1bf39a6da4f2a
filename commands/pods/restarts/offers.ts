import type { ports } from '../../kit.ts';
import type { Cause } from './causes.ts';
import type { Owner, RestartedContainer } from './facts.ts';
import { workloadNames } from './owner.ts';
import { type LimitChange, obstacleInReplicaSet, obstacleToRaise, raisedLimit } from './limit-rules.ts';
import type { Loop } from './loops.ts';

export interface RaiseLimitOffer {
  readonly remediation: 'raise-limit';
  readonly params: LimitChange;
  /** The finding itself: the rollout replaces its pods. */
  readonly target: string;
}

/**
 * The offers for a finding about this container, one for each limit that could be raised, or why there are none. More time helps a probe that times
 * out, or may: not one that fails at once, and not if the runtime can't run it. `target` is that of the finding. `selected`: what `--pod` names, if the
 * report is only about that.
 */
export function offersToRaise(
  container: RestartedContainer,
  { pace, lifeMs }: Pick<Loop, 'pace' | 'lifeMs'>,
  cause: Cause,
  { target, selected }: { readonly target: string; readonly selected?: readonly string[] },
): { readonly offers?: readonly RaiseLimitOffer[]; readonly because?: string } {
  if (cause.kind !== 'killed-by-probe' || cause.isExecBroken || cause.how === 'fails') return {};
  if (pace === 'proving' || pace === 'ended') return {};
  const of = workloadNamed(container.owner);
  if (!of) return {};
  const limits = cause.how === 'either' ? (['failureThreshold'] as const) : LIMITS;
  const life = lifeMs === undefined ? {} : { lifeSeconds: Math.round(lifeMs / 1_000) };
  const changes = limits
    .flatMap((field) => changesTo(container, of, { probe: cause.probe, field }))
    .map((change) => ({ ...change, ...life }));
  if (changes.length === 0) return {};
  const because = obstacleIn(container, changes) ?? obstacleInSelection(container, selected);
  if (because !== undefined) return { because };
  return { offers: changes.map((params) => ({ remediation: 'raise-limit', params, target })) };
}

/** The check that verifies the fix would not find the pods that replace a pod that it was asked for by name. */
function obstacleInSelection(
  { namespace, owner }: RestartedContainer,
  selected: readonly string[] | undefined,
): string | undefined {
  // The pods of a StatefulSet keep their names.
  if (!selected || owner.kind === 'StatefulSet') return undefined;
  const names = workloadNames(namespace, owner);
  return names.some((name) => selected.includes(name))
    ? undefined
    : `the fix replaces this pod by one with another name. Ask for its workload: \`/pods restarts ${namespace} --pod ${names.at(-2) ?? owner.name}\``;
}

/** The timeout first: it is what the probe runs into. */
const LIMITS = ['timeoutSeconds', 'failureThreshold'] as const;

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'] as const;

function workloadNamed({ kind, name }: Owner): Pick<LimitChange, 'kind' | 'name'> | undefined {
  const known = KINDS.find((one) => one === kind);
  return known && { kind: known, name };
}

function changesTo(
  { cluster, namespace, container, liveness, startup, graceSeconds }: RestartedContainer,
  of: Pick<LimitChange, 'kind' | 'name'>,
  limit: Pick<LimitChange, 'probe' | 'field'>,
): readonly LimitChange[] {
  const probes = { ...(liveness && { liveness }), ...(startup && { startup }) };
  const from = probes[limit.probe]?.[limit.field];
  const to = raisedLimit(probes, limit, graceSeconds);
  if (from === undefined || to === undefined) return [];
  return [{ cluster, namespace, ...of, container, ...limit, from, to }];
}

/** Why nothing is offered, as far as it is known: the plan reads all of it again. */
function obstacleIn(
  { adjust, workload }: Pick<RestartedContainer, 'adjust' | 'workload'>,
  changes: readonly LimitChange[],
): string | undefined {
  if (adjust?.allowed === false) return adjust.because;
  if (!workload) return undefined;
  if (workload.kind === 'ReplicaSet') return obstacleInReplicaSet(workload);
  const managed = adjust?.managed ?? false;
  for (const change of changes) {
    const because = changedIn(workload, change) ?? obstacleToRaise(workload, change, { managed });
    if (because !== undefined) return because;
  }
  return undefined;
}

/** The template was changed since the pod was created, so it will be replaced. */
function changedIn(
  { kind, containers }: ports.Workload,
  { container, probe, field, from }: LimitChange,
): string | undefined {
  const now = containers.find(({ name }) => name === container)?.[probe]?.[field];
  return now === undefined || now === from
    ? undefined
    : `the template of its ${kind} already has ${field} ${now}`;
}
