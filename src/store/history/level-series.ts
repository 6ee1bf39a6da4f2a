import { z } from 'zod';
import type { Level } from '../../check/finding.ts';

const HOUR_MS = 3_600_000;
/** The maximum number of levels of a finding. */
const MAX_POINTS = 24;
/** The minimum time between two levels of a finding. */
const POINT_EVERY_MS = 5 * 60_000;

export const levelSeriesSchema = z.object({
  unit: z.string().min(1),
  /** Milliseconds since the epoch and the level, oldest first. */
  points: z.array(z.tuple([z.number(), z.number()])),
});

/** The levels of one finding over time. */
export type LevelSeries = z.infer<typeof levelSeriesSchema>;

/**
 * Adds a level. A full series drops the level that is closest to its neighbours for its age, so that it becomes sparser with age and keeps its oldest
 * level.
 */
export function addLevel(series: LevelSeries | undefined, { value, unit }: Level, atMs: number): LevelSeries {
  const points = series?.unit === unit ? series.points.filter(([ms]) => ms < atMs) : [];
  const last = points.at(-1)?.[0] ?? -Infinity;
  if (atMs - last >= POINT_EVERY_MS) points.push([atMs, value]);
  while (points.length > MAX_POINTS) points.splice(leastTelling(points), 1);
  return { unit, points };
}

function leastTelling(points: readonly (readonly [number, number])[]): number {
  const newest = points.at(-1)?.[0] ?? 0;
  let least = { at: 1, sparseness: Infinity };
  for (let at = 1; at < points.length - 1; at++) {
    const [before = 0, own = 0, after = 0] = [points[at - 1]?.[0], points[at]?.[0], points[at + 1]?.[0]];
    const sparseness = (after - before) / (newest - own);
    if (sparseness < least.sparseness) least = { at, sparseness };
  }
  return least.at;
}

/** The level nearest to a day before this time, from 12 to 36 hours before. */
export function levelADayBefore(
  { unit, points }: LevelSeries,
  ms: number,
): { readonly at: string; readonly value: number; readonly unit: string } | undefined {
  const distance = (pointMs: number) => Math.abs(ms - 24 * HOUR_MS - pointMs);
  const [nearest] = points
    .filter(([pointMs]) => distance(pointMs) <= 12 * HOUR_MS)
    .toSorted(([a], [b]) => distance(a) - distance(b));
  return nearest && { at: new Date(nearest[0]).toISOString(), value: nearest[1], unit };
}
