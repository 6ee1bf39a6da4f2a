import type { Diagnosis } from '../../kit.ts';
import type { RestartOffer } from '../../shared/define-restart.ts';
import type { InstanceFault } from '../../shared/instances.ts';
import { compareSeverity } from '../../shared/severity.ts';
import type { Facts } from './collect.ts';
import type { Problem } from './problem.ts';
import { processProblems } from './processes.ts';
import { serviceProblems } from './services.ts';
import { isWhollyDown, measuresOf, survey, type Survey, withReporting } from './survey.ts';
import { verdictOf } from './verdict.ts';
import {
  agentsDownEverywhere,
  ignoredProblems,
  nothingRunning,
  wholeInstanceProblems,
} from './whole-instances.ts';

/**
 * Causes come before symptoms: what is the same on most instances is one finding about what they share. For each deployment: first whole
 * instances that are down, then processes, then disks, files and other services, then ignored instances.
 */
export function diagnose({ deployments }: Facts): Diagnosis<RestartOffer> {
  const surveys = deployments.map(survey);
  const problems = [...Map.groupBy(surveys, ({ deployment }) => deployment.source).values()]
    .flatMap(problemsOfSource)
    .toSorted(worstFirst);
  return {
    examined: deployments.reduce((sum, { instances }) => sum + instances.length, 0),
    verdict: verdictOf(surveys, problems),
    findings: problems.map(({ finding }) => finding),
    measures: measuresOf(surveys),
  };
}

function problemsOfSource(surveys: readonly Survey[]): Problem[] {
  const everywhere = agentsDownEverywhere(surveys);
  const perDeployment = surveys.flatMap((one) => problemsOf(one, everywhere && 'silent'));
  return everywhere ? [everywhere, ...perDeployment] : perDeployment;
}

function problemsOf(surveyed: Survey, reported: InstanceFault | undefined): Problem[] {
  const fallen = nothingRunning(surveyed);
  const standing = surveyed.reporting.filter((instance) => !isWhollyDown(instance));
  return [
    ...wholeInstanceProblems(surveyed, reported),
    ...(fallen ? [fallen] : []),
    ...processProblems(fallen ? withReporting(surveyed, standing) : surveyed),
    ...serviceProblems(surveyed),
    ...ignoredProblems(surveyed),
  ];
}

/** The sort is stable: shared problems stay before single ones, and those in the order of their names. */
function worstFirst(a: Problem, b: Problem): number {
  const bySeverity = compareSeverity(a.finding, b.finding);
  return bySeverity || Number(a.headline === undefined) - Number(b.headline === undefined);
}
