import type { Evidence, Finding, ports } from '../../kit.ts';
import type { RestartOffer } from '../../shared/define-restart.ts';
import { field } from '../../shared/evidence.ts';
import { be, have, type Predicate } from '../../shared/grammar.ts';
import { changesInstances, describeLock } from '../../shared/instances.ts';
import type { WatchedDeployment } from './collect.ts';

/** Kinds of problems of one instance, in the order of the verdict, and how the verdict counts them. */
export const KINDS = {
  down: have('processes that are not running'),
  service: have('failing services'),
  silent: be('not responding'),
  absent: have('no VM'),
  unseen: have('an unresponsive monit'),
  stopped: be('stopped but should be running'),
  failing: be('failing'),
  starting: be('still starting'),
  unmonitored: have('services that are not monitored'),
} satisfies Record<string, Predicate>;

export type Kind = keyof typeof KINDS;

/** One finding, and its part in the verdict. */
export interface Problem {
  readonly finding: Finding<RestartOffer>;
  /** The text in the verdict if many instances share a cause. */
  readonly headline?: string;
  /** The deployment that the headline is about. */
  readonly within?: string;
  /** If it is about one instance: which one, and how the verdict counts it. */
  readonly counts?: { readonly kind: Kind; readonly instance: ports.Instance; readonly service?: string };
  /** If it is about ignored instances: the verdict mentions them if there is nothing else to report. */
  readonly ignored?: { readonly kind: Kind; readonly amount: number };
}

/** The names of a machine and its agent under this supervisor. */
export function nounsFor({ supervisor }: WatchedDeployment): {
  readonly machine: string;
  readonly agent: string;
} {
  return supervisor === 'director'
    ? { machine: 'VM', agent: 'agent' }
    : { machine: 'machine', agent: 'monit' };
}

/** `bosh:cf/doppler_z2/0`. For a host, which has no deployments, `edge:doppler_z2/0`. */
export function targetOf({ source, name, supervisor }: WatchedDeployment, instance?: ports.Instance): string {
  const whole = supervisor === 'host' ? source : `${source}:${name}`;
  if (instance === undefined) return whole;
  return supervisor === 'host' ? `${whole}:${instance.name}` : `${whole}/${instance.name}`;
}

/** A restart is refused while a task locks the deployment. It is still offered, because the task will end. */
export function lockEvidence(deployment: WatchedDeployment): Evidence[] {
  const words = describeLock(deployment);
  if (words === undefined) return [];
  const meanwhile = changesInstances(deployment.lock) ? 'instances stop and start while it runs, and ' : '';
  return [field('In progress', `${words}: ${meanwhile}restarts are blocked until it ends`)];
}

/** What to expect of instances that a running task is changing, instead of what to do about them. */
export function describeAfterTask(deployment: WatchedDeployment, back: string): string {
  const isGoing = /^(delete|stop)\b/i.test(deployment.lock?.description ?? '');
  const after = isGoing ? 'run the check again when the task ends' : `${back} before the task ends`;
  return `${describeLock(deployment)}: ${after}`;
}

const MAX_ROWS = 50;

/** The first rows in order, and the total number. */
export function table(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  of: string,
): Evidence[] {
  const shown = rows.slice(0, MAX_ROWS);
  const cut =
    rows.length > shown.length ? [field(of, `${rows.length} in total, first ${shown.length} shown`)] : [];
  return rows.length === 0 ? [] : [...cut, { kind: 'table', columns, rows: shown }];
}

export function byName(a: ports.Instance, b: ports.Instance): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true });
}
