import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { unusedImage } from './builders.ts';
import type { SortedContainers } from './facts.ts';
import { judgeUsage } from './usage.ts';

const now = new Date('2026-11-26T12:00:00Z');
const HOUR_MS = 3_600_000;
const recently = new Date(now.getTime() - 600_000);
const longAgo = new Date(now.getTime() - 48 * HOUR_MS);

function judgeIn(
  usage: Partial<ports.EngineUsage>,
  containers: Partial<
    Pick<SortedContainers, 'runnerCacheVolumes' | 'imageIds' | 'volumes' | 'isComplete' | 'hasKubelet'>
  > = {},
) {
  return judgeUsage(
    { images: [], volumes: [], buildCache: [], ...usage },
    {
      now,
      olderMs: HOUR_MS,
      containers: {
        imageIds: new Set(),
        volumes: new Set(),
        runnerCacheVolumes: new Set(),
        isComplete: true,
        hasKubelet: false,
        ...containers,
      },
    },
  );
}

const dangling = unusedImage('old build', { tags: [], createdAt: longAgo });

describe('an image is dangling', () => {
  const idsOf = (...args: Parameters<typeof judgeIn>) => judgeIn(...args).dangling.map(({ id }) => id);

  test('without a tag, unused and old', () => {
    expect(idsOf({ images: [dangling] })).toEqual([dangling.id]);
  });

  test('if it lost its tag to a newer image and has only a digest', () => {
    expect(idsOf({ images: [{ ...dangling, digests: ['app@sha256:1'] }] })).toEqual([dangling.id]);
  });

  test.each<readonly [string, Partial<ports.EngineImage>]>([
    ['it has a tag', { tags: ['app:1'] }],
    ['a container uses it', { containers: 1 }],
    ['it is a layer of another image', { isParent: true }],
    ['it was just built', { createdAt: recently }],
  ])('but not if %s', (_, known) => {
    expect(idsOf({ images: [{ ...dangling, ...known }] })).toEqual([]);
  });

  test('but not without a creation time', () => {
    const { createdAt: _, ...image } = dangling;
    expect(idsOf({ images: [image] })).toEqual([]);
    expect(judgeIn({ images: [image] }).undatedImages).toEqual([image]);
  });

  test('but not if it has a digest and containers are unread: a kubelet may have pulled it', () => {
    const images = [{ ...dangling, digests: ['app@sha256:1'], containers: 0 }];
    expect(idsOf({ images }, { isComplete: false })).toEqual([]);
    expect(idsOf({ images: [{ ...dangling, containers: 0 }] }, { isComplete: false })).toEqual([dangling.id]);
  });

  test('but not if a listed container uses it, even if the engine counts none', () => {
    expect(idsOf({ images: [dangling] }, { imageIds: new Set([dangling.id]) })).toEqual([]);
  });

  test('but not if a kubelet pulled it by digest', () => {
    const images = [{ ...dangling, digests: ['app@sha256:1'] }];
    expect(idsOf({ images }, { hasKubelet: true })).toEqual([]);
  });

  test('but not if its users are unknown, which is reported', () => {
    const { containers: _, ...image } = dangling;
    const judged = judgeIn({ images: [image] }, { isComplete: false });
    expect(judged.dangling).toEqual([]);
    expect(judged.unknownImages).toEqual([image]);
  });
});

describe('the bytes of images', () => {
  const shared = { bytes: 9_000_000_000, sharedBytes: 2_000_000_000 };

  test('are the total of the engine, if they are all of its images', () => {
    const { unusedBytes } = judgeIn({
      imageBytes: 16_000_000_000,
      images: [unusedImage('app:1', shared), unusedImage('app:2', shared)],
    });
    expect(unusedBytes).toEqual({ least: 16_000_000_000, most: 16_000_000_000 });
  });

  test('are otherwise a range: without and with shared layers', () => {
    const { unusedBytes } = judgeIn({
      imageBytes: 23_000_000_000,
      images: [
        unusedImage('app:1', shared),
        unusedImage('app:2', shared),
        unusedImage('app:3', { ...shared, bytes: 5_000_000_000, containers: 1 }),
      ],
    });
    expect(unusedBytes).toEqual({ least: 14_000_000_000, most: 18_000_000_000 });
  });

  test('are no more than what is stored without the largest image that stays', () => {
    const { unusedBytes } = judgeIn({
      imageBytes: 23_000_000_000,
      images: [
        unusedImage('app:1', shared),
        unusedImage('app:2', shared),
        unusedImage('app:3', { ...shared, containers: 1 }),
      ],
    });
    expect(unusedBytes).toEqual({ least: 14_000_000_000, most: 14_000_000_000 });
  });

  test('are exactly its own, if it is one: what it shares stays with the others', () => {
    const { unusedBytes } = judgeIn({
      images: [unusedImage('app:1', shared), unusedImage('app:2', { ...shared, containers: 1 })],
    });
    expect(unusedBytes).toEqual({ least: 7_000_000_000, most: 7_000_000_000 });
  });

  test('may all be shared if the engine does not report shared bytes', () => {
    const { sharedBytes: _, ...image } = unusedImage('app:1', { bytes: 100 });
    const { unusedBytes } = judgeIn({ images: [image, unusedImage('app:2', { containers: 1 })] });
    expect(unusedBytes).toEqual({ least: 0, most: 100 });
  });
});

describe('build cache', () => {
  const entry = (bytes: number, known: Partial<ports.BuildCacheEntry> = {}) => ({
    id: String(bytes),
    bytes,
    inUse: false,
    isShared: false,
    lastUsedAt: longAgo,
    ...known,
  });

  test('counts unused entries, and how much of them is old', () => {
    const { cache } = judgeIn({
      buildCache: [
        entry(1),
        entry(20, { lastUsedAt: recently }),
        entry(300, { inUse: true }),
        entry(4_000, { isShared: true }),
      ],
    });
    expect(cache).toEqual({ unusedBytes: 21, oldBytes: 1, entries: 2, totalBytes: 4_321 });
  });

  test('never used again counts from its creation; of unknown age it is not old', () => {
    const { lastUsedAt: _, ...unused } = entry(1);
    const { cache } = judgeIn({
      buildCache: [
        { ...unused, createdAt: longAgo },
        { ...unused, bytes: 5 },
      ],
    });
    expect(cache.oldBytes).toBe(1);
  });
});

describe('a volume', () => {
  const volume = (known: Partial<ports.EngineVolume> = {}): ports.EngineVolume => ({
    name: 'a'.repeat(64),
    labels: {},
    isAnonymous: true,
    bytes: 5,
    containers: 0,
    ...known,
  });

  test('is unused if neither the engine nor the list of containers has a user', () => {
    expect(judgeIn({ volumes: [volume()] }).anonymousVolumes).toHaveLength(1);
    expect(judgeIn({ volumes: [volume({ containers: 1 })] }).anonymousVolumes).toEqual([]);
    expect(judgeIn({ volumes: [volume()] }, { volumes: new Set([volume().name]) }).anonymousVolumes).toEqual(
      [],
    );
  });

  test('of GitLab Runner is a cache, named or anonymous', () => {
    const labels = { 'com.gitlab.gitlab-runner.type': 'cache' };
    const judged = judgeIn({
      volumes: [volume({ labels }), volume({ name: 'runner-1', labels, isAnonymous: false })],
    });
    expect(judged.runnerCaches).toHaveLength(2);
    expect([...judged.anonymousVolumes, ...judged.namedVolumes]).toEqual([]);
  });

  test('of GitLab Runner is recognized by its name if it has no label, or by the cache container that mounts it', () => {
    const named = volume({
      name: 'runner-gxwcus4-project-21-concurrent-0-cache-3c3f060a0374fc8bc39395164f415a70',
      isAnonymous: false,
    });
    const mounted = volume({ containers: 1 });
    const judged = judgeIn(
      { volumes: [named, mounted, volume({ name: 'runner-cache', isAnonymous: false })] },
      { volumes: new Set([mounted.name]), runnerCacheVolumes: new Set([mounted.name]) },
    );
    expect(judged.runnerCaches).toEqual([named, mounted]);
    expect(judged.namedVolumes).toHaveLength(1);
  });
});
