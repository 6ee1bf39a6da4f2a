import type { ports } from '../../kit.ts';

/** The age of a container, in seconds since it started, at which its kubelet kills it if a probe fails from the start. */
export interface KillWindow {
  /** `fails`: the probe fails at once. `times-out`: each attempt takes its whole timeout. */
  readonly how: 'fails' | 'times-out';
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

type Timing = Pick<
  ports.Probe,
  'initialDelaySeconds' | 'periodSeconds' | 'timeoutSeconds' | 'failureThreshold'
>;

/**
 * The two windows of a probe. The kubelet's worker ticks once per period, is blocked while an attempt runs, and keeps at most one missed tick; it skips
 * attempts during the initial delay: https://github.com/kubernetes/kubernetes/blob/v1.33.5/pkg/kubelet/prober/worker.go
 */
export function killWindows({
  initialDelaySeconds: delay,
  periodSeconds: period,
  timeoutSeconds: timeout,
  failureThreshold: threshold,
}: Timing): Readonly<Record<'fails' | 'timesOut', KillWindow>> {
  const failsFrom = delay + (threshold - 1) * period;
  const timesOutFrom = delay + (threshold - 1) * Math.max(period, timeout) + timeout;
  return {
    fails: { how: 'fails', fromSeconds: failsFrom, toSeconds: failsFrom + period },
    timesOut: { how: 'times-out', fromSeconds: timesOutFrom, toSeconds: timesOutFrom + period },
  };
}

/**
 * How long a container must run until it is certain that this probe does not kill it as before, including the time to end after SIGTERM. A startup probe
 * delays its liveness probe until it has passed.
 */
export function fullKillWindowSeconds(probe: Timing, graceSeconds: number, startup?: Timing): number {
  const longest = (one: Timing) => Math.max(...Object.values(killWindows(one)).map((each) => each.toSeconds));
  return longest(probe) + (startup ? longest(startup) : 0) + graceSeconds;
}

/** How long an instance of a container ran, and how it ended. */
export interface Life {
  readonly seconds: number;
  readonly exitCode?: number;
}

/** Times in a status are whole seconds, and the kubelet needs a moment for the kill. */
const TOLERANCE_SECONDS = 2;

/**
 * Whether a probe that kills in this window can have killed this instance. A process may use the whole grace period to stop. It has used all of it if it was
 * ended by SIGKILL (exit code 137).
 */
export function canHaveEnded(
  { fromSeconds, toSeconds }: KillWindow,
  life: Life,
  graceSeconds: number,
): boolean {
  const usedAtLeast = life.exitCode === 137 ? graceSeconds : 0;
  return (
    life.seconds >= fromSeconds + usedAtLeast - TOLERANCE_SECONDS &&
    life.seconds <= toSeconds + graceSeconds + TOLERANCE_SECONDS
  );
}
