import { wording } from '../../kit.ts';
import { about, amount, gibibytes } from './amounts.ts';
import type { CellFacts } from './facts.ts';
import { isLargeShadow, severityOf, shadowTablesOf, uncountedRows } from './levels.ts';

/** Begins with the worst of the cells. */
export function verdictOf(cells: readonly CellFacts[], isJobFailing: boolean): string {
  const most = cells
    .filter(({ counts }) => counts && severityOf(counts))
    .toSorted((a, b) => (b.counts?.softDeleted ?? 0) - (a.counts?.softDeleted ?? 0));
  const [worst] = most;
  if (worst?.counts) {
    const { softDeleted, live } = worst.counts;
    const others = most.slice(1).map(({ name, counts }) => `${amount(counts?.softDeleted ?? 0)} in ${name}`);
    const more = others.length === 0 ? '' : `, and ${wording.list(others)}`;
    return `${amount(softDeleted)} of ${amount(softDeleted + live)} instances in ${worst.name} are soft-deleted${more}`;
  }
  const uncounted = cells.filter((cell) => uncountedRows(cell) !== undefined);
  if (uncounted.length > 0)
    return `${wording.list(uncounted.map(({ name }) => name))} may have too many soft-deleted instances: an estimate counts ${about(Math.max(...uncounted.map((cell) => uncountedRows(cell) ?? 0)))} rows`;
  if (isJobFailing) return 'The job that archives deleted records fails';
  const shadow = cells.flatMap((cell) => {
    const tables = shadowTablesOf(cell);
    return tables && isLargeShadow(tables) ? [{ cell, tables }] : [];
  });
  const [largest] = shadow.toSorted((a, b) => b.tables.bytes - a.tables.bytes);
  const areAllCounted = cells.every(({ counts }) => counts);
  if (largest)
    return `Archived records in ${largest.cell.name} use ${gibibytes(largest.tables.bytes)} (an estimate)${areAllCounted ? '; the live tables have few soft-deleted instances' : ''}`;
  const counted = cells.flatMap(({ name, counts }) => (counts ? [{ name, ...counts }] : []));
  if (counted.length === 0) return 'No instances could be counted';
  const parts = counted.map(({ name, softDeleted }) => `${amount(softDeleted)} in ${name}`);
  return `Few soft-deleted instances: ${wording.list(parts)}`;
}
