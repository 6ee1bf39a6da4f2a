import type { Finding, ports } from '../../kit.ts';
import { isDown } from '../../shared/instances.ts';
import type { Facts, WatchedDeployment } from './collect.ts';
import { targetOf } from './problem.ts';

/**
 * The current state of an instance, or of a process on many instances, if the agents report it. undefined for instances that no longer
 * exist, do not report or list no process.
 */
export function resolved(
  { deployments }: Facts,
  { reason, target }: Pick<Finding, 'reason' | 'target'>,
): string | undefined {
  for (const deployment of deployments) {
    if (reason === 'process-not-running-on-many' && target.startsWith(`${targetOf(deployment)} `))
      return describeProcess(deployment, target.slice(targetOf(deployment).length + 1));
    const instance = deployment.instances.find((one) => targetOf(deployment, one) === target);
    if (instance) return describeInstance(instance);
  }
  return undefined;
}

function describeInstance(instance: ports.Instance): string | undefined {
  if (instance.desired !== 'started') return 'no longer meant to run';
  if (instance.ignored) return 'now ignored';
  const { processes } = instance;
  if (!isHealthy(instance)) return undefined;
  return processes.length === 1
    ? 'its process is running'
    : `${processes.length === 2 ? 'both of its' : `all of its ${processes.length}`} processes are running`;
}

function describeProcess({ instances }: WatchedDeployment, name: string): string | undefined {
  const counted = instances.filter(({ desired, ignored }) => desired === 'started' && !ignored);
  const on = counted.filter(({ processes }) => processes.some((process) => process.name === name));
  if (on.length === 0 || counted.some(({ processes }) => processes.length === 0)) return undefined;
  const isRunning = on.every(({ processes }) => processes.every((one) => one.name !== name || !isDown(one)));
  return isRunning
    ? `running on ${on.length === 1 ? 'its instance' : `all ${on.length} instances`}`
    : undefined;
}

/** Its agent reports it as running, and so is every process that it lists. */
function isHealthy({ state, processes, faults = [] }: ports.Instance): boolean {
  return state === 'running' && faults.length === 0 && processes.length > 0 && !processes.some(isDown);
}
