import type { Diagnosis } from '../../kit.ts';
import type { Ailment } from '../../shared/instances.ts';
import type { Facts } from './collect.ts';
import { ignoredTroubles } from './ignored.ts';
import { measuresOf } from './measures.ts';
import { processTroubles } from './processes.ts';
import { serviceTroubles } from './services.ts';
import { isWhollyDown, only, survey, type Survey } from './survey.ts';
import type { Restart, Trouble } from './problem.ts';
import { verdictOf } from './verdict.ts';
import { nothingRuns, silentEverywhere, wholeTroubles } from './whole-instances.ts';

/** Causes before symptoms: what is the same on most instances is one finding, named by what they share. */
export function diagnose({ deployments }: Facts): Diagnosis<Restart> {
  const surveys = deployments.map(survey);
  const troubles = [...Map.groupBy(surveys, ({ deployment }) => deployment.source).values()]
    .flatMap(troublesOfSource)
    .toSorted(worstFirst);
  return {
    examined: deployments.reduce((sum, { instances }) => sum + instances.length, 0),
    verdict: verdictOf(surveys, troubles),
    findings: troubles.map(({ finding }) => finding),
    measures: measuresOf(surveys),
  };
}

function troublesOfSource(surveys: readonly Survey[]): Trouble[] {
  const everywhere = silentEverywhere(surveys);
  const each = surveys.flatMap((one) => troublesOf(one, everywhere && 'silent'));
  return everywhere ? [everywhere, ...each] : each;
}

function troublesOf(surveyed: Survey, reported: Ailment | undefined): Trouble[] {
  const fallen = nothingRuns(surveyed);
  const rest = fallen
    ? only(
        surveyed,
        surveyed.telling.filter((instance) => !isWhollyDown(instance)),
      )
    : surveyed;
  return [
    ...wholeTroubles(surveyed, reported),
    ...(fallen ? [fallen] : []),
    ...processTroubles(rest),
    ...serviceTroubles(surveyed),
    ...ignoredTroubles(surveyed),
  ];
}

const RANK = { critical: 0, warning: 1, info: 2 } as const;

/** Stable: what is shared stays before what is single, and these in the order of their names. */
function worstFirst(a: Trouble, b: Trouble): number {
  const bySeverity = RANK[a.finding.severity] - RANK[b.finding.severity];
  return bySeverity || Number(a.headline === undefined) - Number(b.headline === undefined);
}
