import type { Evidence, Finding, ports } from '../../kit.ts';
import type { RestartOffer } from '../../shared/define-restart.ts';
import { field } from '../../shared/evidence.ts';
import { be, have, type Predicate } from '../../shared/grammar.ts';
import { changesInstances, describeLock } from '../../shared/instances.ts';
import type { WatchedDeployment } from './collect.ts';

/** What is wrong with one instance, in the order of the verdict, and how the verdict counts it. */
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

/** One finding, and what the verdict needs of it. */
export interface Problem {
  readonly finding: Finding<RestartOffer>;
  /** Where one cause is behind many instances: the verdict has this text. */
  readonly headline?: string;
  /** Where the headline is about one deployment of perhaps several. */
  readonly within?: string;
  /** Where it is about one instance: which, and what the verdict counts it as. */
  readonly counts?: { readonly kind: Kind; readonly instance: ports.Instance; readonly service?: string };
  /** Where it is about ignored instances: the verdict mentions them where there is nothing else to say. */
  readonly ignored?: { readonly kind: Kind; readonly amount: number };
}

/** What a machine and its agent are called where this supervisor runs them. */
export function nounsFor({ supervisor }: WatchedDeployment): {
  readonly machine: string;
  readonly agent: string;
} {
  return supervisor === 'director'
    ? { machine: 'VM', agent: 'agent' }
    : { machine: 'machine', agent: 'monit' };
}

/** As its owner would name it: `bosh:cf/doppler_z2/0`; of a host, which knows no deployments, `edge:doppler_z2/0`. */
export function targetOf({ source, name, supervisor }: WatchedDeployment, instance?: ports.Instance): string {
  const whole = supervisor === 'host' ? source : `${source}:${name}`;
  if (instance === undefined) return whole;
  return supervisor === 'host' ? `${whole}:${instance.name}` : `${whole}/${instance.name}`;
}

/** A restart that is asked for while a task holds the deployment would be refused: it is offered all the same, for the task will end. */
export function lockEvidence(deployment: WatchedDeployment): Evidence[] {
  const words = describeLock(deployment);
  if (words === undefined) return [];
  const meanwhile = changesInstances(deployment.lock) ? 'instances stop and start while it runs, and ' : '';
  return [field('In progress', `${words}: ${meanwhile}restarts are blocked until it ends`)];
}

/** What to expect of instances that a running task is changing, in place of what to do about them. */
export function describeAfterTask(deployment: WatchedDeployment, back: string): string {
  const isGoing = /^(delete|stop)\b/i.test(deployment.lock?.description ?? '');
  const after = isGoing ? 'check again when the task ends' : `${back} before the task ends`;
  return `${describeLock(deployment)}: ${after}`;
}

const MAX_ROWS = 50;

/** The first rows in order, and how many there are. */
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
