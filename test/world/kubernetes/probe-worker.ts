import type { ProbeSpec } from './workloads.ts';

/**
 * What happens in one attempt of a probe. `errors`: the probe itself cannot run, which does not count. With `takesSeconds`, it times out if its
 * timeout is not longer.
 */
export type Attempt = 'succeeds' | 'fails' | 'errors' | { readonly takesSeconds: number };

/** By the number of attempts since the container started, from 0. */
export type ProbeBehavior = (attempt: number) => Attempt;

export const TIMES_OUT: Attempt = { takesSeconds: Infinity };

export function always(attempt: Attempt): ProbeBehavior {
  return () => attempt;
}

/** `times` attempts in a row, each time after `after` that succeed. A threshold above `times` ends the loop. */
export function inBursts(
  attempt: Attempt,
  { times, after }: { readonly times: number; readonly after: number },
): ProbeBehavior {
  return (number) => (number % (times + after) < after ? 'succeeds' : attempt);
}

/** The first `times` attempts after each start; all later ones succeed. */
export function atFirst(attempt: Attempt, times: number): ProbeBehavior {
  return (number) => (number < times ? attempt : 'succeeds');
}

/** The container of a probe at one moment. */
export interface ProbedContainer {
  /** Its number, if it is running and this probe applies to it now: a liveness probe only after the startup probe has succeeded. */
  readonly probed?: number;
  readonly startedAtMs: number;
}

export interface ProbeWorker {
  /** When something happens next. */
  readonly dueMs: () => number;
  /** Continues until `dueMs`, which has come. Returns the result of an attempt, if one has ended. */
  readonly step: (container: ProbedContainer) => ProbeResult | undefined;
}

export interface ProbeResult {
  readonly result: 'succeeded' | 'failed' | 'timed-out' | 'errored';
  /** Whether the threshold has been reached: the kubelet kills the container, or it counts as started. */
  readonly isFinal: boolean;
}

/**
 * One probe of one container of a pod, as a worker of the kubelet runs it. It attempts once per period, blocked while an attempt runs, with at most one
 * missed tick kept; attempts during the initial delay are skipped, and so are all after the threshold until the container has been restarted:
 * https://github.com/kubernetes/kubernetes/blob/v1.33.5/pkg/kubelet/prober/worker.go
 */
export function makeProbeWorker(probe: ProbeSpec, behavior: ProbeBehavior, createdAtMs: number): ProbeWorker {
  const { initialDelaySeconds = 0, periodSeconds = 10, timeoutSeconds = 1, failureThreshold = 3 } = probe;
  const { successThreshold = 1 } = probe;
  const periodMs = periodSeconds * 1_000;
  const nextTickMs = (after: number) =>
    createdAtMs + (Math.floor((after - createdAtMs) / periodMs) + 1) * periodMs;
  let nextMs = createdAtMs;
  let running: { readonly attempt: Attempt; readonly endsAtMs: number } | undefined;
  let [instance, attempts, inARow, isOnHold] = [-1, 0, 0, false];
  let last: 'succeeded' | 'failed' | undefined;

  const end = (attempt: Attempt): ProbeResult => {
    const result = resultOf(attempt, timeoutSeconds);
    if (result === 'errored') return { result, isFinal: false };
    const counted = result === 'succeeded' ? 'succeeded' : 'failed';
    inARow = last === counted ? inARow + 1 : 1;
    last = counted;
    const isFinal = inARow >= (counted === 'failed' ? failureThreshold : successThreshold);
    isOnHold = isFinal && counted === 'failed';
    return { result, isFinal };
  };

  return {
    dueMs: () => running?.endsAtMs ?? nextMs,
    step: ({ probed, startedAtMs }) => {
      if (running) {
        const { attempt } = running;
        running = undefined;
        return probed === instance ? end(attempt) : undefined;
      }
      const now = nextMs;
      nextMs = nextTickMs(now);
      if (probed === undefined) return undefined;
      if (probed !== instance) {
        [instance, attempts, inARow, isOnHold] = [probed, 0, 0, false];
        last = undefined;
      }
      const ageSeconds = Math.floor((now - Math.floor(startedAtMs / 1_000) * 1_000) / 1_000);
      if (isOnHold || ageSeconds < initialDelaySeconds) return undefined;
      const attempt = behavior(attempts++);
      const tookMs = typeof attempt === 'object' ? Math.min(attempt.takesSeconds, timeoutSeconds) * 1_000 : 0;
      if (tookMs === 0) return end(attempt);
      running = { attempt, endsAtMs: now + tookMs };
      // A tick that was missed comes right after the attempt.
      nextMs = Math.max(nextMs, now + tookMs);
      return undefined;
    },
  };
}

function resultOf(attempt: Attempt, timeoutSeconds: number): ProbeResult['result'] {
  if (attempt === 'errors') return 'errored';
  if (attempt === 'fails') return 'failed';
  return typeof attempt === 'object' && attempt.takesSeconds >= timeoutSeconds ? 'timed-out' : 'succeeded';
}
