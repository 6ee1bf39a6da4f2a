import { type Chart, wording } from '../kit.ts';

/** The limits of a chart in Slack. */
const MAX_LINES = 6;
const MAX_TIMES = 20;
/** Fewer measurements, or a shorter time, show no trend. */
const MIN_TIMES = 3;
const MIN_SPAN_MS = 3_600_000;

interface TrendPoint {
  readonly ms: number;
  readonly value: number;
}

interface TrendLine {
  readonly name: string;
  /** The value now. */
  readonly value: number;
  /** Values of earlier runs, in any order. `ms` is in milliseconds since the epoch. */
  readonly earlier: readonly TrendPoint[];
}

/**
 * A chart of values since their oldest sample, for the lines that are highest now. Each point is the highest value since the previous
 * point; the last is the current value. Times without measurements are left out. Empty if there are too few samples.
 */
export function trendCharts(
  about: Pick<Chart, 'title' | 'unit'>,
  all: readonly TrendLine[],
  now: Date,
): readonly Chart[] {
  const nowMs = now.getTime();
  const lines = all.toSorted((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1)).slice(0, MAX_LINES);
  const times = new Set([...lines.flatMap(({ earlier }) => earlier.map(({ ms }) => ms)), nowMs]);
  const firstMs = times.values().reduce((first, ms) => Math.min(first, ms), nowMs);
  const spanMs = nowMs - firstMs;
  if (times.size < MIN_TIMES || spanMs < MIN_SPAN_MS) return [];
  const count = Math.min(MAX_TIMES, times.size);
  const shares = Array.from({ length: count }, (_, at) => {
    const untilMs = Math.round(firstMs + (spanMs * at) / (count - 1));
    const afterMs = at === 0 ? -Infinity : Math.round(firstMs + (spanMs * (at - 1)) / (count - 1));
    const isNow = at === count - 1;
    return {
      label: wording.isoTimestamp(untilMs),
      values: lines.map(({ earlier, value }) => (isNow ? value : highest(earlier, afterMs, untilMs))),
    };
  }).filter(({ values }) => values.some((value) => value !== null));
  return [
    {
      kind: 'lines',
      ...about,
      labels: shares.map(({ label }) => label),
      series: lines.map(({ name }, at) => ({ name, values: shares.map(({ values }) => values[at] ?? null) })),
    },
  ];
}

function highest(points: readonly TrendPoint[], afterMs: number, untilMs: number): number | null {
  return points.reduce<number | null>(
    (most, { ms, value }) =>
      ms > afterMs && ms <= untilMs && (most === null || value > most) ? value : most,
    null,
  );
}
