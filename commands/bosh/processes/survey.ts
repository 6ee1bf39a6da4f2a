import type { ports } from '../../kit.ts';
import { ailmentOf, isCounted, isDown, type Spread, spreadsOf } from '../../shared/instances.ts';
import type { Watched } from './collect.ts';

/** A deployment, sorted by what is known of it and not yet judged. */
export interface Survey {
  readonly deployment: Watched;
  /** Those that should run and count: not stopped, detached or ignored on purpose. */
  readonly awake: readonly ports.Instance[];
  /** Those that should run, and are ignored: they are shown and counted nowhere. */
  readonly ignored: readonly ports.Instance[];
  readonly asleep: number;
  /** Those of the awake that report their processes, or have none. */
  readonly telling: readonly ports.Instance[];
  /** By name, over all that report them. */
  readonly processes: readonly Spread[];
}

export function survey(deployment: Watched): Survey {
  const started = deployment.instances.filter(({ desired }) => desired === 'started');
  const awake = started.filter(isCounted);
  const telling = awake.filter((instance) => ailmentOf(instance) === undefined);
  return {
    deployment,
    awake,
    ignored: started.filter(({ ignored }) => ignored),
    asleep: deployment.instances.length - started.length,
    telling,
    processes: spreadsOf(telling),
  };
}

/** Nothing runs on it. A single process that is down is shown by its own name. */
export function isWhollyDown({ processes }: ports.Instance): boolean {
  return processes.length >= 2 && processes.every(isDown);
}

/** The same deployment with only these instances that report. */
export function only(surveyed: Survey, telling: readonly ports.Instance[]): Survey {
  return { ...surveyed, telling, processes: spreadsOf(telling) };
}
