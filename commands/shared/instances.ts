import type { Finding, ports } from '../kit.ts';

/** What several checks say about instances and their processes, so that one fault has one severity whichever check reports it. */

type Severity = Finding['severity'];
type Lock = NonNullable<ports.Deployment['lock']>;

/** What is wrong with a whole instance, so that nothing is known about its single processes. */
export type InstanceFault = 'silent' | 'absent' | 'unseen' | 'stopped';

/** One process, on all instances that should run it. */
export interface ProcessSpread {
  readonly name: string;
  readonly on: readonly { readonly instance: ports.Instance; readonly process: ports.RunningProcess }[];
  readonly down: ProcessSpread['on'];
}

/** Whether it should run, and is not ignored (`bosh ignore`): only then does it count. */
export function isCounted({ desired, ignored }: ports.Instance): boolean {
  return desired === 'started' && !ignored;
}

export function instanceFaultOf({ state }: ports.Instance): InstanceFault | undefined {
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

/** `unmonitored` in words: monit does not watch it, so it is never restarted automatically. */
export function describeProcessState({ state }: ports.RunningProcess): string {
  return state === 'unmonitored' ? 'not monitored' : state;
}

/** Something runs there, as far as can be seen. */
export function isUp(instance: ports.Instance): boolean {
  if (instanceFaultOf(instance) !== undefined) return false;
  const { processes, state } = instance;
  return processes.length === 0 ? state === 'running' : !processes.every(isDown);
}

/**
 * The rule for one cause behind many: at least two, and more than half of all that could be hit.
 * Machines break one by one; what breaks on most of them at once has its cause somewhere else.
 */
export function isShared(hit: number, all: number): boolean {
  return hit >= 2 && 2 * hit > all;
}

/** By name, on those of the instances that report their processes. */
export function groupByProcess(instances: readonly ports.Instance[]): ProcessSpread[] {
  const all = instances
    .filter((instance) => instanceFaultOf(instance) === undefined)
    .flatMap((instance) => instance.processes.map((process) => ({ instance, process })));
  return [...Map.groupBy(all, ({ process }) => process.name)]
    .map(([name, on]) => ({ name, on, down: on.filter(({ process }) => isDown(process)) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * How bad it is that a process is down: critical where that is so on most instances, or on all that have it; a warning where others carry
 * on; and what is starting one step less. A task that changes the deployment stops whole instances: what it explains is no more than a warning.
 */
export function severityOf({ on, down }: ProcessSpread, lock: Lock | undefined): Severity {
  const isWide = isShared(down.length, on.length) || down.length === on.length;
  if (down.every(({ process }) => process.state === 'starting')) return isWide ? 'warning' : 'info';
  if (!isWide) return 'warning';
  const isExplained =
    changesInstances(lock) && (down.length === 1 || down.every(({ instance }) => isBeingChanged(instance)));
  return isExplained ? 'warning' : 'critical';
}

/** A task stops and starts all processes of an instance. One that is down while the others run is not its doing. */
export function isBeingChanged({ state, processes }: ports.Instance): boolean {
  return (
    state === 'starting' ||
    processes.every(isDown) ||
    processes.some((process) => process.state === 'starting')
  );
}

/** What takes the lock and stops nothing, as a director describes it: lib/bosh/director/api in cloudfoundry/bosh. */
const STOPS_NOTHING = /^(run errand|scan cloud|export release|(create|delete) snapshot|snapshot)/i;

/** Whether the task that holds the lock stops and starts instances. One that is not described may. */
export function changesInstances(lock: Lock | undefined): lock is Lock {
  return lock !== undefined && !STOPS_NOTHING.test(lock.description ?? '');
}

/** `task 1180 (create deployment)` */
function describeTask({ taskId, description }: Lock): string {
  const task = taskId === 'unknown' ? 'a task that this credential cannot see' : `task ${taskId}`;
  return description === undefined ? task : `${task} (${description})`;
}

type MaybeLocked = Pick<ports.Deployment, 'lock' | 'name'>;

/** `task 1180 (create deployment) is changing cf`, where a task holds the lock on the deployment. */
export function describeLock({ lock, name }: MaybeLocked): string | undefined {
  return lock && `${describeTask(lock)} ${lockVerb(lock)} ${name}`;
}

/** The same without what the task is about. */
export function describeLockBriefly({ lock, name }: MaybeLocked): string | undefined {
  return lock && `${describeTask({ taskId: lock.taskId })} ${lockVerb(lock)} ${name}`;
}

function lockVerb(lock: Lock): string {
  return changesInstances(lock) ? 'is changing' : 'holds the lock on';
}

/** `its deployment is locked by task 1180 (create deployment)`, where it is. */
export function describeLocked({ lock }: Pick<ports.Deployment, 'lock'>): string | undefined {
  return lock && `its deployment is locked by ${describeTask(lock)}`;
}
