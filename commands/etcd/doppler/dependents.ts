import { type Diagnosis, type Finding, type ports, wording } from '../../kit.ts';
import type { Facts } from './collect.ts';
import type { Service } from './services.ts';

interface Dependent {
  readonly deployment: string;
  readonly instance: ports.Instance;
  readonly state: ports.RunningProcess['state'];
}

export interface BlastRadius {
  readonly finding?: Finding<never>;
  readonly measures: NonNullable<Diagnosis['measures']>;
  /** `metron_agent is down on 12 of 12 VMs`, where it is. */
  readonly said?: string;
}

/** How far it reaches: the process on all machines that fails without the service. */
export function blastRadius(service: Service, facts: Facts, because: string | undefined): BlastRadius {
  const { dependents } = service;
  if (!dependents) return { measures: [] };
  const all = dependentsOf(dependents.process, facts);
  if (all.length === 0) return { measures: [] };
  const down = all.filter(({ state }) => state !== 'running');
  const running = all.length - down.length;
  const measures = [{ label: dependents.process, value: running, of: all.length, unit: 'running' }];
  if (down.length === 0) return { measures };
  const said = `${dependents.process} is down on ${down.length} of ${wording.count(all.length, 'VM')}`;
  const finding: Finding<never> = {
    reason: dependents.reason,
    severity: 'critical',
    target: dependents.process,
    summary: `${said}: ${because === undefined ? `not for want of a ${service.name}; see /bosh processes` : `most likely because ${because}`}`,
    evidence: [
      { kind: 'field', label: 'Its log may say', value: dependents.says },
      ...notMonitored(dependents.process, down),
      table(dependents.process, down),
    ],
  };
  return { measures, said, finding };
}

function dependentsOf(process: string, { deployments }: Facts): readonly Dependent[] {
  return deployments.flatMap(({ name, instances }) =>
    instances
      .filter(({ desired, ignored }) => desired === 'started' && !ignored)
      .flatMap((instance) => {
        const found = instance.processes.find((one) => one.name === process);
        return found ? [{ deployment: name, instance, state: found.state }] : [];
      }),
  );
}

/** What nobody watches never comes back alone. reference: cf-and-certificates.md section 3 */
function notMonitored(process: string, down: readonly Dependent[]) {
  const count = down.filter(({ state }) => state === 'unmonitored').length;
  if (count === 0) return [];
  const value = `${wording.count(count, 'VM')}: where it stays so after the cause is gone, it needs “monit start ${process}”`;
  return [{ kind: 'field' as const, label: 'Not monitored', value }];
}

function table(process: string, down: readonly Dependent[]) {
  return {
    kind: 'table' as const,
    columns: ['Deployment', 'Instance', process],
    rows: down.map(({ deployment, instance, state }) => [
      deployment,
      instance.name,
      state === 'unmonitored' ? 'not monitored' : state,
    ]),
  };
}
