import type { ports } from '../../kit.ts';
import type { Watched } from './collect.ts';

/** A deployment, sorted by what is told of it and not yet judged. */
export interface Survey {
  readonly deployment: Watched;
  /** Those that should run: not stopped and not detached on purpose. */
  readonly awake: readonly ports.Instance[];
  readonly asleep: number;
  /** Those of the awake that tell of their processes, or have none. */
  readonly telling: readonly ports.Instance[];
  /** By name, over all that tell. */
  readonly processes: readonly Spread[];
}

/** One process and where it should run. */
export interface Spread {
  readonly name: string;
  readonly on: readonly { readonly instance: ports.Instance; readonly process: ports.RunningProcess }[];
  readonly down: Spread['on'];
}

export type Ailment = 'silent' | 'absent' | 'unseen' | 'stopped';

export function survey(deployment: Watched): Survey {
  const awake = deployment.instances.filter(({ desired }) => desired === 'started');
  const telling = awake.filter((instance) => ailmentOf(instance) === undefined);
  return {
    deployment,
    awake,
    asleep: deployment.instances.length - awake.length,
    telling,
    processes: spreads(telling),
  };
}

/** What is wrong with a whole instance, so that nothing can be said of its processes one by one. */
export function ailmentOf({ state }: ports.Instance): Ailment | undefined {
  switch (state) {
    case 'unresponsive':
      return 'silent';
    case 'absent':
      return 'absent';
    case 'unknown':
      return 'unseen';
    case 'stopped':
      return 'stopped';
    default:
      return undefined;
  }
}

export function isDown({ state }: ports.RunningProcess): boolean {
  return state !== 'running';
}

/**
 * The rule for one cause behind many: at least two, and more than half of all that could be hit.
 * Machines break one by one; what breaks on most of them at once has its cause somewhere else.
 */
export function isShared(hit: number, all: number): boolean {
  return hit >= 2 && 2 * hit > all;
}

/** Nothing runs on it. A single process that is down is told by its own name. */
export function isWhollyDown({ processes }: ports.Instance): boolean {
  return processes.length >= 2 && processes.every(isDown);
}

/** The same deployment with only these of the telling. */
export function only(surveyed: Survey, telling: readonly ports.Instance[]): Survey {
  return { ...surveyed, telling, processes: spreads(telling) };
}

function spreads(instances: readonly ports.Instance[]): Spread[] {
  const all = instances.flatMap((instance) => instance.processes.map((process) => ({ instance, process })));
  return [...Map.groupBy(all, ({ process }) => process.name)]
    .map(([name, on]) => ({ name, on, down: on.filter(({ process }) => isDown(process)) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
