import { expect, test } from 'vitest';
import { GIB } from './builders.ts';
import { type DiskSample, growthOf, samplesOfDisk, sampleSchema, sampleTarget, timeUntil } from './growth.ts';

const now = new Date('2026-11-26T12:00:00Z');

/** Hours ago, GiB used of 100, and GiB of images among them. */
type Point = readonly [hoursAgo: number, used: number, images?: number];

/** The last point is now. */
function growth(...points: readonly Point[]) {
  const samples = points.map(([hours, used, images]) => ({
    at: new Date(now.getTime() - hours * 3_600_000),
    capacityBytes: 100 * GIB,
    availableBytes: (100 - used) * GIB,
    ...(images !== undefined && { imageBytes: images * GIB }),
  }));
  const { availableBytes = 0, imageBytes } = samples.pop() ?? {};
  const disk = { holds: ['nodeFs', 'imageFs'] as const, availableBytes, capacityBytes: 100 * GIB };
  return growthOf(disk, imageBytes, samples, now);
}

test('a disk that fills evenly has a rate', () => {
  expect(growth([12, 40], [8, 48], [4, 56], [2, 60.2], [0, 64])).toMatchObject({
    samples: 5,
    isWithoutImages: false,
  });
  expect(growth([12, 40], [8, 48], [4, 56], [0, 64])?.bytesPerHour).toBeCloseTo(2 * GIB, 0);
});

test.each<[string, readonly Point[]]>([
  ['no earlier sample', [[0, 80]]],
  [
    'two samples',
    [
      [4, 40],
      [0, 60],
    ],
  ],
  [
    'samples of a few minutes',
    [
      [0.3, 40],
      [0.2, 45],
      [0.1, 50],
      [0, 55],
    ],
  ],
  [
    'no growth',
    [
      [6, 50],
      [4, 50],
      [2, 50],
      [0, 50],
    ],
  ],
  [
    'less than one percent',
    [
      [6, 50],
      [4, 50.2],
      [2, 50.4],
      [0, 50.6],
    ],
  ],
  [
    'one jump',
    [
      [6, 40],
      [4, 40],
      [2, 70],
      [0, 70],
    ],
  ],
  [
    'growth that has ended',
    [
      [8, 40],
      [6, 50],
      [4, 60],
      [2, 60],
      [0, 60],
    ],
  ],
  [
    'a long gap',
    [
      [20, 40],
      [2, 58],
      [1, 59],
      [0, 60],
    ],
  ],
  [
    'a saw-tooth of unknown images',
    [
      [10, 80],
      [8, 60],
      [6, 65],
      [4, 70],
      [2, 75],
      [0, 80],
    ],
  ],
  [
    'shrinking',
    [
      [6, 70],
      [4, 60],
      [2, 50],
      [0, 40],
    ],
  ],
])('%s is not growth', (_, points) => {
  expect(growth(...points)).toBeUndefined();
});

test('growth that began recently, or after a long gap, has the rate of that period', () => {
  const late = growth([24, 40], [18, 40.1], [12, 40], [6, 40.1], [4, 44], [2, 48], [0, 52]);
  expect(late?.bytesPerHour).toBeCloseTo(2 * GIB, -8);
  expect(late?.samples).toBe(4);
  expect(growth([40, 20], [6, 40], [4, 44], [2, 48], [0, 52])?.bytesPerHour).toBeCloseTo(2 * GIB, 0);
});

test('three samples show a rate if they agree', () => {
  expect(growth([6, 40], [3, 46], [0, 52])?.bytesPerHour).toBeCloseTo(2 * GIB, 0);
  expect(growth([6, 40], [3, 51], [0, 52])).toBeUndefined();
});

test('a disk of mostly images is not judged if earlier samples do not include their size', () => {
  expect(growth([6, 40], [4, 44], [2, 48], [0, 52, 40])).toBeUndefined();
  expect(growth([6, 40], [4, 44], [2, 48], [0, 52, 10])?.bytesPerHour).toBeCloseTo(2 * GIB, 0);
});

test('images are excluded, and do not hide the growth of other data', () => {
  expect(growth([8, 40, 10], [6, 50, 20], [4, 60, 30], [2, 70, 40], [0, 80, 50])).toBeUndefined();
  const hidden = growth([8, 60, 40], [6, 64, 40], [4, 48, 20], [2, 52, 20], [0, 56, 20]);
  expect(hidden?.isWithoutImages).toBe(true);
  expect(hidden?.bytesPerHour).toBeCloseTo(2 * GIB, 0);
});

test('samples from before a cleanup do not count', () => {
  const after = growth([10, 70, 10], [8, 40, 10], [6, 44, 10], [4, 48, 10], [2, 52, 10], [0, 56, 10]);
  expect(after).toMatchObject({ samples: 5 });
  expect(after?.bytesPerHour).toBeCloseTo(2 * GIB, 0);
});

test('a forecast is limited by the time that was measured', () => {
  const steady = { bytesPerHour: GIB, spanMs: 2 * 3_600_000, samples: 4, isWithoutImages: false };
  expect(timeUntil(7 * GIB, steady)).toBe(7 * 3_600_000);
  expect(timeUntil(9 * GIB, steady)).toBeUndefined();
});

test('samples belong to one disk of one cluster, and another size is another disk', () => {
  const sample: DiskSample = { node: 'n', fs: 'nodeFs', availableBytes: GIB, capacityBytes: 100 * GIB };
  const disk = { holds: ['nodeFs'] as const, availableBytes: GIB, capacityBytes: 100 * GIB };
  const all = [
    sample,
    { ...sample, source: 'eu' },
    { ...sample, source: 'us' },
    { ...sample, node: 'm' },
    { ...sample, fs: 'imageFs' as const },
    { ...sample, capacityBytes: 50 * GIB },
  ].map((one) => ({ ...one, at: now }));
  expect(samplesOfDisk({ cluster: 'eu', name: 'n' }, disk, all)).toEqual(all.slice(0, 2));
});

test('a sample needs only its node, its file system and two numbers', () => {
  const sample = { node: 'cp-old', fs: 'nodeFs', availableBytes: 1, capacityBytes: 2 };
  expect(sampleTarget(sampleSchema.parse(sample))).toBe('cp-old nodeFs');
  expect(sampleTarget({ ...sampleSchema.parse(sample), source: 'eu' })).toBe('eu:cp-old nodeFs');
});
