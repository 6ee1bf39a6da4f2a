import { type Evidence, type ports, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';
import type { EarlierSample } from './samples.ts';

const HOUR_MS = 3_600_000;

/** Fewer sizes, or a shorter time, show no trend. */
const MIN_SIZES = 4;
const MIN_SPAN_MS = HOUR_MS;
/** Each third of the time must have grown by at least half of the average rate, and at most by twice as much. */
const STEADY = { least: 0.5, most: 2 };
/** How far ahead is looked, and how many times as far as was looked back. */
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
}

/** A guess: it assumes that the growth continues. */
export interface Forecast extends Growth {
  readonly fullInMs: number;
  readonly quotaBytes: number;
}

/** When the first member reaches its quota; undefined unless its database grew steadily and gets there within days. */
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
    return fullInMs <= Math.min(MAX_AHEAD_MS, MAX_AHEAD * growth.spanMs)
      ? [{ ...growth, fullInMs, quotaBytes }]
      : [];
  });
  return forecasts.toSorted((a, b) => a.fullInMs - b.fullInMs)[0];
}

/** Since the database was last smaller than before, which defragmenting makes it; undefined unless it grew all the time, and evenly. */
export function steadyGrowth(all: readonly Size[]): Growth | undefined {
  const ordered = all.toSorted((a, b) => b.ageMs - a.ageMs);
  const shrunkAt = ordered.findLastIndex(({ bytes }, at) => bytes < (ordered[at - 1]?.bytes ?? 0));
  const sizes = ordered.slice(Math.max(0, shrunkAt));
  const [first] = sizes;
  const last = sizes.at(-1);
  if (!first || !last || sizes.length < MIN_SIZES) return undefined;
  const spanMs = first.ageMs - last.ageMs;
  const gaps = sizes.slice(1).map(({ ageMs }, at) => (sizes[at]?.ageMs ?? 0) - ageMs);
  // What happened in a long gap is not known.
  if (spanMs < MIN_SPAN_MS || Math.max(...gaps) > spanMs / 2) return undefined;
  const third = (last.bytes - first.bytes) / 3;
  const bounds = [3, 2, 1, 0].map((at) => sizeAt(sizes, last.ageMs + (spanMs * at) / 3));
  const grew = bounds.slice(1).map((bytes, at) => bytes - (bounds[at] ?? 0));
  if (third <= 0 || grew.some((by) => by < STEADY.least * third || by > STEADY.most * third))
    return undefined;
  return { bytesPerHour: (3 * third * HOUR_MS) / spanMs, spanMs, sizes: sizes.length };
}

/** On a line between the sizes before and after. */
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
