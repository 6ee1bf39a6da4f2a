import { z } from 'zod';
import type { Remembered } from '../../kit.ts';
import { imageBytesOn, type PodsUsage } from './consumers.ts';
import { type Disk, disksOf, type FileSystems } from './measurements.ts';

/** What is remembered of a disk between runs. */
export const sampleSchema = z.strictObject({
  /** The cluster; absent if there is only one. */
  source: z.string().exactOptional(),
  node: z.string(),
  /** The first of the file systems on the disk. */
  fs: z.enum(['nodeFs', 'imageFs', 'containerFs']),
  availableBytes: z.number(),
  capacityBytes: z.number(),
  /** What the images on it use, to separate them from the rest: garbage collection makes them grow and shrink. */
  imageBytes: z.number().exactOptional(),
});

export type DiskSample = z.output<typeof sampleSchema>;

interface SampledNode {
  readonly cluster: string;
  readonly name: string;
  readonly containerRuntime?: string;
  readonly fileSystems?: FileSystems;
  readonly usage?: PodsUsage;
}

/** How many targets are kept for a check. */
const MOST_TARGETS = 1_000;

/** `prod-eu:node-b nodeFs` */
export function sampleTarget({ source, node, fs }: DiskSample): string {
  return `${source === undefined ? '' : `${source}:`}${node} ${fs}`;
}

/** One per disk. If there are more than can be kept, those with the least free space relative to their size. */
export function samplesOf(nodes: readonly SampledNode[]): readonly DiskSample[] {
  const samples = nodes.flatMap((node) =>
    disksOf(node.fileSystems ?? {}).map((disk): DiskSample => {
      const imageBytes = imageBytesOn(disk, node);
      return {
        source: node.cluster,
        node: node.name,
        fs: disk.holds[0] ?? 'nodeFs',
        availableBytes: disk.availableBytes,
        capacityBytes: disk.capacityBytes,
        ...(imageBytes !== undefined && { imageBytes }),
      };
    }),
  );
  return samples
    .toSorted((a, b) => a.availableBytes / a.capacityBytes - b.availableBytes / b.capacityBytes)
    .slice(0, MOST_TARGETS);
}

/** The samples of one disk, oldest first. A disk of another size is another disk. */
export function samplesOfDisk(
  { cluster, name }: Pick<SampledNode, 'cluster' | 'name'>,
  disk: Disk,
  earlier: readonly Remembered<DiskSample>[],
): readonly Remembered<DiskSample>[] {
  return earlier.filter(
    ({ source = cluster, node, fs, capacityBytes }) =>
      source === cluster && node === name && disk.holds.includes(fs) && capacityBytes === disk.capacityBytes,
  );
}

const HOUR_MS = 3_600_000;

/** Fewer samples or a shorter time show no trend. To ignore earlier samples, more are needed. */
const MIN_SAMPLES = 3;
const MIN_LATEST_SAMPLES = 4;
const MIN_SPAN_MS = HOUR_MS;
/** The largest share of the time that may be without a sample. */
const MAX_GAP_SHARE = 0.7;
/** With at least this share of the used space, images alone may explain the growth. */
const MOSTLY_IMAGES = 0.5;
/** Less than this share of the disk is noise. */
const NOISE_SHARE = 0.01;
/** The growth in each third of the time must be between these multiples of the average. */
const STEADY = { least: 0.5, most: 2 };
/** How far a forecast may reach, in multiples of the measured time. */
const MAX_AHEAD = 4;

/** An estimate that assumes that the growth continues. */
export interface Growth {
  readonly bytesPerHour: number;
  readonly spanMs: number;
  readonly samples: number;
  /** Whether it excludes images. */
  readonly isWithoutImages: boolean;
}

interface Point {
  readonly ageMs: number;
  readonly bytes: number;
}

type Sample = Pick<DiskSample, 'availableBytes' | 'capacityBytes' | 'imageBytes'> & { readonly at: Date };

/**
 * How fast a disk fills; undefined unless it grew steadily until now, over the whole time or at least recently. Image garbage collection
 * makes the usage a sawtooth, so images are excluded if their size is known. Otherwise a disk that emptied in between is not judged, nor
 * one with mostly images.
 */
export function growthOf(
  { availableBytes, capacityBytes }: Disk,
  imageBytes: number | undefined,
  earlier: readonly Sample[],
  now: Date,
): Growth | undefined {
  const current: Sample = {
    at: now,
    availableBytes,
    capacityBytes,
    ...(imageBytes !== undefined && { imageBytes }),
  };
  const all = [...earlier, current];
  const known = all.filter((sample) => sample.imageBytes !== undefined);
  const isWithoutImages = imageBytes !== undefined && known.length >= MIN_SAMPLES;
  const points = (isWithoutImages ? known : all).map((sample) => ({
    ageMs: now.getTime() - sample.at.getTime(),
    bytes: sample.capacityBytes - sample.availableBytes - (isWithoutImages ? (sample.imageBytes ?? 0) : 0),
  }));
  const noise = NOISE_SHARE * capacityBytes;
  const shrunk = points.findLastIndex(({ bytes }, at) => bytes < (points[at - 1]?.bytes ?? 0) - noise);
  const isMostlyImages =
    imageBytes !== undefined && imageBytes >= MOSTLY_IMAGES * (capacityBytes - availableBytes);
  if (!isWithoutImages && (shrunk > 0 || isMostlyImages)) return undefined;
  const steady = latestGrowth(points.slice(Math.max(0, shrunk)), noise);
  return steady && { ...steady, isWithoutImages };
}

/** Over the longest steady period that ends now. */
function latestGrowth(points: readonly Point[], noise: number) {
  for (let from = 0; from === 0 || points.length - from >= MIN_LATEST_SAMPLES; from += 1) {
    const steady = steadyGrowth(points.slice(from), noise);
    if (steady) return steady;
  }
  return undefined;
}

function steadyGrowth(points: readonly Point[], noise: number): Omit<Growth, 'isWithoutImages'> | undefined {
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last || points.length < MIN_SAMPLES) return undefined;
  const spanMs = first.ageMs - last.ageMs;
  const gaps = points.slice(1).map(({ ageMs }, at) => (points[at]?.ageMs ?? 0) - ageMs);
  if (spanMs < MIN_SPAN_MS || Math.max(...gaps) > MAX_GAP_SHARE * spanMs) return undefined;
  const grown = last.bytes - first.bytes;
  if (grown < noise) return undefined;
  const bounds = [3, 2, 1, 0].map((thirds) => bytesAt(points, last.ageMs + (spanMs * thirds) / 3));
  const third = grown / 3;
  const isSteady = bounds.slice(1).every((bytes, at) => {
    const by = bytes - (bounds[at] ?? 0);
    return by >= STEADY.least * third && by <= STEADY.most * third;
  });
  return isSteady ? { bytesPerHour: (grown / spanMs) * HOUR_MS, spanMs, samples: points.length } : undefined;
}

/** Interpolated between neighbouring points. */
function bytesAt(points: readonly Point[], ageMs: number): number {
  const after = points.find((one) => one.ageMs <= ageMs) ?? points.at(-1);
  const before = points.findLast((one) => one.ageMs >= ageMs) ?? points[0];
  if (!before || !after || before.ageMs === after.ageMs) return before?.bytes ?? 0;
  const share = (before.ageMs - ageMs) / (before.ageMs - after.ageMs);
  return before.bytes + share * (after.bytes - before.bytes);
}

/** How long until this many more bytes are used; undefined if that is too far ahead. */
export function timeUntil(bytes: number, { bytesPerHour, spanMs }: Growth): number | undefined {
  const ms = (bytes / bytesPerHour) * HOUR_MS;
  return ms >= 0 && ms <= MAX_AHEAD * spanMs ? ms : undefined;
}
