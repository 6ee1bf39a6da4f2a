import { type Evidence, type ports, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { about, amount } from './amounts.ts';
import { archivableOf, rowsOf, wouldClear } from './archivable.ts';
import { jobInWords, lastJob } from './archive-job.ts';
import { instancesOf } from './archive-params.ts';
import type { CellFacts, Facts } from './facts.ts';
import { isCell0, severityOf, shadowTablesOf, uncountedRows } from './levels.ts';
import type { RecordFinding } from './problem.ts';
import { growthOf } from './samples.ts';
import { slowRequestEvidence } from './slow-requests.ts';

/** Too many soft-deleted instances in a cell, by exact counts. */
export function softDeletedProblem(cell: CellFacts, facts: Facts, now: Date): RecordFinding | undefined {
  const { counts, name } = cell;
  const severity = counts && severityOf(counts);
  if (!severity) return undefined;
  const { archiving, logs, earlier } = facts;
  const { by } = archiving;
  const archivable = archivableOf(counts, archiving.beforeMs, now);
  const canArchive = archivable.most > 0;
  const rows = rowsOf(counts, cell, archivable);
  const job = lastJob(logs?.archiveJob);
  return {
    reason: 'soft-deleted-instances',
    severity,
    target: instancesOf(name),
    summary: `${instancesOf(name)} has ${amount(counts.softDeleted)} soft-deleted instances and ${amount(counts.live)} live ones${isCell0(cell) ? ', which all failed to be scheduled' : ''}. ${canArchive ? `After a dump, archive what was deleted before ${archiving.before}` : `None was deleted more than ${archiving.keepDays} days ago: archive with a later date, after a dump`}`,
    evidence: [
      ...slowRequestEvidence(logs?.slowRequests),
      ...(job ? [field('Archive job', jobInWords(job))] : []),
      field('Deleted', ageInWords(counts)),
      field('Would remain', remainderInWords(counts, facts, now)),
      ...optionalField('Growth', growthOf(cell, earlier, now)),
      ...archivedBefore(cell),
      ...metadataEvidence(cell, counts),
      ...optionalField('Archive', archiving.notOffered && `not offered: ${archiving.notOffered}`),
      ...archiveSteps(facts),
    ],
    level: { value: counts.softDeleted, unit: 'soft-deleted instances' },
    ...(by &&
      canArchive && {
        offers: [
          {
            remediation: 'archive-deleted-rows',
            params: {
              source: by.source,
              host: by.host,
              database: cell.source,
              cell: cell.cell,
              before: archiving.before,
              beforeMs: archiving.beforeMs,
              batchRows: by.batchRows,
              softDeleted: counts.softDeleted,
              ...(rows !== undefined && { rows }),
            },
          },
        ],
      }),
  };
}

/** The instances couldn't be counted in time, and the estimate is high. */
export function uncountedProblem(cell: CellFacts, facts: Facts): RecordFinding | undefined {
  const rows = uncountedRows(cell);
  if (rows === undefined) return undefined;
  const job = lastJob(facts.logs?.archiveJob);
  return {
    reason: 'soft-deleted-instances',
    severity: 'warning',
    target: instancesOf(cell.name),
    summary: `${instancesOf(cell.name)} has ${about(rows)} rows by an estimate, which may be wrong by ten times. How many are soft-deleted couldn't be counted. Count them on a replica, without a time limit`,
    evidence: [
      ...slowRequestEvidence(facts.logs?.slowRequests),
      ...(job ? [field('Archive job', jobInWords(job))] : []),
      ...archivedBefore(cell),
      field('Count', `SELECT SUM(deleted<>0), SUM(deleted=0) FROM ${cell.cell}.instances`),
    ],
  };
}

function ageInWords({ olderThanYear, oldestDeletedAt, softDeleted }: ports.InstanceCounts): string {
  const year =
    olderThanYear === softDeleted
      ? 'all more than a year ago'
      : `${olderThanYear === 0 ? 'none' : amount(olderThanYear)} more than a year ago`;
  return oldestDeletedAt ? `${year}, the first ${wording.utcTime(oldestDeletedAt)}` : year;
}

/** By estimates of shadow tables: they may also have been purged. */
function archivedBefore(cell: CellFacts): readonly Evidence[] {
  const shadow = shadowTablesOf(cell);
  if (!shadow || shadow.rows > 0) return [];
  return [field('Archived so far', 'never, as far as the shadow tables show: they are empty')];
}

/** Rows of deleted instances are mostly not marked themselves, and look like those of live ones. */
function metadataEvidence(
  { metadata, tables = [] }: CellFacts,
  counts: ports.InstanceCounts,
): readonly Evidence[] {
  const estimate = tables.find(({ table }) => table === 'instance_system_metadata')?.rows;
  const unmarked = "archiving removes them with their instances, whether or not they're marked";
  if (metadata) {
    const share = counts.softDeleted / Math.max(1, counts.softDeleted + counts.live);
    return [
      field(
        'Metadata',
        `instance_system_metadata has ${amount(metadata.rows)} rows. Only ${amount(metadata.markedDeleted)} are marked as deleted, but about ${wording.percent(share)} belong to deleted instances, if all have as many; ${unmarked}`,
      ),
    ];
  }
  if (estimate === undefined) return [];
  return [
    field('Metadata', `instance_system_metadata has ${about(estimate)} rows by an estimate; ${unmarked}`),
  ];
}

/** What is kept must not be promised away. */
function remainderInWords(counts: ports.InstanceCounts, { archiving }: Facts, now: Date): string {
  const archivable = archivableOf(counts, archiving.beforeMs, now);
  const kept = [counts.softDeleted - archivable.most, counts.softDeleted - archivable.least] as const;
  const [least, most] = kept;
  const since = `soft-deleted instances that were deleted since ${archiving.before}`;
  if (archivable.most === 0) return `all ${amount(counts.softDeleted)} ${since}`;
  const left =
    least === most
      ? amount(most)
      : least === 0
        ? `up to ${amount(most)}`
        : `${amount(least)} to ${amount(most)}`;
  const effect = {
    yes: '',
    maybe: '. That may still be too many, and then this finding stays',
    no: '. That is still too many: this finding stays',
  }[wouldClear(counts, archivable)];
  return `${left} ${since}${effect}`;
}

function archiveSteps({ archiving }: Facts): readonly Evidence[] {
  return steps([
    'Dump all databases of Nova, the API database too: archiving deletes request specs and instance mappings there',
    `As user nova on a controller, off-peak: \`nova-manage db archive_deleted_rows --before ${archiving.before} --max_rows 1000 --until-complete --all-cells --sleep 1\`. Exit code 1 means that rows were archived`,
    'Run it every night, so that it stays small',
  ]);
}
