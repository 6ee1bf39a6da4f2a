import { beforeEach, expect, test } from 'vitest';
import type { SavedSample, SeriesLimits } from '../../check/remembers.ts';
import { useRedis } from '../../../test/world/use-redis.ts';
import { openHistory, type SampleHistory } from './history.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LIMITS: SeriesLimits = { keep: 24, forMs: 48 * HOUR_MS, everyMs: MINUTE_MS };

const redis = useRedis();
let history: SampleHistory;
let now: number;
beforeEach(() => {
  history = openHistory(redis.connect(), '{test}')('lab/disk', 'prod');
  now = Date.now();
});

const before = (ms: number) => new Date(now - ms);
const ofDisk = (disk: string, usedBytes: number) => ({ target: disk, sample: { disk, usedBytes } });
const save = (agoMs: number, usedBytes: number, limits = LIMITS, disk = 'a') =>
  history.save([ofDisk(disk, usedBytes)], before(agoMs), limits);
const values = (samples: readonly SavedSample[]) => samples.map(({ usedBytes }) => usedBytes);
const agesMs = (samples: readonly SavedSample[]) => samples.map(({ at }) => now - Date.parse(at));

test('saved samples are loaded with the time of their run', async () => {
  const sample = {
    disk: 'a "quoted"\nname ☂',
    usedBytes: 9_007_199_254_740_991,
    share: 0.1 + 0.2,
    none: [],
    nested: { list: [null, true, {}] },
  };
  await history.save([{ target: 'lab a\n1', sample }], before(HOUR_MS), LIMITS);

  expect(await history.load()).toEqual([{ ...sample, at: before(HOUR_MS).toISOString() }]);
});

test('there are no samples before the first run, and a run without samples saves nothing', async () => {
  expect(await history.load()).toEqual([]);
  expect(await history.save([], before(0), LIMITS)).toBe(0);
  expect(await redis.connect().keys('*')).toEqual([]);
});

test('each check and each environment has its own samples', async () => {
  const open = openHistory(redis.connect(), '{test}');
  await save(HOUR_MS, 1);

  expect(await open('lab/disk', 'staging').load()).toEqual([]);
  expect(await open('lab/other', 'prod').load()).toEqual([]);
});

test('a run soon after the last one adds no sample', async () => {
  for (const seconds of [200, 170, 141, 140]) await save(seconds * 1_000, seconds);

  expect(values(await history.load())).toEqual([200, 140]);
});

test('saving the same run again changes nothing', async () => {
  const limits = { ...LIMITS, everyMs: 0 };
  await save(HOUR_MS, 1, limits);
  await save(HOUR_MS, 2, limits);

  expect(values(await history.load())).toEqual([1]);
});

test('the sample of a longer run that ends after a shorter one is in the right place', async () => {
  for (const minutes of [30, 10, 20]) await save(minutes * MINUTE_MS, minutes);

  expect(values(await history.load())).toEqual([30, 20, 10]);
});

test('a run whose clock is ahead counts from the time its samples arrive', async () => {
  await save(-HOUR_MS, 1);

  const [age = 0] = agesMs(await history.load());
  expect(age).toBeLessThanOrEqual(0);
  expect(age).toBeGreaterThan(now - Date.now() - 1_000);
});

test('ten runs in ten minutes do not displace the samples of yesterday', async () => {
  for (let hours = 47; hours >= 24; hours--) await save(hours * HOUR_MS, hours);
  for (let minutes = 10; minutes > 0; minutes--) await save(minutes * MINUTE_MS, -minutes);

  const found = values(await history.load());
  expect(found).toHaveLength(24);
  expect(found[0]).toBe(47);
  expect(found.filter((value) => Number(value) > 0).length).toBeGreaterThan(10);
  expect(found.at(-1)).toBe(-1);
});

test('a check that runs every minute for three days can compare with a minute, an hour and a day ago', async () => {
  const connection = redis.connect();
  const many = openHistory(connection, '{test}')('lab/disk', 'prod');
  const saves = Array.from({ length: 3 * 24 * 60 }, (_, at) => 3 * 24 * 60 - at).map((minutes) =>
    many.save([ofDisk('a', minutes)], before(minutes * MINUTE_MS), LIMITS),
  );
  await Promise.all(saves);

  const minutes = values(await many.load()).map(Number);
  expect(minutes).toHaveLength(24);
  for (const wanted of [1, 2, 15, 60, 360, 1_440]) {
    const nearest = minutes.map((age) => Math.max(age / wanted, wanted / age)).toSorted((a, b) => a - b)[0];
    expect(nearest).toBeLessThan(1.5);
  }
});

test.each([1, 2, 3])('a series of %i keeps the newest sample', async (keep) => {
  for (const minutes of [40, 30, 20, 10]) await save(minutes * MINUTE_MS, minutes, { ...LIMITS, keep });

  const found = values(await history.load());
  expect(found).toHaveLength(keep);
  expect(found.at(-1)).toBe(10);
});

test('a series that may be shorter now is shortened', async () => {
  for (const minutes of [50, 40, 30, 20]) await save(minutes * MINUTE_MS, minutes);
  await save(10 * MINUTE_MS, 10, { ...LIMITS, keep: 2 });

  expect(values(await history.load())).toEqual([50, 10]);
});

test('samples that are too old are removed, and all of them expire', async () => {
  await save(50 * HOUR_MS, 50);
  await save(47 * HOUR_MS, 47);
  await save(HOUR_MS, 1);

  expect(values(await history.load())).toEqual([47, 1]);
  const connection = redis.connect();
  for (const key of await connection.keys('*')) {
    expect(await connection.pttl(key)).toBeGreaterThan(LIMITS.forMs - HOUR_MS);
    expect(await connection.pttl(key)).toBeLessThanOrEqual(LIMITS.forMs);
  }
});

test('a target is removed if it was not seen for as long as samples are kept', async () => {
  const connection = redis.connect();
  await save(HOUR_MS, 1, LIMITS, 'gone');
  await connection.zadd('{test}:history:lab/disk:prod:seen', `${now - LIMITS.forMs - 1}`, 'gone');
  await save(0, 2, LIMITS, 'a');

  expect(values(await history.load())).toEqual([2]);
  expect(await connection.zrange('{test}:history:lab/disk:prod:seen', 0, '-1')).toEqual(['a']);
});

test('a thousand targets are kept, and the least recently seen are removed first', async () => {
  const disks = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => ofDisk(`disk-${from + at}`, from + at));
  const connection = redis.connect();
  await history.save(disks(0, 1_000), before(HOUR_MS), LIMITS);
  // As if a later run had seen only this disk.
  await connection.zincrby('{test}:history:lab/disk:prod:seen', 1, 'disk-0');
  expect(await history.save(disks(1_000, 1_999), before(0), LIMITS)).toBe(0);

  const found = values(await history.load()).map(Number);
  expect(found).toHaveLength(1_000);
  expect(found.filter((value) => value < 1_000)).toEqual([0]);
});

test('samples that are too many or too large are not saved, and are counted', async () => {
  const many = Array.from({ length: 1_002 }, (_, at) => ofDisk(`disk-${at}`, at));
  const large = { target: 'large', sample: { text: 'x'.repeat(2_000) } };

  expect(await history.save([large, ...many], before(0), LIMITS)).toBe(3);
  expect(await history.load()).toHaveLength(1_000);
});

test('data that is not a sample is left out', async () => {
  await save(HOUR_MS, 1);
  await redis.connect().hset('{test}:history:lab/disk:prod', {
    one: '1764151200000 {"disk": broken',
    two: 'nothing of ours',
    three: `${now} ["a list"]\n${now} {"disk":"three","usedBytes":3}`,
  });

  expect(new Set(values(await history.load()))).toEqual(new Set([1, 3]));
});

test('a text may contain line and paragraph separators', async () => {
  const sample = { disk: 'a\u2028123 {}\u2029b', usedBytes: 1 };
  await history.save([{ target: 'a', sample }], before(HOUR_MS), LIMITS);

  expect(await history.load()).toEqual([{ ...sample, at: before(HOUR_MS).toISOString() }]);
});

test('a target with half of a surrogate pair does not affect the samples of the others', async () => {
  await history.save([ofDisk('\ud800', 1), ofDisk('b', 2)], before(HOUR_MS), LIMITS);

  expect(new Set(values(await history.load()))).toEqual(new Set([1, 2]));
});

test('a time beyond the range of dates is left out', async () => {
  await save(HOUR_MS, 1);
  await redis
    .connect()
    .hset('{test}:history:lab/disk:prod', 'b', `${'9'.repeat(15)} {}\n${'9'.repeat(20)} {}`);

  expect(values(await history.load())).toContain(1);
});

test('a very long series that another program wrote is immediately cut to its newest samples', async () => {
  const lines = Array.from(
    { length: 50_000 },
    (_, at) => `${now - 50_000 + at} {"disk":"a","usedBytes":${at}}`,
  );
  await redis.connect().hset('{test}:history:lab/disk:prod', 'a', lines.join('\n'));

  await save(0, 1, { ...LIMITS, everyMs: 0 });

  const kept = values(await history.load());
  expect(kept).toHaveLength(LIMITS.keep);
  expect(kept).toContain(49_999);
});
