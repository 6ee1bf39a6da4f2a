import { type ports, wording } from '../../kit.ts';
import { instanceFaultOf, isDown } from '../../shared/instances.ts';
import type { Survey } from './survey.ts';
import { byName, type Kind, lockEvidence, table, targetOf, type Problem } from './problem.ts';
import { COUNT_TEXTS, describeCount } from './verdict.ts';

/** The same as of instances that are not ignored. */
const REASON: Record<Kind, string> = {
  silent: 'agent-unresponsive',
  absent: 'vm-absent',
  unseen: 'monit-unresponsive',
  stopped: 'instance-stopped',
  down: 'processes-not-running',
  starting: 'processes-not-running',
  service: 'service-failing',
  failing: 'instance-failing',
  unmonitored: 'service-not-monitored',
};

/** Ignored instances (`bosh ignore`): their faults are information, one finding for each kind, without a fix. */
export function ignoredProblems(survey: Survey): Problem[] {
  const { deployment, ignored } = survey;
  return [...Map.groupBy(ignored.toSorted(byName), kindOf)].flatMap(([kind, instances]) => {
    const [first] = instances;
    if (kind === undefined || !first) return [];
    const amount = instances.length;
    const rows = instances.map((instance) => [
      instance.name,
      instance.zone ?? '',
      wording.list(instance.addresses),
      wording.list(instance.processes.filter(isDown).map(({ name }) => name)),
    ]);
    const target = targetOf(deployment, amount === 1 ? first : undefined);
    return {
      ignored: { kind, amount },
      finding: {
        reason: REASON[kind],
        severity: 'info' as const,
        target: amount === 1 ? target : `${target} ignored`,
        summary:
          amount === 1
            ? `${first.name} is ignored and ${COUNT_TEXTS[kind].one}`
            : `${deployment.name}: ${describeCount(kind, amount, 'ignored instance')}`,
        evidence: [
          { kind: 'field' as const, label: 'Ignored', value: 'set with `bosh ignore`' },
          ...lockEvidence(deployment),
          ...table(['Instance', 'Zone', 'Addresses', 'Not running'], rows, 'Instances'),
        ],
      },
    };
  });
}

function kindOf(instance: ports.Instance): Kind | undefined {
  const fault = instanceFaultOf(instance);
  if (fault) return fault;
  const down = instance.processes.filter(isDown);
  if (down.length > 0) return down.every(({ state }) => state === 'starting') ? 'starting' : 'down';
  if (instance.faults && instance.faults.length > 0) return 'service';
  if (instance.state === 'running') return undefined;
  return instance.state === 'starting' ? 'starting' : 'failing';
}
