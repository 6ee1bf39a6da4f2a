import { type ports, wording } from '../../kit.ts';
import { type Ailment, ailmentOf, changesInstances, isShared, isUp } from '../../shared/instances.ts';
import { AILMENTS, expectedOfTask, NATS, type Words } from './instance-faults.ts';
import { restartOffers } from './restart-offers.ts';
import { isWhollyDown, type Survey } from './survey.ts';
import {
  byName,
  type Evidence,
  field,
  lockEvidence,
  lockInWords,
  table,
  targetOf,
  type Trouble,
  wordsFor,
} from './problem.ts';

type Severity = Trouble['finding']['severity'];

/** Troubles of whole instances: one finding where most share it, else one each. What was reported already, of all deployments at once, is left out. */
export function wholeTroubles(survey: Survey, reported?: Ailment): Trouble[] {
  const hit = Map.groupBy(survey.awake, ailmentOf);
  const ailments = (Object.keys(AILMENTS) as Ailment[]).filter((ailment) => ailment !== reported);
  return ailments.flatMap((ailment) => {
    const instances = (hit.get(ailment) ?? []).toSorted(byName);
    // An agent can only fail to answer where there is a machine for it.
    const all = ailment === 'absent' ? survey.awake : survey.awake.filter(hasMachine);
    if (isShared(instances.length, all.length)) return [manyOf(survey, ailment, instances, all.length)];
    return instances.map((instance) => oneOf(survey, ailment, instance));
  });
}

/**
 * Agents that stop responding in several deployments of one director at once have the director's NATS in common, and nothing else:
 * they are one finding, about the director.
 */
export function silentEverywhere(surveys: readonly Survey[]): Trouble | undefined {
  const hit = surveys
    .map(({ deployment, awake }) => ({
      deployment,
      silent: awake.filter((one) => ailmentOf(one) === 'silent'),
    }))
    .filter(({ silent }) => silent.length > 0);
  const [first] = surveys;
  if (first?.deployment.kind !== 'bosh' || hit.length < 2) return undefined;
  const silent = hit.reduce((sum, one) => sum + one.silent.length, 0);
  const all = surveys.reduce((sum, { awake }) => sum + awake.filter(hasMachine).length, 0);
  if (!isShared(silent, all)) return undefined;
  const { reason, says, next } = AILMENTS.silent.many(first, silent, all);
  const deployments = surveys.filter(({ awake }) => awake.length > 0).length;
  const headline = `${capital(says)} in ${deployments} deployments`;
  const rows = hit.map((one) => [one.deployment.name, String(one.silent.length)]);
  return {
    headline,
    finding: {
      reason,
      severity: 'critical',
      target: first.deployment.source,
      summary: `${headline}; ${next}`,
      evidence: [
        field('Documentation', NATS),
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
export function nothingRuns(survey: Survey): Trouble | undefined {
  const { deployment, telling } = survey;
  const hit = telling.filter(isWhollyDown).toSorted(byName);
  if (!isShared(hit.length, telling.length)) return undefined;
  const { machine } = wordsFor(deployment);
  const isOfTask = changesInstances(deployment.lock);
  const says = `no process is running on ${hit.length} of ${telling.length} ${machine}s`;
  const next = isOfTask
    ? expectedOfTask(survey, 'they should run again')
    : 'a single cause is likely: an interrupted deploy, the network or a shared disk';
  return shared(survey, { reason: 'nothing-runs', says, next }, isOfTask ? 'warning' : 'critical', hit);
}

function manyOf(survey: Survey, ailment: Ailment, hit: readonly ports.Instance[], all: number): Trouble {
  const { deployment } = survey;
  const docs = ailment === 'silent' && deployment.kind === 'bosh' ? [field('Documentation', NATS)] : [];
  const { many, isOfTask } = AILMENTS[ailment];
  const words = many(survey, hit.length, all);
  if (!isOfTask || !changesInstances(deployment.lock)) return shared(survey, words, 'critical', hit, docs);
  const next = expectedOfTask(survey, 'they are expected back');
  return shared(survey, { ...words, next }, 'warning', hit, docs);
}

function shared(
  survey: Survey,
  words: Words,
  severity: Severity,
  hit: readonly ports.Instance[],
  more: readonly Evidence[] = [],
): Trouble {
  const { deployment } = survey;
  const rows = hit.map(({ name, zone = '', addresses }) => [name, zone, wording.list(addresses)]);
  return {
    headline: capital(words.says),
    within: deployment.name,
    finding: {
      reason: words.reason,
      severity,
      target: targetOf(deployment),
      summary: `${deployment.name}: ${words.says}; ${words.next}`,
      evidence: [
        ...more,
        ...lockEvidence(deployment),
        ...table(['Instance', 'Zone', 'Addresses'], rows, 'Instances'),
      ],
    },
  };
}

function oneOf(survey: Survey, ailment: Ailment, instance: ports.Instance): Trouble {
  const { deployment } = survey;
  const { one, isOfTask: isOfAny } = AILMENTS[ailment];
  const { reason, says, next } = one(survey);
  const isChanging = changesInstances(deployment.lock);
  const isOfTask = isOfAny && isChanging;
  const isLast = isLastOf(survey, instance);
  const { offers, evidence } =
    ailment === 'stopped' && !isOfTask ? restartOffers(deployment, instance) : { offers: [], evidence: [] };
  const parts = [
    `${instance.name}: ${says}${isLast ? `, and ${noOtherOf(survey, instance)}` : ''}`,
    isOfTask ? expectedOfTask(survey, 'it is expected back') : next,
    ...(isChanging && !isOfTask ? [lockInWords(deployment)] : []),
  ];
  return {
    counts: { kind: ailment, instance },
    finding: {
      reason,
      severity: severityOfWhole({ isLast, isOfTask, isChanging }),
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
function severityOfWhole(of: {
  readonly isLast: boolean;
  readonly isOfTask: boolean;
  readonly isChanging: boolean;
}): Severity {
  if (of.isLast) return of.isChanging ? 'warning' : 'critical';
  return of.isOfTask ? 'info' : 'warning';
}

/** Whether no other instance of its group runs, of those that count. */
export function isLastOf({ awake }: Survey, instance: ports.Instance): boolean {
  return !awake.some((other) => other.group === instance.group && isUp(other));
}

function noOtherOf({ ignored }: Survey, { group }: ports.Instance): string {
  const isIgnored = ignored.some((other) => other.group === group && isUp(other));
  return isIgnored
    ? `only ignored instances of ${group} are running`
    : `no other instance of ${group} is running`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
