import { type ports, wording } from '../../kit.ts';
import { AILMENTS, NATS, type Words } from './ailments.ts';
import { restartOffers } from './offer.ts';
import { type Ailment, ailmentOf, isShared, isWhollyDown, type Survey } from './survey.ts';
import {
  byName,
  type Evidence,
  field,
  lockEvidence,
  table,
  targetOf,
  type Trouble,
  wordsFor,
} from './trouble.ts';

/** Troubles of whole instances: one finding where most share it, else one each. What is told already, of all deployments at once, is left out. */
export function wholeTroubles(survey: Survey, told?: Ailment): Trouble[] {
  const hit = Map.groupBy(survey.awake, ailmentOf);
  const ailments = (Object.keys(AILMENTS) as Ailment[]).filter((ailment) => ailment !== told);
  return ailments.flatMap((ailment) => {
    const instances = (hit.get(ailment) ?? []).toSorted(byName);
    // An agent can only be silent where there is a machine for it.
    const all = ailment === 'absent' ? survey.awake : survey.awake.filter(hasMachine);
    if (isShared(instances.length, all.length)) return [manyOf(survey, ailment, instances, all.length)];
    return instances.map((instance) => oneOf(survey, ailment, instance));
  });
}

/**
 * Agents that fall silent in several deployments of one director at once have the director's NATS in common, and nothing else:
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
  const headline = `${capital(says)} in ${surveys.length} deployments`;
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
        ...table(['Deployment', 'Silent agents'], rows, 'Deployments'),
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
  const says = `no process runs on ${hit.length} of ${telling.length} ${machine}s`;
  const next =
    'one cause behind all of them is likely: a deploy that ended half way, the network, a disk they share';
  return told(survey, { reason: 'nothing-runs', says, next }, hit);
}

function manyOf(survey: Survey, ailment: Ailment, hit: readonly ports.Instance[], all: number): Trouble {
  const docs =
    ailment === 'silent' && survey.deployment.kind === 'bosh' ? [field('Documentation', NATS)] : [];
  return told(survey, AILMENTS[ailment].many(survey, hit.length, all), hit, docs);
}

function told(
  survey: Survey,
  words: Words,
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
      severity: 'critical',
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
  const { deployment, awake } = survey;
  const { reason, says, next } = AILMENTS[ailment].one(survey);
  const others = awake.filter(({ group }) => group === instance.group);
  const isLast = others.every((other) => ailmentOf(other) !== undefined);
  const { offers, evidence } =
    ailment === 'stopped' ? restartOffers(deployment, instance) : { offers: [], evidence: [] };
  return {
    counts: ailment,
    finding: {
      reason,
      severity: severityOf(instance, isLast),
      target: targetOf(deployment, instance),
      summary: `${instance.name}: ${says}${isLast ? `, and ${instance.group} has no other that runs` : ''}; ${next}`,
      evidence: [
        field('Addresses', wording.list(instance.addresses) || 'none'),
        ...(instance.ignored ? [field('Ignored', 'people told the director to leave it alone')] : []),
        ...evidence,
        ...lockEvidence(deployment),
      ],
      ...(offers.length > 0 && { offers }),
    },
  };
}

/** Critical where nothing of its kind is left; a warning where others carry on. */
export function severityOf({ ignored }: ports.Instance, isLast: boolean): 'critical' | 'warning' | 'info' {
  if (ignored) return 'info';
  return isLast ? 'critical' : 'warning';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
