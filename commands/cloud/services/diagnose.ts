import { type Diagnosis, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { clockProblems } from './clock-findings.ts';
import { downProblems, stateProblems } from './compute-findings.ts';
import { enabledLabel } from './compute-params.ts';
import { controlPlaneProblems } from './control-plane.ts';
import type { Facts } from './facts.ts';
import { groupProblems } from './group-findings.ts';
import { otherProblems } from './other-findings.ts';
import type { CloudView, Problem, ServicesOffer } from './problem.ts';
import { isCompute, isDisabledByWrench } from './known-service.ts';
import { surveyServices } from './survey.ts';

export function diagnose(facts: Facts, _args: object, now: Date): Diagnosis<ServicesOffer> {
  const views = facts.clouds.map((cloud): CloudView => ({
    cloud,
    survey: surveyServices(cloud, facts.hosts, now),
    facts,
    now,
  }));
  const problems = views
    .flatMap((view) => [
      ...controlPlaneProblems(view),
      ...clockProblems(view),
      ...groupProblems(view),
      ...downProblems(view),
      ...otherProblems(view),
      ...stateProblems(view),
    ])
    .toSorted(
      ({ finding: a }, { finding: b }) =>
        compareSeverity(a, b) || (a.target < b.target ? -1 : a.target > b.target ? 1 : 0),
    );
  return {
    examined: views.reduce((sum, { survey }) => sum + survey.known.length, 0),
    verdict: verdictOf(views, problems),
    findings: problems.map(({ finding }) => finding),
    measures: views.flatMap(({ cloud, survey }) =>
      survey.computes
        .filter((one) => survey.down.includes(one) || isDisabledByWrench(one))
        .map(({ host, isEnabled }) => ({
          label: enabledLabel({ cloud: cloud.name, host }),
          value: isEnabled ? 1 : 0,
          unit: 'enabled',
        })),
    ),
  };
}

function verdictOf(views: readonly CloudView[], problems: readonly Problem[]): string {
  const headlines = [...new Set(problems.flatMap(({ headline }) => headline ?? []))];
  const [first, ...others] = headlines;
  if (first !== undefined)
    return others.length === 0 ? first : `${first}; ${wording.count(others.length, 'other problem')}`;
  const services = views.flatMap(({ survey }) => survey.known);
  const computes = services.filter(isCompute);
  const up = computes.filter(({ isUp }) => isUp).length;
  const disabled = computes.filter(({ isUp, isEnabled }) => isUp && !isEnabled).length;
  const notes = [
    ...(disabled === 0 ? [] : [`${disabled} disabled`]),
    ...(up === computes.length ? [] : [`${computes.length - up} down on purpose or new`]),
  ];
  const also = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
  return `${up} of ${wording.count(computes.length, 'compute')} are up${also}, and ${services.length - computes.length} other services`;
}
