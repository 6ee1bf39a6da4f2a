import type { Diagnosis } from '../../kit.ts';
import { hostKeyFindings } from '../../shared/host-survey.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { instancesOf } from './archive-params.ts';
import type { Facts } from './facts.ts';
import { shadowTablesOf } from './levels.ts';
import type { ArchiveOffer } from './problem.ts';
import { jobProblem } from './job-problem.ts';
import { recordCharts } from './samples.ts';
import { shadowProblem } from './shadow.ts';
import { softDeletedProblem, uncountedProblem } from './soft-deleted.ts';
import { verdictOf } from './verdict.ts';

/** Judges by instances: their other rows are archived with them, and most of these aren't marked as deleted. */
export function diagnose(facts: Facts, _args: unknown, now: Date): Diagnosis<ArchiveOffer> {
  const { cells, rejectedKeys } = facts;
  const live = cells.flatMap(
    (cell) => softDeletedProblem(cell, facts, now) ?? uncountedProblem(cell, facts) ?? [],
  );
  const job = live.length === 0 ? jobProblem(facts) : undefined;
  const isJobOpen = live.length === 0 && !job;
  const findings = [
    ...live,
    ...(job ? [job] : []),
    ...cells.flatMap((cell) => shadowProblem(cell, facts, isJobOpen) ?? []),
  ];
  return {
    examined: cells.filter(({ counts, tables }) => counts ?? tables).length,
    verdict: verdictOf(cells, job !== undefined),
    findings: [...findings, ...hostKeyFindings(rejectedKeys)].toSorted(
      (a, b) => compareSeverity(a, b) || (b.level?.value ?? 0) - (a.level?.value ?? 0),
    ),
    measures: cells.flatMap(({ name, counts }) =>
      counts ? [{ label: instancesOf(name), value: counts.softDeleted, unit: 'soft-deleted' }] : [],
    ),
    charts: recordCharts(facts, now),
  };
}

/** How an earlier finding was resolved, if the facts show it. */
export function resolved(
  { cells }: Facts,
  { reason, target }: { readonly reason: string; readonly target: string },
): string | undefined {
  if (reason === 'soft-deleted-instances') {
    const { counts } = cells.find(({ name }) => instancesOf(name) === target) ?? {};
    return counts && `now ${counts.softDeleted.toLocaleString('en-US')} soft-deleted instances`;
  }
  const cell = reason === 'large-shadow-tables' && cells.find(({ name }) => `${name}.shadow_*` === target);
  const shadow = cell ? shadowTablesOf(cell) : undefined;
  return shadow && `now about ${shadow.instances.toLocaleString('en-US')} archived instances, by an estimate`;
}
