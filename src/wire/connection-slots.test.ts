import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ConnectionSlot, openConnectionSlots } from './connection-slots.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const { signal } = new AbortController();
const open = () => openConnectionSlots({ most: 2, mostSilent: 2, silentAfterMs: 1_000, idleAfterMs: 25 });

/** Takes slots and keeps those that were granted, in order. */
function takeMany(slots: ReturnType<typeof open>, amount: number): ConnectionSlot[] {
  const granted: ConnectionSlot[] = [];
  for (let at = 0; at < amount; at += 1) void slots.take(signal).then((slot) => granted.push(slot));
  return granted;
}

test('grants as many as allowed, and the next one when one is released, once', async () => {
  const granted = takeMany(open(), 5);
  await vi.advanceTimersByTimeAsync(0);
  expect(granted).toHaveLength(2);

  granted[0]!.release();
  granted[0]!.release();
  await vi.advanceTimersByTimeAsync(0);

  expect(granted).toHaveLength(3);
});

test('slots that say nothing do not count, up to a limit', async () => {
  const granted = takeMany(open(), 9);

  await vi.advanceTimersByTimeAsync(999);
  expect(granted).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(granted).toHaveLength(4);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(granted).toHaveLength(4);

  // One of them is released: another one that says nothing takes its place outside.
  granted[0]!.release();
  await vi.advanceTimersByTimeAsync(0);
  expect(granted).toHaveLength(5);
});

test('a slot that says something again counts again', async () => {
  const granted = takeMany(open(), 3);
  await vi.advanceTimersByTimeAsync(900);
  granted[0]!.progressed();
  granted[1]!.progressed();
  await vi.advanceTimersByTimeAsync(900);
  expect(granted).toHaveLength(2);

  await vi.advanceTimersByTimeAsync(100);
  expect(granted).toHaveLength(3);
});

test('closes the connection that has been idle for longest, after a delay, only if others wait', async () => {
  const slots = open();
  const granted = takeMany(slots, 2);
  await vi.advanceTimersByTimeAsync(0);
  const closed: string[] = [];
  granted[1]!.becameIdle(() => closed.push('first'));
  await vi.advanceTimersByTimeAsync(10);
  granted[0]!.becameIdle(() => closed.push('second'));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(closed).toEqual([]);

  const more = takeMany(slots, 1);
  await vi.advanceTimersByTimeAsync(0);
  expect(closed).toEqual(['first']);
  expect(more).toHaveLength(1);
});

test('a connection that becomes busy within the delay is kept', async () => {
  const slots = open();
  const granted = takeMany(slots, 3);
  await vi.advanceTimersByTimeAsync(0);
  const close = vi.fn<() => void>();

  granted[0]!.becameIdle(close);
  await vi.advanceTimersByTimeAsync(24);
  granted[0]!.becameBusy();
  await vi.advanceTimersByTimeAsync(900);

  expect(close).not.toHaveBeenCalled();
  expect(granted).toHaveLength(2);
});

test('one that no longer waits is skipped', async () => {
  const slots = open();
  const [first] = await Promise.all([slots.take(signal), slots.take(signal)]);
  const stopped = new AbortController();
  const waiting = slots.take(stopped.signal);
  const next = slots.take(signal);

  stopped.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  first.release();

  await expect(next).resolves.toBeDefined();
  await expect(slots.take(stopped.signal)).rejects.toThrow('stopped');
});
