import type { Finding, ports } from '../../kit.ts';
import type { CellFacts } from './facts.ts';

/** Above this, lists that read deleted instances, dumps and schema upgrades take minutes. */
const WARNING_INSTANCES = 50_000;
/** What made requests take over two minutes in "Havana Haunted by the Dead". */
const CRITICAL_INSTANCES = 300_000;
const TIMES_LIVE = 5;
/** Fewer don't matter, however many more they are than the live ones. */
const LEAST_INSTANCES = 5_000;

/** undefined if there are few. Levels of exact counts only. */
export function severityOf({
  softDeleted,
  live,
}: Pick<ports.InstanceCounts, 'softDeleted' | 'live'>): Finding['severity'] | undefined {
  if (softDeleted > CRITICAL_INSTANCES) return 'critical';
  if (softDeleted > WARNING_INSTANCES) return 'warning';
  return softDeleted > LEAST_INSTANCES && softDeleted > TIMES_LIVE * live ? 'warning' : undefined;
}

/** The estimated rows of `instances`, if they couldn't be counted and may be too many. An estimate may be wrong by ten times. */
export function uncountedRows({ counts, tables = [] }: CellFacts): number | undefined {
  if (counts) return undefined;
  const rows = tables.find(({ table }) => table === 'instances')?.rows ?? 0;
  return rows > WARNING_INSTANCES ? rows : undefined;
}

export interface ShadowTables {
  /** Estimates. */
  readonly instances: number;
  readonly rows: number;
  readonly bytes: number;
}

const PREFIX = 'shadow_';

/** undefined if the tables couldn't be read. */
export function shadowTablesOf({ tables }: CellFacts): ShadowTables | undefined {
  if (!tables) return undefined;
  const shadow = tables.filter(({ table }) => table.startsWith(PREFIX));
  const sum = (of: 'rows' | 'bytes') => shadow.reduce((total, one) => total + one[of], 0);
  const instances = shadow.find(({ table }) => table === `${PREFIX}instances`)?.rows ?? 0;
  return { instances, rows: sum('rows'), bytes: sum('bytes') };
}

const LARGE_SHADOW_INSTANCES = 500_000;
const LARGE_SHADOW_BYTES = 5 * 1_024 ** 3;

/** Large enough to cost disk space and time of dumps. */
export function isLargeShadow({ instances, bytes }: ShadowTables): boolean {
  return instances > LARGE_SHADOW_INSTANCES || bytes > LARGE_SHADOW_BYTES;
}

/** Whether the cell has a finding, so that more is worth reading. */
export function isNotable(cell: CellFacts): boolean {
  const shadow = shadowTablesOf(cell);
  return (
    (cell.counts !== undefined && severityOf(cell.counts) !== undefined) ||
    uncountedRows(cell) !== undefined ||
    (shadow !== undefined && isLargeShadow(shadow))
  );
}

/** The database of instances that failed to be scheduled: https://docs.openstack.org/nova/latest/admin/cells.html */
export function isCell0({ cell }: Pick<CellFacts, 'cell'>): boolean {
  return cell.endsWith('cell0');
}
