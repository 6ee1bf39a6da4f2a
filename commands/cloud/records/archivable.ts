import type { ports } from '../../kit.ts';
import type { CellFacts } from './facts.ts';
import { severityOf } from './levels.ts';

/** How many instances would be archived. The same if they were counted; otherwise limits that follow from other counts. */
export interface Archivable {
  readonly least: number;
  readonly most: number;
}

const DAY_MS = 86_400_000;
const SHORTEST_YEAR_MS = 365 * DAY_MS;
const LONGEST_YEAR_MS = 366 * DAY_MS;

/** The instances that were deleted before a time. */
export function archivableOf(
  { softDeleted, olderThanYear, oldestDeletedAt, deletedBefore }: ports.InstanceCounts,
  beforeMs: number,
  now: Date,
): Archivable {
  if (deletedBefore !== undefined) return { least: deletedBefore, most: deletedBefore };
  if (oldestDeletedAt && oldestDeletedAt.getTime() >= beforeMs) return { least: 0, most: 0 };
  const agoMs = now.getTime() - beforeMs;
  return {
    least: agoMs <= SHORTEST_YEAR_MS ? olderThanYear : 0,
    most: agoMs >= LONGEST_YEAR_MS ? olderThanYear : softDeleted,
  };
}

/** Whether so few soft-deleted instances are left that there is no finding any more. */
export function wouldClear(counts: ports.InstanceCounts, archivable: Archivable): 'yes' | 'no' | 'maybe' {
  const isGone = (archived: number) =>
    severityOf({ softDeleted: counts.softDeleted - archived, live: counts.live }) === undefined;
  if (isGone(archivable.least)) return 'yes';
  return isGone(archivable.most) ? 'maybe' : 'no';
}

/** Tables whose rows are archived with the instance that they belong to. */
const OF_INSTANCES: ReadonlySet<string> = new Set([
  'block_device_mapping',
  'instance_actions',
  'instance_actions_events',
  'instance_extra',
  'instance_faults',
  'instance_group_member',
  'instance_id_mappings',
  'instance_info_caches',
  'instance_metadata',
  'instance_system_metadata',
  'migrations',
  'virtual_interfaces',
]);

/** How many rows archiving moves, by estimates: as many for each instance as all have on average. undefined without estimates. */
export function rowsOf(
  { softDeleted, live }: ports.InstanceCounts,
  { tables = [], metadata }: Pick<CellFacts, 'tables' | 'metadata'>,
  { most }: Archivable,
): number | undefined {
  const instances = softDeleted + live;
  const rows = tables.filter(({ table }) => OF_INSTANCES.has(table)).reduce((sum, one) => sum + one.rows, 0);
  const known = Math.max(rows, metadata?.rows ?? 0);
  return known === 0 || instances === 0 ? undefined : Math.round(most * (1 + known / instances));
}
