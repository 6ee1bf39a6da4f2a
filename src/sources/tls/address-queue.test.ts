import { array, assert, asyncProperty, integer, nat } from 'fast-check';
import { expect, test } from 'vitest';
import { type QueueEntry, makeAddressQueue } from './address-queue.ts';
import { makeKeyedLimit } from './keyed-limit.ts';

interface Task extends QueueEntry {
  readonly end: () => void;
}

function start({
  atOnce = 1,
  slow = new Set<string>(),
  answered = new Set<string>(),
  underWay = new Map<string, string[]>(),
} = {}) {
  const turns = makeKeyedLimit(atOnce);
  const queue = makeAddressQueue<QueueEntry, Task>({
    begin: (entry) => {
      if (underWay.get(entry.address)?.includes(entry.label)) return { ...entry, end: () => {} };
      const giveBack = turns.tryAcquire(entry.address);
      return giveBack && { ...entry, end: giveBack };
    },
    underWay: (address) => underWay.get(address) ?? [],
    isSlow: (address) => slow.has(address),
    hasAnswered: (address) => answered.has(address),
    onceFree: (address, listener) => turns.onceFree(address, listener),
  });
  const lane = queue.tasks[Symbol.asyncIterator]();
  const add = (address: string, ...labels: string[]) => {
    for (const label of labels) queue.add({ address, label });
  };
  const pull = async () => {
    const { value } = await lane.next();
    return value as Task | undefined;
  };
  return { ...queue, add, pull, turns, lane };
}

test('skips an address whose slots are taken until one is released', async () => {
  const { add, pull } = start();
  add('a', 'a1', 'a2');
  add('b', 'b1');

  const first = await pull();
  expect((await pull())?.label).toBe('b1');
  const waiting = pull();
  first?.end();

  expect((await waiting)?.label).toBe('a2');
});

test('takes addresses in turn', async () => {
  const { add, pull } = start({ atOnce: 10 });
  add('a', 'a1', 'a2', 'a3');
  add('b', 'b1', 'b2');

  const labels: (string | undefined)[] = [];
  for (let count = 0; count < 5; count += 1) labels.push((await pull())?.label);

  expect(labels).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
});

test('an address that responded comes before addresses that were not tried', async () => {
  const answered = new Set<string>();
  const { add, pull } = start({ atOnce: 10, answered });
  add('a', 'a1');
  add('good', 'g1', 'g2', 'g3');
  add('b', 'b1');
  add('c', 'c1');

  const labels = [(await pull())?.label, (await pull())?.label];
  answered.add('good');
  for (let count = 0; count < 4; count += 1) labels.push((await pull())?.label);

  expect(labels).toEqual(['a1', 'g1', 'b1', 'c1', 'g2', 'g3']);
});

test('slow addresses come after all others, with their last entry first', async () => {
  const { add, pull } = start({ atOnce: 10, slow: new Set(['slow']) });
  add('slow', 's1', 's2', 's3');
  add('a', 'a1', 'a2');

  const labels: (string | undefined)[] = [];
  for (let count = 0; count < 5; count += 1) labels.push((await pull())?.label);

  expect(labels).toEqual(['a1', 'a2', 's3', 's2', 's1']);
});

test('joins a request of another scan without a slot', async () => {
  const { add, pull, turns } = start({ underWay: new Map([['a', ['a2']]]) });
  turns.tryAcquire('a');
  add('a', 'a1', 'a2');

  expect((await pull())?.label).toBe('a2');
});

test('workers wait for more until the queue is closed, then all end', async () => {
  const { add, pull, close } = start();
  const lanes = [pull(), pull(), pull()];

  add('a', 'a1');
  close();

  const ended = await Promise.all(lanes);
  expect(ended.map((task) => task?.label)).toEqual(['a1', undefined, undefined]);
});

test('a failure reaches all workers', async () => {
  const { pull, close } = start();
  const lanes = [pull(), pull()];

  close({ reason: new Error('ours') });

  for (const lane of lanes) await expect(lane).rejects.toThrow('ours');
});

test('waiting workers end with the scan', async () => {
  const { add, pull, lane } = start();
  add('a', 'a1', 'a2');
  const first = await pull();
  const waiting = [pull(), pull()];

  await lane.return?.();
  first?.end();

  expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
});

test('returns every entry exactly once, with any number of workers, slots and addresses', async () => {
  await assert(
    asyncProperty(
      array(nat(6), { maxLength: 60 }),
      integer({ min: 1, max: 3 }),
      integer({ min: 1, max: 8 }),
      array(nat(3), { minLength: 1, maxLength: 20 }),
      async (addresses, atOnce, lanes, pauses) => {
        const { add, pull, close } = start({ atOnce, slow: new Set(['address 0']) });
        const given: string[] = [];
        const held = new Map<string, number>();
        let step = 0;
        const work = async () => {
          for (let task = await pull(); task !== undefined; task = await pull()) {
            given.push(task.label);
            held.set(task.address, (held.get(task.address) ?? 0) + 1);
            expect(held.get(task.address)).toBeLessThanOrEqual(atOnce);
            for (let pause = pauses[(step += 1) % pauses.length] ?? 0; pause > 0; pause -= 1)
              await Promise.resolve();
            held.set(task.address, (held.get(task.address) ?? 0) - 1);
            task.end();
          }
        };
        const working = Array.from({ length: lanes }, work);
        for (const [index, address] of addresses.entries()) {
          add(`address ${address}`, `${index}`);
          if (index % 3 === 0) await Promise.resolve();
        }
        close();
        await Promise.all(working);
        expect(given.map(Number).toSorted((one, other) => one - other)).toEqual([...addresses.keys()]);
      },
    ),
  );
});
