import { defineRemediation, SourceError } from '../../kit.ts';
import { about, amount } from './amounts.ts';
import { archiveParams, instancesOf } from './archive-params.ts';
import { whyBusy } from './load-limit.ts';
import { impactOf, MAX_BATCHES, readForPlan } from './plan-archive.ts';

const IRREVERSIBLE = [
  'Archived instances leave the API: no list with `deleted=true` or `changes-since` has them any more.',
  'Their request specs and instance mappings are deleted from the API database. Only the dump has these.',
];
const AFTERWARDS = [
  'The other rows are kept in the shadow tables, which cost disk space until they are purged.',
];

/** Archives soft-deleted rows in batches, each with one call of `nova-manage db archive_deleted_rows`. */
export const archiveDeletedRows = defineRemediation({
  about: 'Archives rows of instances that were deleted long ago, in batches, with nova-manage',
  title: ({ before }) => `Archive rows deleted before ${before}`,
  risk: 'destructive',
  allow: 'archive',
  uses: ['hosts'],
  reads: ['databases'],
  params: archiveParams,
  plan: async (context, asked) => {
    const facts = await readForPlan(context, asked);
    const { host, before, batchRows } = asked;
    const { rules, counts, cells } = facts;
    return {
      lines: [
        `On ${host}, run \`nova-manage db archive_deleted_rows --before ${before} --max_rows ${batchRows} --all-cells\` until nothing is left, at most ${MAX_BATCHES} times`,
      ],
      targets: cells.map(instancesOf),
      precondition: { oldest: counts.oldestDeletedAt?.toISOString() ?? 'unknown' },
      impact: impactOf(facts, asked),
      irreversible: IRREVERSIBLE,
      safety: [
        `A dump in ${rules.dumpFolder} is at most ${rules.maxDumpAgeHours} hours old`,
        `Rows that were deleted less than ${rules.keepDays} days ago are kept`,
        `Starts no batch while the load of ${host} is above ${rules.maxLoadPerCpu} per CPU, or the database is busy`,
      ],
      afterwards: AFTERWARDS,
      details: { maxLoadPerCpu: rules.maxLoadPerCpu },
    };
  },
  apply: async (context, asked, plan) => {
    const { write, applyContext, recordStep } = context;
    const { source, host, before, batchRows: maxRows, rows: all = 0 } = asked;
    const maxLoadPerCpu = Number(plan.details?.['maxLoadPerCpu']);
    let done = 0;
    for (let batch = 1; batch <= MAX_BATCHES; batch += 1) {
      applyContext.signal.throwIfAborted();
      const busy = await whyBusy(context, asked, maxLoadPerCpu);
      if (busy !== undefined && batch === 1)
        throw new SourceError(source, 'refused', `nothing was archived: ${busy}`);
      if (busy !== undefined) {
        await recordStep(`stopped after ${amount(done)} rows: ${busy}`);
        return;
      }
      const { rows, isDone } = await write.hosts(source).archiveRows({ host, before, maxRows }, applyContext);
      done += rows;
      if (rows > 0) await recordStep(`batch ${batch}: ${amount(rows)} rows (${soFar(done, all)})`);
      if (isDone || rows === 0) return;
    }
  },
  pausable: true,
  settlesWithinSeconds: 120,
  reduces: ({ cell, softDeleted }) => ({ label: instancesOf(cell), below: softDeleted }),
});

/** `12,000 of about 38,000`; without the total once it has turned out to be too low. */
function soFar(done: number, all: number): string {
  return done <= all ? `${amount(done)} of ${about(all)}` : `${amount(done)} so far`;
}
