import type { ports } from '../../kit.ts';
import type { SortedContainers } from './facts.ts';
import { isGitlabCache } from '../../shared/container-owners.ts';

/** What uses space on one engine besides its containers. Nothing unknown counts as unused. */
export interface JudgedUsage {
  /** Unused, untagged and older than the limit: `docker image prune` removes the same. */
  readonly dangling: readonly ports.EngineImage[];
  /** Tagged images that no container uses. */
  readonly unused: readonly ports.EngineImage[];
  /** The least and most that removing all `unused` images frees. Shared layers count once. */
  readonly unusedBytes: Range;
  /** The same for dangling images. */
  readonly danglingBytes: Range;
  readonly cache: JudgedCache;
  /** Anonymous volumes that no container mounts. */
  readonly anonymousVolumes: readonly ports.EngineVolume[];
  /** Named volumes that no container mounts. */
  readonly namedVolumes: readonly ports.EngineVolume[];
  /** Caches of GitLab Runner, in use or not. */
  readonly runnerCaches: readonly ports.EngineVolume[];
  /** Images of which it is unknown whether a container uses them. */
  readonly unknownImages: readonly ports.EngineImage[];
  /** Dangling images of which it is unknown when they were created. */
  readonly undatedImages: readonly ports.EngineImage[];
  /** Volumes of which it is unknown whether a container mounts them. */
  readonly unknownVolumes: readonly ports.EngineVolume[];
}

export interface Range {
  readonly least: number;
  readonly most: number;
}

interface JudgedCache {
  /** Entries that no build uses and no image needs. */
  readonly unusedBytes: number;
  /** Entries of `unused` that were last used longer ago than the limit. */
  readonly oldBytes: number;
  readonly entries: number;
  /** All entries, in use or not. */
  readonly totalBytes: number;
}

interface UsageOptions {
  readonly now: Date;
  readonly olderMs: number;
  readonly containers: Pick<
    SortedContainers,
    'imageIds' | 'volumes' | 'runnerCacheVolumes' | 'isComplete' | 'hasKubelet'
  >;
}

/** Judges what `docker system df` reports, checked against the list of containers. */
export function judgeUsage(
  { images, volumes, buildCache, imageBytes }: ports.EngineUsage,
  { now, olderMs, containers }: UsageOptions,
): JudgedUsage {
  const isOld = (at: Date | undefined) => at !== undefined && now.getTime() - at.getTime() > olderMs;
  const useOfImage = (image: ports.EngineImage) =>
    useOf(image.containers, containers.imageIds.has(image.id), containers.isComplete);
  const useOfVolume = ({ containers: count, name }: ports.EngineVolume) =>
    useOf(count, containers.volumes.has(name), containers.isComplete);
  const unusedImages = images.filter((one) => !one.isParent && useOfImage(one) === 'unused');
  // A kubelet pulls images by digest, and collects them itself.
  const mayHaveKubelet = containers.hasKubelet || !containers.isComplete;
  const isDangling = ({ tags, digests }: ports.EngineImage) =>
    tags.length === 0 && (digests.length === 0 || !mayHaveKubelet);
  const dangling = unusedImages.filter((one) => isDangling(one) && isOld(one.createdAt));
  const unused = unusedImages.filter((one) => !isDangling(one));
  const isRunnerCache = (one: ports.EngineVolume) =>
    isGitlabCache(one) || containers.runnerCacheVolumes.has(one.name);
  const unusedVolumes = volumes.filter((one) => !isRunnerCache(one) && useOfVolume(one) === 'unused');
  return {
    dangling: dangling.toSorted(byBytesThenId),
    unused: unused.toSorted(byBytesThenId),
    danglingBytes: rangeOf(dangling, images, imageBytes),
    unusedBytes: rangeOf(unused, images, imageBytes),
    cache: judgeCache(buildCache, isOld),
    anonymousVolumes: unusedVolumes.filter(({ isAnonymous }) => isAnonymous),
    namedVolumes: unusedVolumes.filter(({ isAnonymous }) => !isAnonymous),
    runnerCaches: volumes.filter(isRunnerCache),
    unknownImages: images.filter((one) => !one.isParent && useOfImage(one) === 'unknown'),
    undatedImages: unusedImages.filter((one) => isDangling(one) && one.createdAt === undefined),
    unknownVolumes: volumes.filter((one) => useOfVolume(one) === 'unknown'),
  };
}

/** The engine's own count and the list of containers must agree that nothing uses it. */
function useOf(
  count: number | undefined,
  isSeen: boolean,
  isComplete: boolean,
): 'used' | 'unused' | 'unknown' {
  if (isSeen || (count !== undefined && count > 0)) return 'used';
  return isComplete || count === 0 ? 'unused' : 'unknown';
}

/**
 * The size without and with shared layers. The upper limit leaves out the size of the largest image that is kept, because the engine still
 * stores that.
 */
function rangeOf(
  some: readonly ports.EngineImage[],
  all: readonly ports.EngineImage[],
  imageBytes: number | undefined,
): Range {
  const together = Math.min(sum(some.map(({ bytes }) => bytes)), imageBytes ?? Infinity);
  // All images together use exactly what is stored.
  if (some.length === all.length && imageBytes !== undefined) return { least: together, most: together };
  const own = sum(some.map(({ bytes, sharedBytes }) => Math.max(0, bytes - (sharedBytes ?? bytes))));
  const least = Math.min(own, together);
  const [only] = some;
  // The layers that a single image shares are not freed.
  if (some.length === 1 && only?.sharedBytes !== undefined) return { least, most: least };
  const removed = new Set(some);
  const largest = all.reduce((bytes, one) => (removed.has(one) ? bytes : Math.max(bytes, one.bytes)), 0);
  return { least, most: Math.max(least, Math.min(together, (imageBytes ?? Infinity) - largest)) };
}

function judgeCache(
  entries: readonly ports.BuildCacheEntry[],
  isOld: (at: Date | undefined) => boolean,
): JudgedCache {
  const unused = entries.filter(({ inUse, isShared }) => !inUse && !isShared);
  const old = unused.filter(({ lastUsedAt, createdAt }) => isOld(lastUsedAt ?? createdAt));
  const bytesOf = (some: readonly ports.BuildCacheEntry[]) => sum(some.map(({ bytes }) => bytes));
  return {
    unusedBytes: bytesOf(unused),
    oldBytes: bytesOf(old),
    entries: unused.length,
    totalBytes: bytesOf(entries),
  };
}

/** The sum of the known values. */
export function sum(amounts: readonly (number | undefined)[]): number {
  return amounts.reduce<number>((total, one) => total + (one ?? 0), 0);
}

function byBytesThenId(a: ports.EngineImage, b: ports.EngineImage): number {
  return b.bytes - a.bytes || (a.id < b.id ? -1 : 1);
}
