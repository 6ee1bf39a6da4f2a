import type { Diagnosis, ports } from '../../kit.ts';
import {
  groupByProcess,
  instanceFaultOf,
  isCounted,
  isDown,
  isUp,
  type ProcessSpread,
} from '../../shared/instances.ts';
import type { WatchedDeployment } from './collect.ts';
import { nounsFor } from './problem.ts';

/** The facts about a deployment, sorted but not judged. */
export interface Survey {
  readonly deployment: WatchedDeployment;
  /** Instances that should run and count: not stopped, detached or ignored. */
  readonly active: readonly ports.Instance[];
  /** Instances that should run but are ignored: they are shown, but not counted. */
  readonly ignored: readonly ports.Instance[];
  readonly stopped: number;
  /** Active instances that report their processes, or have none. */
  readonly reporting: readonly ports.Instance[];
  /** Processes by name, on all instances that report them. */
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

/** The same deployment, limited to these reporting instances. */
export function withReporting(surveyed: Survey, reporting: readonly ports.Instance[]): Survey {
  return { ...surveyed, reporting, processes: groupByProcess(reporting) };
}

/** Whether nothing is running on it. A single process that is down is shown by its name. */
export function isWhollyDown({ processes }: ports.Instance): boolean {
  return processes.length >= 2 && processes.every(isDown);
}

/** Whether no other active instance of its group is up. */
export function isLastOf({ active }: Survey, instance: ports.Instance): boolean {
  return !active.some((other) => other.group === instance.group && isUp(other));
}

type Measure = NonNullable<Diagnosis['measures']>[number];

/**
 * How many of the most widespread processes are measured, whatever their state, so that the measures are the same before and after. As many
 * more are measured if they are down.
 */
const MAX_PROCESSES = 20;

/** How many of those that should run are running: `metron_agent running on 12 of 12`. */
export function measuresOf(surveys: readonly Survey[]): Measure[] {
  return surveys.flatMap((one) => {
    const prefix = surveys.length > 1 ? `${one.deployment.name} ` : '';
    const all = one.processes
      .map(({ name, on, down }) => ({
        label: `${prefix}${name}`,
        value: on.length - down.length,
        of: on.length + countNotReporting(one, name),
        unit: 'running',
      }))
      .toSorted((a, b) => b.of - a.of);
    const downBesides = all.slice(MAX_PROCESSES).filter(({ value, of }) => value < of);
    return [...agentsOf(one, prefix), ...all.slice(0, MAX_PROCESSES), ...downBesides.slice(0, MAX_PROCESSES)];
  });
}

function agentsOf({ deployment, active }: Survey, prefix: string): Measure[] {
  if (active.length === 0) return [];
  const answering = active.filter(({ state }) => state !== 'unresponsive' && state !== 'absent').length;
  const label = `${prefix}${nounsFor(deployment).agent}`;
  return [{ label, value: answering, of: active.length, unit: 'answering' }];
}

/** Instances that do not report their processes, and whose group is known to run this one. */
function countNotReporting({ active, reporting }: Survey, name: string): number {
  const groups = new Set(
    reporting
      .filter(({ processes }) => processes.some((process) => process.name === name))
      .map(({ group }) => group),
  );
  return active.filter((one) => instanceFaultOf(one) !== undefined && groups.has(one.group)).length;
}
