import { type Diagnosis, type Finding, type ports, wording } from '../../kit.ts';
import {
  changesInstances,
  isCounted,
  severityOf,
  type ProcessSpread,
  groupByProcess,
  describeTask,
} from '../../shared/instances.ts';
import type { Facts } from './collect.ts';
import { tooNew } from './expected.ts';
import type { Service } from './services.ts';

/** The process in one deployment, on all instances that count. */
interface Dependents extends ProcessSpread {
  readonly deployment: ports.Deployment;
  /** Also down, on instances that are ignored (`bosh ignore`). */
  readonly ignored: ProcessSpread['down'];
}

/** Why dependents fail: `known`; `another` cause than the service, which is healthy; `unseen` where not all of the service could be read. */
export type Cause =
  | { readonly kind: 'known'; readonly because: string }
  | { readonly kind: 'another' | 'unseen' };

export interface BlastRadius {
  readonly finding?: Finding<never>;
  readonly measures: NonNullable<Diagnosis['measures']>;
  /** `metron_agent is down on 12 of 12 VMs`, where it is. */
  readonly summary?: string;
}

/** How far it reaches: the process on all machines that fails without the service. Its severity is that of /bosh processes. */
export function blastRadius(service: Service, facts: Facts, cause: Cause): BlastRadius {
  const { dependents } = service;
  if (!dependents) return { measures: [] };
  const all = dependentsOf(service, dependents.process, facts);
  const down = all.filter((one) => one.down.length > 0);
  const ignored = all.filter((one) => one.ignored.length > 0);
  const amount = sum(all, ({ on }) => on.length);
  const downAmount = sum(down, (one) => one.down.length);
  const running = { label: dependents.process, value: amount - downAmount, of: amount, unit: 'running' };
  const measures = amount > 0 ? [running] : [];
  if (down.length === 0 && ignored.length === 0) return { measures };
  const severities = down.map((one) => severityOf(one, one.deployment.lock));
  const isStarting = down.every((one) => one.down.every(({ process }) => process.state === 'starting'));
  const summary =
    down.length > 0
      ? `${dependents.process} is ${isStarting ? 'still starting' : 'down'} on ${downAmount} of ${wording.count(amount, 'VM')}`
      : `${dependents.process} is down on ${wording.count(
          sum(ignored, (one) => one.ignored.length),
          'ignored VM',
        )}`;
  const finding: Finding<never> = {
    reason: dependents.reason,
    severity: (['critical', 'warning'] as const).find((one) => severities.includes(one)) ?? 'info',
    target: dependents.process,
    summary: `${summary}: ${describeCause(service, cause)}`,
    evidence: [
      { kind: 'field', label: 'Its log may say', value: dependents.says },
      ...notMonitored(dependents.process, down),
      ...down.flatMap(lockEvidence),
      table(dependents.process, down.length > 0 ? down : ignored, down.length > 0 ? 'down' : 'ignored'),
    ],
  };
  return { measures, summary, finding };
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}

function describeCause({ name }: Service, cause: Cause): string {
  if (cause.kind === 'known') return `most likely because ${cause.because}`;
  return cause.kind === 'another'
    ? `not because of a missing ${name}; see /bosh processes`
    : `cannot tell whether a missing ${name} is the cause; see /bosh processes`;
}

/** Those of a version that no longer reads there depend on nothing here. */
function dependentsOf(service: Service, process: string, facts: Facts): readonly Dependents[] {
  const modern = tooNew(service, facts);
  return facts.deployments
    .filter((deployment) => !modern.includes(deployment))
    .map((deployment) => {
      const started = deployment.instances.filter(({ desired }) => desired === 'started');
      const find = (instances: readonly ports.Instance[]) =>
        groupByProcess(instances).find(({ name }) => name === process) ?? { name: process, on: [], down: [] };
      const ignored = find(started.filter((instance) => instance.ignored));
      return { ...find(started.filter(isCounted)), deployment, ignored: ignored.down };
    });
}

/** monit does not restart unmonitored processes: https://mmonit.com/monit/documentation/monit.html#SERVICE-MONITORING-MODE */
function notMonitored(process: string, all: readonly Dependents[]) {
  const count = sum(all, ({ down }) => down.filter((one) => one.process.state === 'unmonitored').length);
  if (count === 0) return [];
  const value = `${wording.count(count, 'VM')}: if it stays that way once the cause is fixed, run “monit start ${process}” on them`;
  return [{ kind: 'field' as const, label: 'Not monitored', value }];
}

function lockEvidence({ deployment: { name, lock } }: Dependents) {
  if (!lock) return [];
  const does = changesInstances(lock) ? 'is changing' : 'holds the lock on';
  return [{ kind: 'field' as const, label: 'In progress', value: `${describeTask(lock)} ${does} ${name}` }];
}

function table(process: string, all: readonly Dependents[], which: 'down' | 'ignored') {
  return {
    kind: 'table' as const,
    columns: ['Deployment', 'Instance', process],
    rows: all.flatMap((one) =>
      one[which].map(({ instance, process: { state } }) => [
        one.deployment.name,
        instance.name,
        state === 'unmonitored' ? 'not monitored' : state,
      ]),
    ),
  };
}
