import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Report } from '../../check/finding.ts';
import { gapIdentity } from '../../check/gap-places.ts';

export const foundScopeSchema = z.object({
  /** For each gap, by a hash of its name: how many places it stands for. */
  gaps: z.record(z.string(), z.number()),
  /** How much of each source was examined. */
  sources: z.record(z.string(), z.number()),
});

/** What a run could see. A finding that a later run doesn't find is gone only if that run could see as much. */
export type FoundScope = z.infer<typeof foundScopeSchema>;

/** Further gaps count as new. */
const MAX_GAPS = 1_000;

/** Whether a finding of a run with this scope may still be there, although this report doesn't have it. */
export function couldHide(
  { examined, gaps, coverage }: Report,
  { gaps: gapsThen, sources }: FoundScope,
): boolean {
  if (examined === 0) return true;
  const now = sumOf(coverage.map(({ source, examined: count }) => [source, count]));
  const isLess = (source: string) => (now[source] ?? 0) < (sources[source] ?? 0);
  if (Object.keys(sources).some((source) => (sources[source] ?? 0) > 0 && !now[source])) return true;
  const places = gapPlaces(gaps);
  return gaps.some((gap) => {
    const { what, kind, unrelated } = gap;
    if (unrelated) return false;
    const key = shortHash(gapIdentity(gap));
    // Of a source that was read partially, a smaller part may have been read now.
    return kind === 'unfinished' || (places[key] ?? 0) > (gapsThen[key] ?? 0) || isLess(what);
  });
}

/** What a run could see. A deadline never cuts off the same part twice. */
export function scopeOf({ gaps, coverage }: Report): FoundScope {
  const places = gapPlaces(gaps.filter(({ kind }) => kind !== 'unfinished'));
  return {
    gaps: Object.fromEntries(Object.entries(places).slice(0, MAX_GAPS)),
    sources: sumOf(coverage.map(({ source, examined }) => [source, examined])),
  };
}

function gapPlaces(gaps: Report['gaps']): Readonly<Record<string, number>> {
  const related = gaps.filter(({ unrelated }) => !unrelated);
  return sumOf(related.map((gap) => [shortHash(gapIdentity(gap)), gap.places ?? 1]));
}

function sumOf(counts: readonly (readonly [string, number])[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [name, amount] of counts) sums.set(name, (sums.get(name) ?? 0) + amount);
  return Object.fromEntries([...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function shortHash(text: string, digits = 12): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
