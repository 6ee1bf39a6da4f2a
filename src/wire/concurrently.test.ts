import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { concurrently } from './concurrently.ts';

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

test('a slow first item does not hold back the others', async () => {
  const first = Promise.withResolvers<string>();
  const seen: string[] = [];
  for await (const result of concurrently(['slow', 'b', 'c', 'd'], 2, async (item) =>
    item === 'slow' ? first.promise : item,
  )) {
    seen.push(result);
    if (seen.length === 3) first.resolve('slow');
  }
  expect(seen).toEqual(['b', 'c', 'd', 'slow']);
});

test('never more items at once than lanes, and all of them in the end', async () => {
  let now = 0;
  let most = 0;
  const items = Array.from({ length: 500 }, (_, index) => index);
  const results = await collect(
    concurrently(items, 7, async (item) => {
      most = Math.max(most, ++now);
      await sleep(item % 3);
      now -= 1;
      return item;
    }),
  );
  expect(most).toBe(7);
  expect(results.toSorted((a, b) => a - b)).toEqual(items);
});

test('a consumer who takes nothing lets nothing pile up', async () => {
  let started = 0;
  const endless = (function* () {
    for (;;) yield started;
  })();
  const results = concurrently(endless, 4, async () => ++started);
  await results.next();
  await sleep(20);
  // One taken, and one in each lane; the taker's own lane was let go on.
  expect(started).toBeLessThanOrEqual(5);
  await results.return();
  const before = started;
  await sleep(10);
  expect(started).toBe(before);
});

test('an item may have several results, or none', async () => {
  const results = concurrently([0, 1, 3], 2, async function* (count) {
    for (let index = 0; index < count; index += 1) yield `${count}.${index}`;
  });
  expect((await collect(results)).toSorted()).toEqual(['1.0', '3.0', '3.1', '3.2']);
});

test('items may arrive over time, and a break closes where they come from', async () => {
  let closed = false;
  const arriving = (async function* () {
    try {
      for (let index = 0; ; index += 1) {
        await sleep(1);
        yield index;
      }
    } finally {
      closed = true;
    }
  })();
  for await (const result of concurrently(arriving, 3, async (item) => item)) if (result > 5) break;
  await expect.poll(() => closed).toBe(true);
});

test('an error of the work, or of the items, is thrown and the other lanes are told', async () => {
  const told: boolean[] = [];
  const failing = concurrently([1, 2, 3], 3, async (item, signal) => {
    if (item === 2) throw new Error('two is bad');
    signal.addEventListener('abort', () => told.push(true));
    await sleep(10_000, undefined, { signal });
  });
  await expect(collect(failing)).rejects.toThrow('two is bad');
  expect(told).toEqual([true, true]);

  const items = (function* () {
    yield 1;
    throw new Error('no more items');
  })();
  await expect(collect(concurrently(items, 2, async (item) => item))).rejects.toThrow('no more items');
});

test('an abort is thrown at once with its reason, even where the work never listens', async () => {
  const deadline = new AbortController();
  const hung = collect(concurrently([1, 2, 3], 2, () => new Promise<never>(() => {}), deadline.signal));
  deadline.abort(new RangeError('the deadline has passed'));
  await expect(hung).rejects.toThrow(new RangeError('the deadline has passed'));
  await expect(collect(concurrently([1], 1, async () => 1, deadline.signal))).rejects.toThrow(RangeError);
});
