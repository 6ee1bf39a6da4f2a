import type { ports, Remembered } from '../../kit.ts';
import type { RestartedContainer } from './facts.ts';
import { fullKillWindowSeconds, killWindows } from './kill-windows.ts';
import { instancesOf, type Instances, LONGEST_BACK_OFF_MS } from './instances.ts';
import type { RestartSample } from './samples.ts';
import { type Span, spansOf, spread } from './spans.ts';

/** How often a container restarts. */
export interface Loop {
  /**
   * `fast`: at least 3 times in 15 minutes or 5 times in an hour, and still; or it waits to be started again after it could not be. `slow`: a lasting
   * pattern below that. `ended`: it did within the last hour, and has been running for longer than before. `proving`: Wrench changed its probe, and it
   * has not run for a full kill window since, or may have been killed again.
   */
  readonly pace: 'fast' | 'slow' | 'ended' | 'proving';
  /** `restarts` in the last `spanMs`: what was measured, or at least known. */
  readonly restarts: number;
  readonly spanMs: number;
  /** Whether it is extrapolated from the last two starts, because no earlier sample is known. */
  readonly isEstimate: boolean;
  /** How long the previous instance ran. */
  readonly lifeMs?: number;
  /** How long the current one has been running. Absent if it is not running. */
  readonly runningMs?: number;
  /** For `proving`: when it will have run for a full kill window. Absent if it may have been killed again. */
  readonly provenAt?: Date;
}

/** Whether it restarts now. */
export function isGoingOn(loop: Loop | undefined): boolean {
  return loop?.pace === 'fast' || loop?.pace === 'slow';
}

type Rate = Pick<Loop, 'restarts' | 'spanMs' | 'isEstimate'>;

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const FAST = { inQuarter: 3, inHour: 5 };
/** Fewer restarts a day are no loop: a nightly restart, or a node that was updated. */
const SLOW_IN_DAY = 5;
/** Nor are these, unless they go on for a week or so, or were a slow loop before. */
const LASTING_IN_DAY = 3;
/** A fast loop that was measured before goes on above these, so that one near a limit is not another one in each run. */
const STILL_FAST = { inQuarter: 2, inHour: 3 };
/** A run may begin a little late. */
const TOLERANCE = 1.1;
/** With a counter of unknown age, a slow loop must have lasted. */
const MANY = 20;
/** Fewer than this say nothing about a lasting pattern. */
const LASTING_MS = 2 * HOUR_MS;
/** The back-off of a container that has run for this long starts again. */
export const CALM_MS = 10 * MINUTE_MS;
/** Time for a pod to get its first containers started. */
const STARTING_MS = 2 * MINUTE_MS;

/** The kubelet could not create or start it, and will try again. */
const CANNOT_START = new Set([
  'CreateContainerConfigError',
  'CreateContainerError',
  'PostStartHookError',
  'RunContainerError',
  'StartError',
]);

/**
 * The loop that a container is in; undefined if it is in none. `earlier` are the samples of this container, oldest first. Decided by how often it
 * restarts, never by the phase of its pod, which is `Running` for most of a loop.
 */
export function loopOf(
  container: RestartedContainer,
  earlier: readonly Remembered<RestartSample>[],
  now: Date,
): Loop | undefined {
  const instances = instancesOf(container, now);
  const { lifeMs, runningMs } = instances;
  const more = {
    ...(lifeMs !== undefined && { lifeMs }),
    ...(runningMs !== undefined && { runningMs }),
  };
  const restarts = willRestart(container) ? container.status.restarts : undefined;
  const pace =
    restarts === undefined
      ? undefined
      : paceOf(container, instances, {
          spans: spansOf(container, earlier, now),
          was: earlier.at(-1)?.pace,
          now,
        });
  if (pace && pace.pace !== 'ended') return { ...pace, ...more };
  return provingOf(container, instances, now) ?? (pace && { ...pace, ...more });
}

/**
 * Whether the kubelet starts it again when it ends, or has done so: a container may have rules of its own. Init containers end with success once.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-restart-rules
 */
function willRestart({ kind, restartPolicy, status: { state } }: RestartedContainer): boolean {
  if (kind === 'sidecar' || state.kind !== 'terminated') return true;
  const isDone = state.exitCode === 0;
  return restartPolicy !== 'Never' && !(isDone && (kind === 'init' || restartPolicy === 'OnFailure'));
}

interface Counts {
  readonly spans: readonly Span[];
  /** As it was measured before. */
  readonly was: RestartSample['pace'];
  readonly now: Date;
}

function paceOf(
  container: RestartedContainer,
  instances: Instances,
  { spans, was, now }: Counts,
): (Rate & Pick<Loop, 'pace'>) | undefined {
  const isCalm = isOver(container, instances);
  const limits = was === 'fast' ? STILL_FAST : FAST;
  const measured = fastRate(spans, limits);
  const fast = isCalm
    ? undefined
    : (measured ??
      sustainedRate(spans, instances, limits) ??
      killRate(container, instances, { limits, now }) ??
      estimatedRate(container, instances, spans));
  if (fast) return { pace: 'fast', ...fast };
  const slow = slowRate(container, instances, { spans, was, now });
  if (slow) return { pace: 'slow', ...slow };
  const stuck = stuckRate(container, instances, now);
  if (stuck) return stuck;
  return isCalm && measured ? { pace: 'ended', ...measured } : undefined;
}

/** Whether it has been running for so long that what ended it before would have ended it again. */
function isOver(container: RestartedContainer, instances: Instances): boolean {
  const { runningMs, lifeMs = 0, endedMs } = instances;
  if (runningMs === undefined) {
    // A back-off that is over, and no start: the kubelet does not report any more.
    const longestMs = CALM_MS + (instances.isBackingOff ? LONGEST_BACK_OFF_MS : 0);
    return endedMs !== undefined && endedMs > longestMs;
  }
  return runningMs > Math.max(CALM_MS, 2 * lifeMs, killWindowMs(container) ?? 0);
}

/** How long it must run until it is certain that its probes don't kill it as before; undefined without a probe. */
function killWindowMs({ liveness, startup, graceSeconds }: RestartedContainer): number | undefined {
  const secondsOf = (probe: ports.Probe, first?: ports.Probe) =>
    fullKillWindowSeconds(probe, probe.graceSeconds ?? graceSeconds, first);
  const windows = [liveness && secondsOf(liveness, startup), startup && secondsOf(startup)];
  const seconds = windows.filter((one) => one !== undefined);
  return seconds.length === 0 ? undefined : Math.max(...seconds) * 1_000;
}

/** Enough restarts counted in about an hour or a quarter of one. */
function fastRate(spans: readonly Span[], { inHour, inQuarter }: typeof FAST): Rate | undefined {
  const found = (
    [
      [HOUR_MS, inHour],
      [QUARTER_MS, inQuarter],
    ] as const
  ).flatMap(([windowMs, least]) => {
    const span = longestWithin(spans, windowMs);
    return span && span.count >= least ? [span] : [];
  })[0];
  return found && rateOf(found);
}

/** Enough per hour on average over a longer time, and the last two starts are as close together. */
function sustainedRate(
  spans: readonly Span[],
  { cycleMs = 0 }: Instances,
  { inHour }: typeof FAST,
): Rate | undefined {
  if (cycleMs > HOUR_MS / inHour) return undefined;
  const found = spans
    .filter(({ spanMs }) => spanMs >= HOUR_MS && spanMs <= DAY_MS * TOLERANCE)
    .find(({ count, spanMs }) => count / spanMs >= inHour / HOUR_MS);
  return found && rateOf(found);
}

/** The kills that events show. Each is followed by a restart. */
function killRate(
  { events: { kills }, status: { restarts = 0 } }: RestartedContainer,
  instances: Instances,
  { limits, now }: { readonly limits: typeof FAST; readonly now: Date },
): Rate | undefined {
  if (!kills?.firstAt) return undefined;
  const spanMs = now.getTime() - kills.firstAt.getTime();
  const spans = [{ count: Math.min(kills.count, restarts), spanMs, seenMs: [] }].filter(
    (one) => one.spanMs > 0,
  );
  return fastRate(spans, limits) ?? sustainedRate(spans, instances, limits);
}

/** How often it would restart if it went on like the last time. What was counted over a few such cycles limits it. */
function estimatedRate(
  { status: { restarts = 0 } }: RestartedContainer,
  { cycleMs }: Instances,
  spans: readonly Span[],
): Rate | undefined {
  if (cycleMs === undefined) return undefined;
  const counted = spans.filter(({ spanMs }) => spanMs >= FAST.inQuarter * cycleMs).map(({ count }) => count);
  const limitTasks = Math.min(restarts, ...counted);
  for (const [spanMs, least] of [
    [HOUR_MS, FAST.inHour],
    [QUARTER_MS, FAST.inQuarter],
  ] as const) {
    const expected = Math.min(limitTasks, Math.floor(spanMs / Math.max(cycleMs, 1_000)));
    if (expected >= least) return { restarts: expected, spanMs, isEstimate: true };
  }
  return undefined;
}

/**
 * A few restarts an hour, or several a day, for hours or days. One that restarts several times at once, such as while what it depends on is updated,
 * and then runs, is no such pattern.
 */
function slowRate(
  container: RestartedContainer,
  instances: Instances,
  { spans, was, now }: Counts,
): Rate | undefined {
  const inDay = was === undefined ? SLOW_IN_DAY : LASTING_IN_DAY;
  const { cycleMs, sinceStartMs = 0 } = instances;
  const isAsBefore = (intervalMs: number) =>
    cycleMs === undefined
      ? sinceStartMs <= 2.5 * intervalMs
      : cycleMs >= intervalMs / 4 && sinceStartMs <= 3 * cycleMs;
  const found = spans
    .filter(({ count, spanMs }) => spanMs >= LASTING_MS && count >= inDay)
    .map((span) => ({ ...span, intervalMs: span.spanMs / span.count }))
    .filter(
      ({ intervalMs, count }) =>
        intervalMs <= DAY_MS / inDay ||
        (count >= MANY && intervalMs <= DAY_MS / LASTING_IN_DAY && (cycleMs ?? Infinity) <= 1.5 * intervalMs),
    )
    .toSorted((a, b) => Math.abs(a.spanMs - DAY_MS) - Math.abs(b.spanMs - DAY_MS))
    .find((span) => isAsBefore(span.intervalMs) || (spread(span) && sinceStartMs <= 2.5 * span.intervalMs));
  return found ? rateOf(found) : slowEstimate(container, instances, spans, now);
}

/** Of a static pod, whose counter is older than its mirror, without enough earlier samples: it restarted many times, and still does now and then. */
function slowEstimate(
  { owner, status: { restarts = 0 }, podCreatedAt }: RestartedContainer,
  { cycleMs, sinceStartMs = 0 }: Instances,
  spans: readonly Span[],
  now: Date,
): Rate | undefined {
  if (owner.kind !== 'Static' || cycleMs === undefined || restarts < MANY) return undefined;
  // The static pod is at least as old as its mirror, so it restarts at most this often.
  const mirrorMs = podCreatedAt ? now.getTime() - podCreatedAt.getTime() : 0;
  const isRarer = [...spans, { count: restarts, spanMs: mirrorMs }].some(
    ({ count, spanMs }) => spanMs > 4 * cycleMs * Math.max(count, 1),
  );
  if (isRarer || cycleMs > DAY_MS / SLOW_IN_DAY || sinceStartMs > 3 * cycleMs) return undefined;
  return { restarts: Math.min(restarts, Math.floor(DAY_MS / cycleMs)), spanMs: DAY_MS, isEstimate: true };
}

/** It waits to be started again, whatever was counted: it is down now. */
function stuckRate(
  { status: { restarts = 0, state }, podCreatedAt, owner }: RestartedContainer,
  { cycleMs }: Instances,
  now: Date,
): (Rate & Pick<Loop, 'pace'>) | undefined {
  if (state.kind !== 'waiting') return undefined;
  const spanMs = podCreatedAt ? Math.max(0, now.getTime() - podCreatedAt.getTime()) : 0;
  const rate: Rate =
    cycleMs !== undefined && (owner.kind === 'Static' || spanMs > DAY_MS)
      ? {
          restarts: Math.min(restarts, Math.floor(DAY_MS / Math.max(cycleMs, 1_000))),
          spanMs: DAY_MS,
          isEstimate: true,
        }
      : { restarts, spanMs, isEstimate: true };
  // The kubelet also waits after a single crash.
  const isOften = cycleMs === undefined || cycleMs <= DAY_MS / SLOW_IN_DAY;
  if (state.reason === 'CrashLoopBackOff' && restarts >= FAST.inQuarter && isOften)
    return { pace: 'slow', ...rate };
  const cannotStart = state.reason !== undefined && CANNOT_START.has(state.reason);
  if (!cannotStart || (restarts === 0 && spanMs < STARTING_MS)) return undefined;
  return { pace: 'fast', ...rate };
}

/**
 * The pods that are created from a changed template start counting at zero, so no restart proves nothing at first. One that may have been killed again
 * stays unproven.
 */
function provingOf(
  container: RestartedContainer,
  { runningMs: seenRunningMs, lifeMs }: Instances,
  now: Date,
): Loop | undefined {
  const { adjusted, podCreatedAt, status } = container;
  const since = adjusted?.at ?? (adjusted && podCreatedAt);
  if (!since) return undefined;
  const windowMs = killWindowMs(container);
  const spanMs = Math.max(0, now.getTime() - since.getTime());
  if (windowMs === undefined || spanMs >= HOUR_MS) return undefined;
  const isAgain = mayBeKilledAgain(container, lifeMs);
  // A pod with the change has not run for longer than that, whatever the clock of its node says.
  const runningMs = seenRunningMs === undefined ? undefined : Math.min(seenRunningMs, spanMs);
  if (!isAgain && runningMs !== undefined && runningMs >= windowMs) return undefined;
  return {
    pace: 'proving',
    restarts: status.restarts ?? 0,
    spanMs,
    isEstimate: false,
    ...(lifeMs !== undefined && { lifeMs }),
    ...(runningMs !== undefined && {
      runningMs,
      // oxlint-disable-next-line no-restricted-globals -- computed from the time of the run
      ...(!isAgain && { provenAt: new Date(now.getTime() - runningMs + windowMs) }),
    }),
  };
}

/** Times in a status are whole seconds. */
const TOLERANCE_SECONDS = 2;

/** Whether a probe may have ended an earlier instance of this container: that one ran for long enough. */
function mayBeKilledAgain({ liveness, startup, status }: RestartedContainer, lifeMs = Infinity): boolean {
  const isLongEnough = [liveness, startup].some(
    (probe) => probe && lifeMs / 1_000 >= killWindows(probe).fails.fromSeconds - TOLERANCE_SECONDS,
  );
  return (status.restarts ?? 0) > 0 && isLongEnough;
}

function longestWithin(spans: readonly Span[], windowMs: number): Span | undefined {
  return spans
    .filter(({ spanMs }) => spanMs <= windowMs * TOLERANCE)
    .reduce<Span | undefined>(
      (longest, one) => (longest && longest.spanMs >= one.spanMs ? longest : one),
      undefined,
    );
}

function rateOf({ count, spanMs }: Span): Rate {
  return { restarts: count, spanMs, isEstimate: false };
}
