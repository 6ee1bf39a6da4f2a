import type { Finding, ports } from '../kit.ts';

/** Rules about instances and their processes that several checks share, so that each reports the same severity for the same fault. */

type Severity = Finding['severity'];
type Lock = NonNullable<ports.Deployment['lock']>;

/** Problems of a whole instance. The state of its processes is then unknown. */
export type InstanceFault = 'silent' | 'absent' | 'unseen' | 'stopped';

/** A process on all instances that should run it. */
export interface ProcessSpread {
  readonly name: string;
  readonly on: readonly { readonly instance: ports.Instance; readonly process: ports.RunningProcess }[];
  readonly down: ProcessSpread['on'];
}

/** Whether it should run and is not ignored (`bosh ignore`). Only such instances count. */
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

/** The state in words. monit does not watch an unmonitored process, so it never restarts it. */
export function describeProcessState({ state }: ports.RunningProcess): string {
  return state === 'unmonitored' ? 'not monitored' : state;
}

/** Whether anything runs there, as far as is known. */
export function isUp(instance: ports.Instance): boolean {
  if (instanceFaultOf(instance) !== undefined) return false;
  const { processes, state } = instance;
  return processes.length === 0 ? state === 'running' : !processes.every(isDown);
}

/**
 * Whether a fault has a shared cause: it affects at least 2 instances, and more than half of those that it could affect. Machines fail one
 * by one; a fault of most of them at once has its cause elsewhere.
 */
export function isShared(hit: number, all: number): boolean {
  return hit >= 2 && 2 * hit > all;
}

/** Processes by name, on the instances that report their processes. */
export function groupByProcess(instances: readonly ports.Instance[]): ProcessSpread[] {
  const all = instances
    .filter((instance) => instanceFaultOf(instance) === undefined)
    .flatMap((instance) => instance.processes.map((process) => ({ instance, process })));
  return [...Map.groupBy(all, ({ process }) => process.name)]
    .map(([name, on]) => ({ name, on, down: on.filter(({ process }) => isDown(process)) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The severity of a process that is down: critical if it is down on most instances, or on all that have it; otherwise a warning; and one
 * level less if it is starting. A task that changes the deployment stops whole instances, so what it explains is at most a warning.
 */
export function severityOf({ on, down }: ProcessSpread, lock: Lock | undefined): Severity {
  const isWide = isShared(down.length, on.length) || down.length === on.length;
  if (down.every(({ process }) => process.state === 'starting')) return isWide ? 'warning' : 'info';
  if (!isWide) return 'warning';
  const isExplained =
    changesInstances(lock) && (down.length === 1 || down.every(({ instance }) => isBeingChanged(instance)));
  return isExplained ? 'warning' : 'critical';
}

/** A task stops and starts all processes of an instance. If one is down while the others run, the task is not the cause. */
export function isBeingChanged({ state, processes }: ports.Instance): boolean {
  return (
    state === 'starting' ||
    processes.every(isDown) ||
    processes.some((process) => process.state === 'starting')
  );
}

/**
 * Descriptions of tasks that lock a deployment without stopping anything:
 * https://github.com/cloudfoundry/bosh/tree/main/src/bosh-director/lib/bosh/director/api
 */
const STOPS_NOTHING = /^(run errand|scan cloud|export release|(create|delete) snapshot|snapshot)/i;

/** Whether the task that holds the lock stops and starts instances. A task without a description might. */
export function changesInstances(lock: Lock | undefined): lock is Lock {
  return lock !== undefined && !STOPS_NOTHING.test(lock.description ?? '');
}

/** `task 1180 (create deployment)` */
function describeTask({ taskId, description }: Lock): string {
  const task = taskId === 'unknown' ? 'a task that these credentials cannot see' : `task ${taskId}`;
  return description === undefined ? task : `${task} (${description})`;
}

type MaybeLocked = Pick<ports.Deployment, 'lock' | 'name'>;

/** `task 1180 (create deployment) is changing cf`. undefined if the deployment is not locked. */
export function describeLock({ lock, name }: MaybeLocked): string | undefined {
  return lock && `${describeTask(lock)} ${lockVerb(lock)} ${name}`;
}

/** The same without the description of the task. */
export function describeLockBriefly({ lock, name }: MaybeLocked): string | undefined {
  return lock && `${describeTask({ taskId: lock.taskId })} ${lockVerb(lock)} ${name}`;
}

function lockVerb(lock: Lock): string {
  return changesInstances(lock) ? 'is changing' : 'holds the lock on';
}

/** `its deployment is locked by task 1180 (create deployment)`. undefined if it is not locked. */
export function describeLocked({ lock }: Pick<ports.Deployment, 'lock'>): string | undefined {
  return lock && `its deployment is locked by ${describeTask(lock)}`;
}
