import { type Evidence, wording } from '../../kit.ts';
import { field, steps } from '../../shared/evidence.ts';
import { about, gibibytes } from './amounts.ts';
import { jobInWords, lastJob } from './archive-job.ts';
import type { CellFacts, Facts } from './facts.ts';
import { isLargeShadow, shadowTablesOf } from './levels.ts';
import type { RecordFinding } from './problem.ts';

const MAX_TABLES = 5;

/** Archived rows that were never purged. They cost disk space, but no request reads them. `isJobOpen`: no other finding says how archiving works. */
export function shadowProblem(
  cell: CellFacts,
  { logs, archiving }: Facts,
  isJobOpen: boolean,
): RecordFinding | undefined {
  const shadow = shadowTablesOf(cell);
  if (!shadow || !isLargeShadow(shadow)) return undefined;
  const job = lastJob(logs?.archiveJob);
  return {
    reason: 'large-shadow-tables',
    severity: 'info',
    target: `${cell.name}.shadow_*`,
    summary: `${cell.name}.shadow_* keep ${about(shadow.instances)} archived instances in ${gibibytes(shadow.bytes)} (estimates). They cost disk space and dump time; the API never reads them. Purge old ones after a dump`,
    evidence: [
      ...(job && isJobOpen ? [field('Archive job', jobInWords(job))] : []),
      largest(cell),
      ...steps([
        'Dump the database',
        `As user nova on a controller: \`nova-manage db purge --before ${archiving.before} --all-cells --verbose\`, with the date that your retention rules require`,
      ]),
    ],
    level: { value: Math.round(shadow.bytes / 1_000_000_000), unit: 'GB' },
  };
}

function largest({ tables = [] }: CellFacts): Evidence {
  const shadow = tables
    .filter(({ table }) => table.startsWith('shadow_'))
    .toSorted((a, b) => b.bytes - a.bytes || (a.table < b.table ? -1 : 1))
    .slice(0, MAX_TABLES);
  return {
    kind: 'table',
    columns: ['Largest tables', 'Rows', 'Size'],
    rows: shadow.map(({ table, rows, bytes }) => [table, wording.capitalize(about(rows)), gibibytes(bytes)]),
  };
}
