import { type Evidence, type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import {
  type InstanceFault,
  instanceFaultOf,
  changesInstances,
  isShared,
  isUp,
} from '../../shared/instances.ts';
import { INSTANCE_FAULTS, describeAfterTask, NATS_DOCUMENTATION, type FaultText } from './instance-faults.ts';
import { restartOffers } from './restart-offers.ts';
import { isWhollyDown, type Survey } from './survey.ts';
import { byName, lockEvidence, describeLock, table, targetOf, type Problem, nounsFor } from './problem.ts';

type Severity = Problem['finding']['severity'];

/** Problems of whole instances: one finding where most share it, else one each. What was reported already, of all deployments at once, is left out. */
export function wholeInstanceProblems(survey: Survey, reported?: InstanceFault): Problem[] {
  const hit = Map.groupBy(survey.active, instanceFaultOf);
  const faults = (Object.keys(INSTANCE_FAULTS) as InstanceFault[]).filter((fault) => fault !== reported);
  return faults.flatMap((fault) => {
    const instances = (hit.get(fault) ?? []).toSorted(byName);
    // An agent can only fail to answer where there is a machine for it.
    const all = fault === 'absent' ? survey.active : survey.active.filter(hasMachine);
    if (isShared(instances.length, all.length)) return [faultOfMany(survey, fault, instances, all.length)];
    return instances.map((instance) => faultOfOne(survey, fault, instance));
  });
}

/**
 * Agents that stop responding in several deployments of one director at once have the director's NATS in common, and nothing else:
 * they are one finding, about the director.
 */
export function agentsDownEverywhere(surveys: readonly Survey[]): Problem | undefined {
  const hit = surveys
    .map(({ deployment, active }) => ({
      deployment,
      silent: active.filter((one) => instanceFaultOf(one) === 'silent'),
    }))
    .filter(({ silent }) => silent.length > 0);
  const [first] = surveys;
  if (first?.deployment.supervisor !== 'director' || hit.length < 2) return undefined;
  const silent = hit.reduce((sum, one) => sum + one.silent.length, 0);
  const all = surveys.reduce((sum, { active }) => sum + active.filter(hasMachine).length, 0);
  if (!isShared(silent, all)) return undefined;
  const { reason, says, next } = INSTANCE_FAULTS.silent.many(first, silent, all);
  const deployments = surveys.filter(({ active }) => active.length > 0).length;
  const headline = `${capitalize(says)} in ${deployments} deployments`;
  const rows = hit.map((one) => [one.deployment.name, String(one.silent.length)]);
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

/** Where nothing runs on most of the machines, their processes one by one would only be noise. */
export function nothingRunning(survey: Survey): Problem | undefined {
  const { deployment, reporting } = survey;
  const hit = reporting.filter(isWhollyDown).toSorted(byName);
  if (!isShared(hit.length, reporting.length)) return undefined;
  const { machine } = nounsFor(deployment);
  const isOfTask = changesInstances(deployment.lock);
  const says = `no process is running on ${hit.length} of ${reporting.length} ${machine}s`;
  const next = isOfTask
    ? describeAfterTask(survey, 'they should run again')
    : 'a single cause is likely: an interrupted deploy, the network or a shared disk';
  return toSharedProblem(
    survey,
    { reason: 'nothing-runs', says, next },
    isOfTask ? 'warning' : 'critical',
    hit,
  );
}

function faultOfMany(
  survey: Survey,
  fault: InstanceFault,
  hit: readonly ports.Instance[],
  all: number,
): Problem {
  const { deployment } = survey;
  const docs =
    fault === 'silent' && deployment.supervisor === 'director'
      ? [field('Documentation', NATS_DOCUMENTATION)]
      : [];
  const { many, isOfTask } = INSTANCE_FAULTS[fault];
  const text = many(survey, hit.length, all);
  if (!isOfTask || !changesInstances(deployment.lock))
    return toSharedProblem(survey, text, 'critical', hit, docs);
  const next = describeAfterTask(survey, 'they are expected back');
  return toSharedProblem(survey, { ...text, next }, 'warning', hit, docs);
}

function toSharedProblem(
  survey: Survey,
  text: FaultText,
  severity: Severity,
  hit: readonly ports.Instance[],
  more: readonly Evidence[] = [],
): Problem {
  const { deployment } = survey;
  const rows = hit.map(({ name, zone = '', addresses }) => [name, zone, wording.list(addresses)]);
  return {
    headline: capitalize(text.says),
    within: deployment.name,
    finding: {
      reason: text.reason,
      severity,
      target: targetOf(deployment),
      summary: `${deployment.name}: ${text.says}; ${text.next}`,
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
  const { reason, says, next } = one(survey);
  const isChanging = changesInstances(deployment.lock);
  const isOfTask = isOfAny && isChanging;
  const isLast = isLastOf(survey, instance);
  const { offers, evidence } =
    fault === 'stopped' && !isOfTask ? restartOffers(deployment, instance) : { offers: [], evidence: [] };
  const parts = [
    `${instance.name}: ${says}${isLast ? `, and ${describeNoOther(survey, instance)}` : ''}`,
    isOfTask ? describeAfterTask(survey, 'it is expected back') : next,
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
      ...(offers.length > 0 && { offers }),
    },
  };
}

/**
 * Critical where nothing of its kind is left; a warning where others carry on. While a task changes the deployment one step less: it
 * takes instances down one after the other, and of what it does not do to them (an agent that does not answer) a warning stays.
 */
function severityOfFault(of: {
  readonly isLast: boolean;
  readonly isOfTask: boolean;
  readonly isChanging: boolean;
}): Severity {
  if (of.isLast) return of.isChanging ? 'warning' : 'critical';
  return of.isOfTask ? 'info' : 'warning';
}

/** Whether no other instance of its group runs, of those that count. */
export function isLastOf({ active }: Survey, instance: ports.Instance): boolean {
  return !active.some((other) => other.group === instance.group && isUp(other));
}

function describeNoOther({ ignored }: Survey, { group }: ports.Instance): string {
  const isIgnored = ignored.some((other) => other.group === group && isUp(other));
  return isIgnored
    ? `only ignored instances of ${group} are running`
    : `no other instance of ${group} is running`;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
