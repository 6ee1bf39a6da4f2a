import type { Evidence, Finding } from '../../kit.ts';
import type { EngineFacts, EngineInstances } from './facts.ts';

/** What a container engine shows of a container that does not keep running. */
export interface EngineLoop {
  /**
   * `fast`: restarted at least 3 times in 15 minutes or 5 times in an hour, and still. `short`: restarted, and its last two instances ran only for
   * minutes. `slow`: it is to run all the time, has restarted several times, and its last two instances ran for less than two hours. `down`: it is to run
   * all the time, and no instance is running.
   */
  readonly pace: 'fast' | 'short' | 'slow' | 'down';
  /** How often it was started again in the last `spanMs`, as far as its instances show. The kubelet removes all dead ones but the newest. */
  readonly restarts: number;
  readonly spanMs?: number;
  readonly last?: EngineExit;
  /** How long it has been running. Absent if it is not running, or if unreadable. */
  readonly runningMs?: number;
}

/** How its newest dead instance ended. */
export interface EngineExit {
  readonly id: string;
  readonly exitCode?: number;
  readonly lifeMs?: number;
  /** How long ago. */
  readonly endedMs?: number;
}

/** One container on one engine that does not keep running. */
export interface EngineLooping {
  readonly engine: EngineFacts;
  readonly container: EngineInstances;
  readonly isControlPlane: boolean;
  readonly loop: EngineLoop;
  readonly severity: Finding['severity'];
  /** The rest of the control plane on this engine, which needs this one. */
  readonly dependents: readonly Evidence[];
  /** By the clock of the engine. */
  readonly nowMs: number;
}

type Instance = EngineInstances['instances'][number];

/** The windows in which restarts are counted. */
const FAST = [
  { restarts: 3, withinMs: 15 * 60_000 },
  { restarts: 5, withinMs: 60 * 60_000 },
] as const;
const SLOW = { attempts: 3, lifeMs: 2 * 60 * 60_000 } as const;
/** After this time of running, the kubelet resets its back-off: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy */
const STABLE_MS = 10 * 60_000;

/**
 * The loop that a container is in; undefined if it is in none. `mustRun`: it is to run all the time, so it is a fault if it does not. Any other may have
 * finished its work.
 */
export function engineLoopOf(
  { instances }: Pick<EngineInstances, 'instances'>,
  { mustRun, nowMs }: { readonly mustRun: boolean; readonly nowMs: number },
): EngineLoop | undefined {
  const [newest, ...older] = instances;
  if (!newest) return undefined;
  const running = instances.find(isRunning);
  const dead = instances.find((one) => !isRunning(one) && one.state !== 'created');
  const runningMs = running && elapsed(running.startedAt?.getTime(), nowMs);
  const last = dead && exitOf(dead, nowMs);
  const counts = older.flatMap((one, index) => {
    const spanMs = elapsed(one.startedAt?.getTime(), nowMs);
    const restarts =
      newest.attempt === undefined || one.attempt === undefined
        ? index + 1
        : Math.max(index + 1, newest.attempt - one.attempt);
    return spanMs === undefined ? [] : [{ restarts, spanMs }];
  });
  const { lifeMs = Infinity } = last ?? {};
  // It started after the last one had ended.
  const stableMs = runningMs ?? last?.endedMs ?? 0;
  const isStable =
    running !== undefined && stableMs >= Math.max(STABLE_MS, Math.min(2 * lifeMs, 6 * STABLE_MS));
  const fast = counts.find(({ restarts, spanMs }) =>
    FAST.some((limit) => restarts >= limit.restarts && spanMs <= limit.withinMs),
  );
  const measured = fast ?? counts.findLast(({ spanMs }) => spanMs <= FAST[1].withinMs);
  const facts = {
    restarts: measured?.restarts ?? 0,
    ...(measured && { spanMs: measured.spanMs }),
    ...(last && { last }),
    ...(runningMs !== undefined && { runningMs }),
  };
  if (mustRun && !running) return { pace: 'down', ...facts };
  if (fast && !isStable) return { pace: 'fast', ...facts };
  const hasRestarted = older.length > 0 || (newest.attempt ?? 0) > 0;
  if (!hasRestarted || isStable) return undefined;
  if (lifeMs < STABLE_MS) return { pace: 'short', ...facts };
  const isSlow = mustRun && (newest.attempt ?? 0) >= SLOW.attempts && lifeMs < SLOW.lifeMs;
  return isSlow ? { pace: 'slow', ...facts } : undefined;
}

function isRunning({ state }: Instance): boolean {
  return state === 'running' || state === 'paused';
}

function exitOf({ id, exitCode, startedAt, finishedAt }: Instance, nowMs: number): EngineExit {
  const lifeMs = elapsed(startedAt?.getTime(), finishedAt?.getTime());
  const endedMs = elapsed(finishedAt?.getTime(), nowMs);
  return {
    id,
    ...(exitCode !== undefined && { exitCode }),
    ...(lifeMs !== undefined && { lifeMs }),
    ...(endedMs !== undefined && { endedMs }),
  };
}

/** Clocks differ a little: a time in the future is now. */
function elapsed(fromMs: number | undefined, toMs: number | undefined): number | undefined {
  return fromMs === undefined || toMs === undefined ? undefined : Math.max(0, toMs - fromMs);
}
