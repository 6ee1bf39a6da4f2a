import type { ports } from '../../kit.ts';
import type { RestartedContainer } from './facts.ts';

/** What its status says about the last two instances of a container. */
export interface Instances {
  /** How long the previous instance ran. */
  readonly lifeMs?: number;
  /** How long the current one has been running. */
  readonly runningMs?: number;
  /** How long ago the newest instance started. */
  readonly sinceStartMs?: number;
  /** How long ago the newest one ended, if none is running. */
  readonly endedMs?: number;
  /** From one start to the next. In a back-off, the next start is when it ends. */
  readonly cycleMs?: number;
  readonly isBackingOff: boolean;
}

export const LONGEST_BACK_OFF_MS = 300_000;

export function instancesOf({ status }: Pick<RestartedContainer, 'status'>, now: Date): Instances {
  const { state, last } = status;
  const ended: ports.Termination | undefined = state.kind === 'terminated' ? state : last;
  const lifeMs = between(ended?.startedAt, ended?.finishedAt);
  const isBackingOff = state.kind === 'waiting' && state.reason === 'CrashLoopBackOff';
  const known = { ...(lifeMs !== undefined && { lifeMs }), isBackingOff };
  if (state.kind === 'running') {
    const runningMs = between(state.startedAt, now);
    const cycleMs = between(last?.startedAt, state.startedAt);
    return {
      ...known,
      ...(runningMs !== undefined && { runningMs, sinceStartMs: runningMs }),
      ...(cycleMs !== undefined && { cycleMs }),
    };
  }
  const endedMs = between(ended?.finishedAt, now);
  const sinceStartMs = between(ended?.startedAt, now);
  const cycleMs = isBackingOff ? (lifeMs ?? 0) + (backOffMs(state) ?? LONGEST_BACK_OFF_MS) : sinceStartMs;
  return {
    ...known,
    ...(endedMs !== undefined && { endedMs }),
    ...(sinceStartMs !== undefined && { sinceStartMs }),
    ...(cycleMs !== undefined && { cycleMs }),
  };
}

/** `back-off 2m40s restarting failed container=app` */
export function backOffMs({ message = '' }: { readonly message?: string }): number | undefined {
  const [, minutes, seconds] = /back-off (?:(\d+)m)?(?:(\d+)s)? /.exec(message) ?? [];
  const ms = (Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1_000;
  return ms > 0 ? ms : undefined;
}

/** Clocks differ a little: a time in the future is now. */
function between(from: Date | undefined, to: Date | undefined): number | undefined {
  return from && to ? Math.max(0, to.getTime() - from.getTime()) : undefined;
}
