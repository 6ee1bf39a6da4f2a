import { type Evidence, type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import { agree } from '../../shared/grammar.ts';
import {
  changesInstances,
  describeLock,
  type InstanceFault,
  instanceFaultOf,
  isDown,
  isShared,
  isUp,
} from '../../shared/instances.ts';
import type { WatchedDeployment } from './collect.ts';
import { type FaultText, INSTANCE_FAULTS, NATS_DOCUMENTATION } from './faults.ts';
import {
  byName,
  describeAfterTask,
  KINDS,
  type Kind,
  lockEvidence,
  nounsFor,
  type Problem,
  table,
  targetOf,
} from './problem.ts';
import { restartOffers } from './restart.ts';
import { isLastOf, isWhollyDown, type Survey } from './survey.ts';

type Severity = Problem['finding']['severity'];

/**
 * Problems of whole instances: one finding if most share it, otherwise one each. Leaves out what was already reported for all deployments.
 */
export function wholeInstanceProblems(survey: Survey, reported?: InstanceFault): Problem[] {
  const hit = Map.groupBy(survey.active, instanceFaultOf);
  const faults = (Object.keys(INSTANCE_FAULTS) as InstanceFault[]).filter((fault) => fault !== reported);
  return faults.flatMap((fault) => {
    const instances = (hit.get(fault) ?? []).toSorted(byName);
    // Only an agent with a machine can be unresponsive.
    const all = fault === 'absent' ? survey.active : survey.active.filter(hasMachine);
    if (isShared(instances.length, all.length)) return [faultOfMany(survey, fault, instances, all.length)];
    return instances.map((instance) => faultOfOne(survey, fault, instance));
  });
}

/**
 * Agents that stop responding in several deployments at once have only the director's NATS in common, so they are one finding about the
 * director.
 */
export function agentsDownEverywhere(surveys: readonly Survey[]): Problem | undefined {
  const hit = surveys
    .map(({ deployment, active }) => ({
      deployment,
      silent: active.filter((one) => instanceFaultOf(one) === 'silent').length,
    }))
    .filter(({ silent }) => silent > 0);
  const [first] = surveys;
  if (first?.deployment.supervisor !== 'director' || hit.length < 2) return undefined;
  const silent = hit.reduce((sum, one) => sum + one.silent, 0);
  const all = surveys.reduce((sum, { active }) => sum + active.filter(hasMachine).length, 0);
  if (!isShared(silent, all)) return undefined;
  const { reason, says, next } = INSTANCE_FAULTS.silent.many(first.deployment, silent, all);
  const deployments = surveys.filter(({ active }) => active.length > 0).length;
  const headline = `${wording.capitalize(says)} in ${deployments} deployments`;
  const rows = hit.map((one) => [one.deployment.name, String(one.silent)]);
  return {
    headline,
    finding: {
      reason,
      severity: 'critical',
      target: first.deployment.source,
      summary: `${headline}; ${next}`,
      evidence: [
        field('Documentation', NATS_DOCUMENTATION),
        ...hit.flatMap(({ deployment }) => lockEvidence(deployment)),
        ...table(['Deployment', 'Agents not responding'], rows, 'Deployments'),
      ],
    },
  };
}

function hasMachine({ state }: ports.Instance): boolean {
  return state !== 'absent';
}

/** If nothing is running on most machines, findings about single processes would be noise. */
export function nothingRunning({ deployment, reporting }: Survey): Problem | undefined {
  const hit = reporting.filter(isWhollyDown).toSorted(byName);
  if (!isShared(hit.length, reporting.length)) return undefined;
  const isOfTask = changesInstances(deployment.lock);
  const text = {
    reason: 'nothing-runs',
    says: `no process is running on ${hit.length} of ${reporting.length} ${nounsFor(deployment).machine}s`,
    next: isOfTask
      ? describeAfterTask(deployment, 'they should run again')
      : 'a single cause is likely: an interrupted deploy, the network or a shared disk',
  };
  return sharedByInstances(deployment, text, isOfTask ? 'warning' : 'critical', hit);
}

function faultOfMany(
  { deployment }: Survey,
  fault: InstanceFault,
  hit: readonly ports.Instance[],
  all: number,
): Problem {
  const docs =
    fault === 'silent' && deployment.supervisor === 'director'
      ? [field('Documentation', NATS_DOCUMENTATION)]
      : [];
  const { many, isOfTask } = INSTANCE_FAULTS[fault];
  const text = many(deployment, hit.length, all);
  if (!isOfTask || !changesInstances(deployment.lock))
    return sharedByInstances(deployment, text, 'critical', hit, docs);
  const next = describeAfterTask(deployment, 'they are expected back');
  return sharedByInstances(deployment, { ...text, next }, 'warning', hit, docs);
}

/** A cause that many instances share. */
export function sharedByInstances(
  deployment: WatchedDeployment,
  { reason, says, next }: FaultText,
  severity: Severity,
  hit: readonly ports.Instance[],
  more: readonly Evidence[] = [],
): Problem {
  const rows = hit.map(({ name, zone = '', addresses }) => [name, zone, wording.list(addresses)]);
  return {
    headline: wording.capitalize(says),
    within: deployment.name,
    finding: {
      reason,
      severity,
      target: targetOf(deployment),
      summary: `${wording.capitalize(says)}; ${next}`,
      evidence: [
        ...more,
        ...lockEvidence(deployment),
        ...table(['Instance', 'Zone', 'Addresses'], rows, 'Instances'),
      ],
    },
  };
}

function faultOfOne(survey: Survey, fault: InstanceFault, instance: ports.Instance): Problem {
  const { deployment } = survey;
  const { one, isOfTask: isOfAny } = INSTANCE_FAULTS[fault];
  const { reason, says, next } = one(deployment);
  const isChanging = changesInstances(deployment.lock);
  const isOfTask = isOfAny && isChanging;
  const isLast = isLastOf(survey, instance);
  const { offers, evidence = [] } =
    fault === 'stopped' && !isOfTask ? restartOffers(deployment, instance) : {};
  const parts = [
    `${instance.name}: ${says}${isLast ? `, and ${describeNoOther(survey, instance)}` : ''}`,
    isOfTask ? describeAfterTask(deployment, 'it is expected back') : next,
    ...(isChanging && !isOfTask ? [describeLock(deployment)] : []),
  ];
  return {
    counts: { kind: fault, instance },
    finding: {
      reason,
      severity: severityOfFault({ isLast, isOfTask, isChanging }),
      target: targetOf(deployment, instance),
      summary: parts.join('; '),
      evidence: [
        field('Addresses', wording.list(instance.addresses) || 'none'),
        ...evidence,
        ...lockEvidence(deployment),
      ],
      ...(offers && { offers }),
    },
  };
}

/**
 * Critical if no other instance of its group is left, otherwise a warning. One level less while a task changes the deployment, because it
 * takes instances down one after the other; but what a task does not cause (an unresponsive agent) is at least a warning.
 */
function severityOfFault(of: {
  readonly isLast: boolean;
  readonly isOfTask: boolean;
  readonly isChanging: boolean;
}): Severity {
  if (of.isLast) return of.isChanging ? 'warning' : 'critical';
  return of.isOfTask ? 'info' : 'warning';
}

function describeNoOther({ ignored }: Survey, { group }: ports.Instance): string {
  const isIgnored = ignored.some((other) => other.group === group && isUp(other));
  return isIgnored
    ? `only ignored instances of ${group} are running`
    : `no other instance of ${group} is running`;
}

type KindIfIgnored = Exclude<Kind, 'unmonitored'>;

/** The same reasons as for instances that are not ignored. */
const REASON_IF_IGNORED: Readonly<Record<KindIfIgnored, string>> = {
  silent: 'agent-unresponsive',
  absent: 'vm-absent',
  unseen: 'monit-unresponsive',
  stopped: 'instance-stopped',
  down: 'processes-not-running',
  starting: 'processes-not-running',
  service: 'service-failing',
  failing: 'instance-failing',
};

/** Faults of ignored instances (`bosh ignore`) are information: one finding for each kind, without a fix. */
export function ignoredProblems({ deployment, ignored }: Survey): Problem[] {
  return [...Map.groupBy(ignored.toSorted(byName), kindIfIgnored)].flatMap(([kind, instances]) => {
    const [first, ...others] = instances;
    if (kind === undefined || !first) return [];
    const amount = instances.length;
    const says = agree(amount, KINDS[kind]);
    const isOne = others.length === 0;
    const rows = instances.map(({ name, zone = '', addresses, processes }) => [
      name,
      zone,
      wording.list(addresses),
      wording.list(processes.filter(isDown).map((process) => process.name)),
    ]);
    return {
      ignored: { kind, amount },
      finding: {
        reason: REASON_IF_IGNORED[kind],
        severity: 'info' as const,
        target: isOne ? targetOf(deployment, first) : `${targetOf(deployment)} ignored`,
        summary: isOne
          ? `${first.name} is ignored and ${says}`
          : `${deployment.name}: ${wording.count(amount, 'ignored instance')} ${says}`,
        evidence: [
          field('Ignored', 'set with `bosh ignore`'),
          ...lockEvidence(deployment),
          ...table(['Instance', 'Zone', 'Addresses', 'Not running'], rows, 'Instances'),
        ],
      },
    };
  });
}

function kindIfIgnored(instance: ports.Instance): KindIfIgnored | undefined {
  const { state, processes, faults = [] } = instance;
  const fault = instanceFaultOf(instance);
  if (fault) return fault;
  const down = processes.filter(isDown);
  if (down.length > 0) return down.every((process) => process.state === 'starting') ? 'starting' : 'down';
  if (faults.length > 0) return 'service';
  if (state === 'running') return undefined;
  return state === 'starting' ? 'starting' : 'failing';
}
