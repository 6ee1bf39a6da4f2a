import { type Diagnosis, wording } from '../../kit.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { type Facts, nodesOf } from './facts.ts';
import { unusedMemoryInWords } from './memory.ts';
import { nodeFindings } from './node-findings.ts';
import type { HealthFinding } from './offers.ts';
import { queueFindings } from './queue-findings.ts';
import { quorumFindings } from './quorum-findings.ts';

export function diagnose(
  facts: Facts,
  _args: unknown,
  now: Date,
): Diagnosis<NonNullable<HealthFinding['offers']>[number]> {
  const findings = facts.brokers
    .flatMap((broker): readonly HealthFinding[] => [
      ...(nodeFindings(facts, broker) as readonly HealthFinding[]),
      ...(quorumFindings(facts, broker) as readonly HealthFinding[]),
      ...queueFindings(facts, broker, now),
    ])
    .toSorted((a, b) => compareSeverity(a, b) || levelOf(b) - levelOf(a) || (a.target < b.target ? -1 : 1));
  const nodes = facts.brokers.reduce((sum, broker) => sum + nodesOf(broker).length, 0);
  return { examined: nodes, verdict: verdictOf(facts, findings, nodes), findings };
}

function levelOf({ level }: HealthFinding): number {
  return level?.value ?? 0;
}

function verdictOf(facts: Facts, findings: readonly HealthFinding[], nodes: number): string {
  const [first, ...others] = findings;
  if (first) {
    const more = others.length === 0 ? '' : `; ${wording.count(others.length, 'more problem')}`;
    return `${first.summary.split(/[:.;] /)[0] ?? first.summary}${more}`;
  }
  const queues = facts.brokers.flatMap((broker) => broker.queues);
  const uncounted = queues.filter((one) => one.messages === undefined || one.consumers === undefined).length;
  const running = facts.brokers.reduce(
    (sum, broker) => sum + nodesOf(broker).filter(({ isRunning }) => isRunning).length,
    0,
  );
  const read =
    uncounted === 0
      ? `nothing piles up in ${wording.count(queues.length, 'queue')}`
      : `the messages or consumers of ${uncounted} of ${wording.count(queues.length, 'queue')} are unknown`;
  const unused = facts.brokers.flatMap(unusedMemoryInWords);
  const alarms = facts.brokers.every((broker) => broker.alarms) ? 'No alarms' : 'Alarms unknown';
  return [`${alarms}, ${running} of ${wording.count(nodes, 'node')} running, ${read}`, ...unused].join('. ');
}
