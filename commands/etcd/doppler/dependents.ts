import { type Diagnosis, type Finding, type ports, wording } from '../../kit.ts';
import type { Facts } from './collect.ts';
import { tooNew } from './expected.ts';
import type { Service } from './services.ts';

interface Dependent {
  readonly deployment: string;
  readonly instance: ports.Instance;
  readonly state: ports.RunningProcess['state'];
}

/** Why dependents fail: `known`; `another` than the service, which is well; `unseen` where not all of the service could be seen. */
export type Cause =
  | { readonly kind: 'known'; readonly because: string }
  | { readonly kind: 'another' | 'unseen' };

export interface BlastRadius {
  readonly finding?: Finding<never>;
  readonly measures: NonNullable<Diagnosis['measures']>;
  /** `metron_agent is down on 12 of 12 VMs`, where it is. */
  readonly said?: string;
}

/** How far it reaches: the process on all machines that fails without the service. */
export function blastRadius(service: Service, facts: Facts, cause: Cause): BlastRadius {
  const { dependents } = service;
  if (!dependents) return { measures: [] };
  const all = dependentsOf(service, dependents.process, facts);
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
    summary: `${said}: ${causeInWords(service, cause)}`,
    evidence: [
      { kind: 'field', label: 'Its log may say', value: dependents.says },
      ...notMonitored(dependents.process, down),
      table(dependents.process, down),
    ],
  };
  return { measures, said, finding };
}

function causeInWords({ name }: Service, cause: Cause): string {
  if (cause.kind === 'known') return `most likely because ${cause.because}`;
  return cause.kind === 'another'
    ? `not for want of a ${name}; see /bosh processes`
    : `whether for want of a ${name} cannot be told here; see /bosh processes`;
}

/** Those of an age that does not look there any more depend on nothing here. */
function dependentsOf(service: Service, process: string, facts: Facts): readonly Dependent[] {
  const modern = tooNew(service, facts);
  const deployments = facts.deployments.filter((deployment) => !modern.includes(deployment));
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
