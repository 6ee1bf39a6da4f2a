import type { ports } from '../../kit.ts';
import {
  instanceFaultOf,
  isCounted,
  isDown,
  type ProcessSpread,
  groupByProcess,
} from '../../shared/instances.ts';
import type { WatchedDeployment } from './collect.ts';

/** A deployment, sorted by what is known of it and not yet judged. */
export interface Survey {
  readonly deployment: WatchedDeployment;
  /** Those that should run and count: not stopped, detached or ignored on purpose. */
  readonly active: readonly ports.Instance[];
  /** Those that should run, and are ignored: they are shown and counted nowhere. */
  readonly ignored: readonly ports.Instance[];
  readonly stopped: number;
  /** Those of the active that report their processes, or have none. */
  readonly reporting: readonly ports.Instance[];
  /** By name, over all that report them. */
  readonly processes: readonly ProcessSpread[];
}

export function survey(deployment: WatchedDeployment): Survey {
  const started = deployment.instances.filter(({ desired }) => desired === 'started');
  const active = started.filter(isCounted);
  const reporting = active.filter((instance) => instanceFaultOf(instance) === undefined);
  return {
    deployment,
    active,
    ignored: started.filter(({ ignored }) => ignored),
    stopped: deployment.instances.length - started.length,
    reporting,
    processes: groupByProcess(reporting),
  };
}

/** Nothing runs on it. A single process that is down is shown by its own name. */
export function isWhollyDown({ processes }: ports.Instance): boolean {
  return processes.length >= 2 && processes.every(isDown);
}

/** The same deployment with only these instances that report. */
export function withReporting(surveyed: Survey, reporting: readonly ports.Instance[]): Survey {
  return { ...surveyed, reporting, processes: groupByProcess(reporting) };
}
