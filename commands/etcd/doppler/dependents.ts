import { type Diagnosis, type Evidence, type Finding, type ports, wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import {
  describeLock,
  describeProcessState,
  groupByProcess,
  isCounted,
  type ProcessSpread,
  severityOf,
} from '../../shared/instances.ts';
import { worstSeverity } from '../../shared/severity.ts';
import { DEPENDENT, isTooNew } from './doppler.ts';

/** The effect of a missing doppler: metron_agent fails on all VMs. */

/** Why metron_agent fails: `known`; `another` cause, because the dopplers are healthy; `unseen` if not all dopplers could be judged. */
export type Cause =
  | { readonly kind: 'known'; readonly because: string }
  | { readonly kind: 'another' | 'unseen' };

export interface BlastRadius {
  readonly findings: readonly Finding<never>[];
  readonly measures: NonNullable<Diagnosis['measures']>;
  /** `metron_agent is down on 12 of 12 VMs`. Absent if it is not down. */
  readonly summary?: string;
}

/** metron_agent in one deployment, on all counted instances. */
interface Dependents extends ProcessSpread {
  readonly deployment: ports.Deployment;
  /** The ignored instances (`bosh ignore`) on which it is down. */
  readonly ignored: ProcessSpread['down'];
}

/** The reason of the finding about metron_agent. */
export const DEPENDENT_DOWN = 'metron-down';

/** The finding has the severity of `/bosh processes`. Deployments of a version that no longer uses etcd are left out. */
export function blastRadius(deployments: readonly ports.Deployment[], cause: Cause): BlastRadius {
  const all = deployments.filter((deployment) => !isTooNew(deployment)).map(dependentsOf);
  const on = all.flatMap((one) => one.on).length;
  const down = all.flatMap((one) => one.down);
  const ignored = all.flatMap((one) => one.ignored);
  const measures = on > 0 ? [{ label: DEPENDENT, value: on - down.length, of: on, unit: 'running' }] : [];
  if (down.length === 0 && ignored.length === 0) return { findings: [], measures };
  const isStarting = down.every(({ process }) => process.state === 'starting');
  const summary =
    down.length > 0
      ? `${DEPENDENT} is ${isStarting ? 'still starting' : 'down'} on ${down.length} of ${wording.count(on, 'VM')}`
      : `${DEPENDENT} is down on ${wording.count(ignored.length, 'ignored VM')}`;
  const hit = all.filter((one) => one.down.length > 0);
  const finding: Finding<never> = {
    reason: DEPENDENT_DOWN,
    severity: worstSeverity(hit.map((one) => severityOf(one, one.deployment.lock))) ?? 'info',
    target: DEPENDENT,
    summary: `${summary}: ${describeCause(cause)}`,
    evidence: [
      field('Its log may say', 'panic: No dopplers listening on [udp]'),
      ...notMonitored(down),
      ...hit.flatMap(({ deployment }) => optionalField('In progress', describeLock(deployment))),
      table(all, down.length > 0 ? 'down' : 'ignored'),
    ],
  };
  return { findings: [finding], measures, summary };
}

function dependentsOf(deployment: ports.Deployment): Dependents {
  const started = deployment.instances.filter(({ desired }) => desired === 'started');
  const find = (instances: readonly ports.Instance[]) =>
    groupByProcess(instances).find(({ name }) => name === DEPENDENT) ?? { name: DEPENDENT, on: [], down: [] };
  const ignored = find(started.filter((instance) => instance.ignored));
  return { ...find(started.filter(isCounted)), deployment, ignored: ignored.down };
}

function describeCause(cause: Cause): string {
  if (cause.kind === 'known') return `most likely because ${cause.because}`;
  return cause.kind === 'another'
    ? 'not because of a missing doppler; see `/bosh processes`'
    : 'it is unknown whether a missing doppler is the cause; see `/bosh processes`';
}

/** monit does not restart unmonitored processes: https://mmonit.com/monit/documentation/monit.html#SERVICE-MONITORING-MODE */
function notMonitored(down: ProcessSpread['down']): readonly Evidence[] {
  const count = down.filter(({ process }) => process.state === 'unmonitored').length;
  if (count === 0) return [];
  const next = `if it stays down after the cause is fixed, run \`monit start ${DEPENDENT}\` on them`;
  return [field('Not monitored', `${wording.count(count, 'VM')}: ${next}`)];
}

function table(all: readonly Dependents[], which: 'down' | 'ignored'): Evidence {
  return {
    kind: 'table',
    columns: ['Deployment', 'Instance', DEPENDENT],
    rows: all.flatMap((one) =>
      one[which].map(({ instance, process }) => [
        one.deployment.name,
        instance.name,
        describeProcessState(process),
      ]),
    ),
  };
}
