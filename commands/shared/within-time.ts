import { setTimeout } from 'node:timers/promises';

/**
 * The result of `work`; undefined if it isn't there within this time, or before `signal` aborts. Then the signal of `work` is aborted, and nothing waits for it
 * anymore, even if it ignores that.
 * @throws what `work` throws in time
 */
export async function withinTime<T>(
  signal: AbortSignal,
  withinMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const late = new AbortController();
  const done = new AbortController();
  const working = work(AbortSignal.any([signal, late.signal]));
  // It may fail after no one waits for it.
  working.catch(() => undefined);
  const timeout = setTimeout(Math.max(0, withinMs), undefined, {
    signal: AbortSignal.any([signal, done.signal]),
  }).catch(() => undefined);
  try {
    return await Promise.race([working, timeout]);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    done.abort();
    late.abort();
  }
}
