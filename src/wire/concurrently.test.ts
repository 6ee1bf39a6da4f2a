import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { concurrently } from './concurrently.ts';

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

test('a slow first item does not delay the others', async () => {
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

test('processes all items, and never more at once than the concurrency', async () => {
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

test('results do not pile up if the consumer takes none', async () => {
  let started = 0;
  const endless = (function* () {
    for (;;) yield started;
  })();
  const results = concurrently(endless, 4, async () => ++started);
  await results.next();
  await sleep(20);
  // One consumed, and one in each worker; the worker of the consumed result continued.
  expect(started).toBeLessThanOrEqual(5);
  await results.return();
  const before = started;
  await sleep(10);
  expect(started).toBe(before);
});

test('an item may have several results or none', async () => {
  const results = concurrently([0, 1, 3], 2, async function* (count) {
    for (let index = 0; index < count; index += 1) yield `${count}.${index}`;
  });
  expect((await collect(results)).toSorted()).toEqual(['1.0', '3.0', '3.1', '3.2']);
});

test('items may arrive over time, and a break closes their source', async () => {
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

test('throws an error of the work or of the items, and aborts the other workers', async () => {
  const aborted: boolean[] = [];
  const failing = concurrently([1, 2, 3], 3, async (item, signal) => {
    if (item === 2) throw new Error('two is bad');
    signal.addEventListener('abort', () => aborted.push(true));
    await sleep(10_000, undefined, { signal });
  });
  await expect(collect(failing)).rejects.toThrow('two is bad');
  expect(aborted).toEqual([true, true]);

  const items = (function* () {
    yield 1;
    throw new Error('no more items');
  })();
  await expect(collect(concurrently(items, 2, async (item) => item))).rejects.toThrow('no more items');
});

test('throws the reason of an abort immediately, even if the work ignores the signal', async () => {
  const deadline = new AbortController();
  const hung = collect(concurrently([1, 2, 3], 2, () => new Promise<never>(() => {}), deadline.signal));
  deadline.abort(new RangeError('the deadline has passed'));
  await expect(hung).rejects.toThrow(new RangeError('the deadline has passed'));
  await expect(collect(concurrently([1], 1, async () => 1, deadline.signal))).rejects.toThrow(RangeError);
});
