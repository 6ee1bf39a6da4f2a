export interface Deadline {
  /** Aborts when the time is up or the caller's signal aborts. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Whether the time was up, and not the caller who aborted. */
  readonly passed: () => boolean;
  readonly leftMs: () => number;
  /** Must be called. It detaches from the caller's signal, which may outlive thousands of calls. */
  readonly stop: () => void;
}

export function startDeadline(signal: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const endsAt = performance.now() + timeoutMs;
  let passed = false;
  let last: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // After a busy period Node runs timers before it reads sockets, and a response that has already arrived must count.
    last = setImmediate(() => {
      passed = true;
      controller.abort();
    });
  }, timeoutMs);
  const onAbort = (): void => controller.abort();
  if (signal.aborted) controller.abort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    timeoutMs,
    passed: () => passed,
    leftMs: () => endsAt - performance.now(),
    stop: () => {
      clearTimeout(timer);
      clearImmediate(last);
      signal.removeEventListener('abort', onAbort);
    },
  };
}
