import { vi } from 'vitest';

/**
 * Time that advances only when nothing else is left to do: a test that waits for a deadline takes no longer
 * than others, and behaves the same on a slow machine. Test files also mock `node:timers/promises` with
 * {@link virtualTimers}.
 */
export function useVirtualTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new DOMException('timed out', 'TimeoutError')), ms);
    return controller.signal;
  });
}

export function useRealTime(): void {
  vi.useRealTimers();
  vi.restoreAllMocks();
}

export const virtualTimers = {
  setTimeout: <T>(ms: number, value?: T, { signal }: { readonly signal?: AbortSignal } = {}) =>
    new Promise<T | undefined>((resolve, reject) => {
      const abort = () => {
        clearTimeout(timer);
        reject(new DOMException('The operation was aborted', 'AbortError'));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      }, ms);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    }),
};

/** Runs `work` to its end, and advances time to the next timer whenever everything else has settled. */
export async function inVirtualTime<T>(work: () => Promise<T>): Promise<T> {
  let isDone = false;
  const working = work().finally(() => {
    isDone = true;
  });
  working.catch(() => {});
  for (;;) {
    await settled();
    if (isDone) return working;
    if (vi.getTimerCount() === 0) throw new Error('waits for something that never comes');
    vi.advanceTimersToNextTimer();
  }
}

/** In-memory sources need only microtasks, which all run between two immediates. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
