import { type Chart, type Remembered, wording } from '../../kit.ts';
import { trendCharts } from '../../shared/trend-chart.ts';
import type { CellFacts, Facts } from './facts.ts';
import type { RecordSample } from './record-sample.ts';
import { amount } from './amounts.ts';

const DAY_MS = 86_400_000;

export function recordSamples({ cells }: Facts): readonly RecordSample[] {
  return cells.flatMap(({ name, counts }) =>
    counts ? [{ cell: name, softDeleted: counts.softDeleted, live: counts.live }] : [],
  );
}

/** How much it grew since the oldest sample: `about 1,240 a day over the last 5 days`. undefined if there is none that is a day old. */
export function growthOf(
  { name, counts }: CellFacts,
  earlier: readonly Remembered<RecordSample>[],
  now: Date,
): string | undefined {
  const first = earlier.find(({ cell }) => cell === name);
  if (!first || !counts) return undefined;
  const spanMs = now.getTime() - first.at.getTime();
  if (spanMs < DAY_MS) return undefined;
  const perDay = Math.round(((counts.softDeleted - first.softDeleted) / spanMs) * DAY_MS);
  const since = `over the last ${wording.span(spanMs)}`;
  if (perDay === 0) return `none ${since}`;
  return `${amount(Math.abs(perDay))} ${perDay > 0 ? 'more' : 'fewer'} a day ${since}`;
}

export function recordCharts({ cells, earlier }: Facts, now: Date): readonly Chart[] {
  const lines = cells.flatMap(({ name, counts }) =>
    counts
      ? [
          {
            name,
            value: counts.softDeleted,
            earlier: earlier
              .filter(({ cell }) => cell === name)
              .map(({ at, softDeleted }) => ({ ms: at.getTime(), value: softDeleted })),
          },
        ]
      : [],
  );
  return trendCharts({ title: 'Soft-deleted instances', unit: 'instances' }, lines, now);
}
