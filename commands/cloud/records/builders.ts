import type { ports } from '../../kit.ts';
import type { ArchivingFacts, CellFacts, Facts } from './facts.ts';

/** Facts of databases, for stories and tests. */

export function cellFacts(cell: string, known: Partial<CellFacts> = {}): CellFacts {
  return { source: 'nova-db', cell, name: cell, tables: [], ...known };
}

export function instances(
  softDeleted: number,
  live: number,
  known: Partial<ports.InstanceCounts> = {},
): ports.InstanceCounts {
  return { softDeleted, live, olderThanYear: 0, ...known };
}

export function table(name: string, rows: number, bytes = rows * 1_000): ports.TableEstimate {
  return { table: name, rows, bytes };
}

/** Rows are kept for 90 days; Wrench may not archive them. */
export function archivingFacts(now: Date, known: Partial<ArchivingFacts> = {}): ArchivingFacts {
  const day = Math.floor(now.getTime() / 86_400_000) - 90;
  const beforeMs = day * 86_400_000;
  return { before: new Date(beforeMs).toISOString().slice(0, 10), beforeMs, keepDays: 90, ...known };
}

export const RULES: ports.ArchivingRules = {
  host: 'ctl-1',
  batchRows: 1_000,
  keepDays: 90,
  dumpFolder: '/srv/dumps',
  maxDumpAgeHours: 24,
  maxLoadPerCpu: 1,
};

export function recordFacts(now: Date, cells: readonly CellFacts[], known: Partial<Facts> = {}): Facts {
  return { cells, archiving: archivingFacts(now), rejectedKeys: [], earlier: [], ...known };
}
