import { type ports, wording } from '../../kit.ts';
import { field, optionalField } from '../../shared/evidence.ts';
import { isShared } from '../../shared/instances.ts';
import type { Survey } from './survey.ts';
import { byName, lockEvidence, table, targetOf, type Problem, nounsFor } from './problem.ts';

interface FailingService {
  readonly instance: ports.Instance;
  readonly fault: ports.ServiceFault;
}

/**
 * Monitored services other than processes: disks, files, hosts, programs, the machine itself. One finding for a service that fails on most
 * machines, otherwise one for each. None has a fix: a restart does not free space on a disk.
 */
export function serviceProblems(survey: Survey): Problem[] {
  const all = survey.reporting
    .toSorted(byName)
    .flatMap((instance) => (instance.faults ?? []).map((fault): FailingService => ({ instance, fault })));
  const byService = Map.groupBy(all, ({ fault }) => `${fault.type} ${fault.name}`);
  return [...byService].flatMap(([service, those]) => {
    const failing = those.filter(({ fault }) => fault.failsInstance && fault.state !== 'starting');
    if (!isShared(failing.length, survey.reporting.length))
      return those.map((one) => serviceProblem(survey, service, one));
    const others = those.filter((one) => !failing.includes(one));
    return [
      sharedServiceProblem(survey, service, failing),
      ...others.map((one) => serviceProblem(survey, service, one)),
    ];
  });
}

function serviceProblem(
  { deployment }: Survey,
  service: string,
  { instance, fault }: FailingService,
): Problem {
  const { addresses, zone } = instance;
  const kind = fault.state === 'failing' || fault.failsInstance ? 'service' : 'unmonitored';
  return {
    counts: { kind: fault.state === 'starting' ? 'starting' : kind, instance, service },
    finding: {
      reason: fault.state === 'unmonitored' ? 'service-not-monitored' : 'service-failing',
      severity: severityOf(fault),
      target: `${targetOf(deployment, instance)} ${service}`,
      summary: `${instance.name}: ${service} ${describeFault(fault)}`,
      evidence: [
        ...optionalField('monit says', fault.message),
        ...(addresses.length > 0 ? [field('Addresses', wording.list(addresses))] : []),
        ...optionalField('Zone', zone),
        ...lockEvidence(deployment),
      ],
    },
  };
}

function sharedServiceProblem(
  { deployment, reporting }: Survey,
  service: string,
  failing: readonly FailingService[],
): Problem {
  const says = `${service} fails on ${failing.length} of ${reporting.length} ${nounsFor(deployment).machine}s`;
  const rows = failing.map(({ instance, fault }) => [
    instance.name,
    describeFault(fault),
    fault.message ?? '',
  ]);
  return {
    headline: wording.capitalize(says),
    within: deployment.name,
    finding: {
      reason: 'service-failing-on-many',
      severity: 'critical',
      target: `${targetOf(deployment)} ${service}`,
      summary: `${says}: a single cause is likely`,
      evidence: [...lockEvidence(deployment), ...table(['Instance', 'State', 'Message'], rows, 'Instances')],
    },
  };
}

/** A service that makes its instance fail is a warning, and so is an exceeded limit of the machine. */
function severityOf({ state, failsInstance }: ports.ServiceFault): 'warning' | 'info' {
  if (state === 'starting') return 'info';
  return failsInstance || state === 'failing' ? 'warning' : 'info';
}

function describeFault({ state, failures }: ports.ServiceFault): string {
  if (state === 'starting') return 'is being checked for the first time';
  if (state === 'unmonitored') return 'is not monitored: its state is unknown';
  return `is failing: ${wording.list(failures)}`;
}
