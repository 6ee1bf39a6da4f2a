import { type Evidence, type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import type { EarlierSample } from './samples.ts';

const HOUR_MS = 3_600_000;

/** Fewer samples, or a shorter time, show no trend. */
const MIN_SIZES = 4;
const MIN_SPAN_MS = HOUR_MS;
/** In each third of the time, the growth must be between half and twice the average rate. */
const STEADY = { least: 0.5, most: 2 };
/** After this many times its usual interval, a regular defragmentation is no longer expected. */
const OVERDUE = 1.5;
/** The shortest time that shows whether it still grows, if the file grew by several steps in that time (`AllocSize` of bbolt). */
const RECENT_MS = HOUR_MS;
const RECENT_BYTES = 3 * 16 * 1_024 ** 2;
/** How far a forecast may reach: at most this long, and at most this many times the measured period. */
const MAX_AHEAD_MS = 7 * 24 * HOUR_MS;
const MAX_AHEAD = 24;

interface Size {
  readonly ageMs: number;
  readonly bytes: number;
}

export interface Growth {
  readonly bytesPerHour: number;
  readonly spanMs: number;
  readonly sizes: number;
  /** How long it grew before it last shrank, if it shrank before. */
  readonly shrankAfterMs?: number;
}

/** An estimate that assumes that the growth continues. */
export interface Forecast extends Growth {
  readonly fullInMs: number;
  readonly quotaBytes: number;
}

/** When the first member reaches its quota. undefined unless its database grew steadily and will be full within days. */
export function forecastOf({
  members,
  quotaBytes: least,
  earlier = [],
}: ports.StoreMembers & { readonly earlier?: readonly EarlierSample[] }): Forecast | undefined {
  const forecasts = members.flatMap(({ id, dbSizeBytes, quotaBytes = least }): Forecast[] => {
    if (dbSizeBytes === undefined || quotaBytes === undefined || dbSizeBytes >= quotaBytes) return [];
    const before = earlier.flatMap(({ memberId, ageMs, dbSizeBytes: bytes }) =>
      memberId === id && bytes !== undefined ? [{ ageMs, bytes }] : [],
    );
    const growth = steadyGrowth([...before, { ageMs: 0, bytes: dbSizeBytes }]);
    if (!growth) return [];
    const fullInMs = ((quotaBytes - dbSizeBytes) / growth.bytesPerHour) * HOUR_MS;
    return fullInMs <= Math.min(MAX_AHEAD_MS, MAX_AHEAD * growth.spanMs) && !shrinksBefore(growth, fullInMs)
      ? [{ ...growth, fullInMs, quotaBytes }]
      : [];
  });
  return forecasts.toSorted((a, b) => a.fullInMs - b.fullInMs)[0];
}

/** Whether it is defragmented regularly, and will be again before it is full. */
function shrinksBefore({ spanMs, shrankAfterMs }: Growth, fullInMs: number): boolean {
  return (
    shrankAfterMs !== undefined && spanMs <= OVERDUE * shrankAfterMs && spanMs + fullInMs > shrankAfterMs
  );
}

/** The growth since the last defragmentation. undefined unless it was steady and continues. */
export function steadyGrowth(all: readonly Size[]): Growth | undefined {
  const ordered = all.toSorted((a, b) => b.ageMs - a.ageMs);
  const shrunk = ordered.filter(({ bytes }, at) => bytes < (ordered[at - 1]?.bytes ?? 0));
  const [before, latest] = shrunk.length > 1 ? shrunk.slice(-2) : [undefined, shrunk[0]];
  const sizes = latest ? ordered.slice(ordered.indexOf(latest)) : ordered;
  const [first] = sizes;
  const last = sizes.at(-1);
  if (!first || !last || sizes.length < MIN_SIZES) return undefined;
  const spanMs = first.ageMs - last.ageMs;
  const gaps = sizes.slice(1).map(({ ageMs }, at) => (sizes[at]?.ageMs ?? 0) - ageMs);
  // What happened in a long gap is unknown.
  if (spanMs < MIN_SPAN_MS || Math.max(...gaps) > spanMs / 2) return undefined;
  const third = (last.bytes - first.bytes) / 3;
  const bounds = [3, 2, 1, 0].map((at) => sizeAt(sizes, last.ageMs + (spanMs * at) / 3));
  const grew = bounds.slice(1).map((bytes, at) => bytes - (bounds[at] ?? 0));
  if (third <= 0 || grew.some((by) => by < STEADY.least * third || by > STEADY.most * third))
    return undefined;
  const bytesPerMs = (3 * third) / spanMs;
  const recentMs = Math.min(spanMs / 3, Math.max(RECENT_MS, RECENT_BYTES / bytesPerMs));
  const grewRecently = last.bytes - sizeAt(sizes, last.ageMs + recentMs);
  if (grewRecently < STEADY.least * bytesPerMs * recentMs) return undefined;
  const shrankAfterMs = before && latest && before.ageMs - latest.ageMs;
  return {
    bytesPerHour: bytesPerMs * HOUR_MS,
    spanMs,
    sizes: sizes.length,
    ...(shrankAfterMs !== undefined && { shrankAfterMs }),
  };
}

/** The size, interpolated between the samples before and after. */
function sizeAt(sizes: readonly Size[], ageMs: number): number {
  const after = sizes.find((one) => one.ageMs <= ageMs) ?? sizes.at(-1);
  const before = sizes.findLast((one) => one.ageMs >= ageMs) ?? sizes[0];
  if (!before || !after || before.ageMs === after.ageMs) return before?.bytes ?? 0;
  const share = (before.ageMs - ageMs) / (before.ageMs - after.ageMs);
  return before.bytes + share * (after.bytes - before.bytes);
}

/** `in about 9 hours` */
export function describeWhen({ fullInMs }: Forecast): string {
  return `in about ${wording.span(fullInMs)}`;
}

/** `40 MB an hour` */
export function describeRate({ bytesPerHour }: Forecast): string {
  return `${wording.bytes(bytesPerHour)} an hour`;
}

export function growthEvidence(forecast: Forecast | undefined): readonly Evidence[] {
  if (!forecast) return [];
  const { spanMs, sizes } = forecast;
  return [
    field('Growth', `${describeRate(forecast)} over the last ${wording.span(spanMs)}, by ${sizes} samples`),
  ];
}
