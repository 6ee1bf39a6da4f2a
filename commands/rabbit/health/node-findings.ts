import { type Finding, type ports, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { alarmFindings } from './alarm-findings.ts';
import { type BrokerFacts, type Facts, hostOf, nodesOf, nodeTarget, queueTarget } from './facts.ts';
import { limitFindings } from './limit-findings.ts';
import { memoryFinding } from './memory.ts';
import { isUnusable } from './queue-states.ts';
import { splitFindings } from './split-findings.ts';
import { lostNodes } from './split.ts';

const MAX_TARGETS = 100;

/** Findings about nodes, and the nodes that others have lost. */
export function nodeFindings(facts: Facts, broker: BrokerFacts): readonly Finding[] {
  return [
    ...splitFindings(facts, broker),
    ...alarmFindings(facts, broker),
    ...stoppedFindings(facts, broker),
    ...resourceFindings(facts, broker),
    ...maintenanceFindings(facts, broker),
  ];
}

/** Nodes that nothing shows to run. */
function stoppedFindings(facts: Facts, broker: BrokerFacts): readonly Finding[] {
  const { name: source, views, queues } = broker;
  const nodes = nodesOf(broker);
  const lost = new Set(lostNodes(views, queues).map(({ name }) => name));
  const stopped = nodes.filter(({ name, isRunning }) => !isRunning && !lost.has(name));
  const running = nodes.length - stopped.length;
  const isMajority = running > nodes.length / 2;
  return stopped.map(({ name }) => {
    const unusable = queues.filter((one) => isUnusable(one) && (one.node === name || isMember(one, name)));
    const missing = queues.filter((one) => isMember(one, name) && !(one.online ?? []).includes(name));
    return {
      reason: 'node-stopped',
      severity: isMajority && unusable.length === 0 ? ('warning' as const) : ('critical' as const),
      target: nodeTarget(facts, source, name),
      ...(unusable.length > 0 && {
        targets: unusable.slice(0, MAX_TARGETS).map((one) => queueTarget(facts, source, one)),
      }),
      summary: `${name} isn't running: ${running} of ${nodes.length} nodes ${running === 1 ? 'is' : 'are'} left${unusable.length > 0 ? `, and ${wording.count(unusable.length, 'queue')} can't be used` : ''}`,
      evidence: [
        field(
          'Not seen by',
          wording.list(
            views.map(({ node, endpoint }) => node ?? hostOf(endpoint)),
            5,
          ),
        ),
        ...optionalField(
          'Queues with a member there',
          missing.length === 0 ? undefined : String(missing.length),
        ),
        ...steps([
          `Check on ${name.replace(/^[^@]*@/, '')} whether RabbitMQ runs there. If it does, don't restart it: the cluster is split, page whoever runs it`,
          'Otherwise read its log to find out why it stopped, before it is started again',
        ]),
      ],
    };
  });
}

function isMember({ members = [] }: ports.BrokerQueue, node: string): boolean {
  return members.includes(node);
}

/** A node in maintenance mode accepts no clients and leads no queues: https://www.rabbitmq.com/docs/upgrade#maintenance-mode */
function maintenanceFindings(facts: Facts, broker: BrokerFacts): readonly Finding[] {
  return nodesOf(broker)
    .filter(({ isRunning, isBeingDrained }) => isRunning && isBeingDrained === true)
    .map(({ name }) => ({
      reason: 'maintenance-mode',
      severity: 'info' as const,
      target: nodeTarget(facts, broker.name, name),
      summary: `${name} is in maintenance mode: it accepts no clients. If the maintenance is over, run \`rabbitmq-upgrade revive\` there`,
    }));
}

function resourceFindings(facts: Facts, broker: BrokerFacts): readonly Finding[] {
  const alarmed = new Set(
    (broker.alarms ?? []).filter(({ resource }) => /memory/i.test(resource)).map(({ node }) => node),
  );
  return nodesOf(broker).flatMap((node): readonly Finding[] => {
    if (!node.isRunning) return [];
    const target = nodeTarget(facts, broker.name, node.name);
    return [
      ...(alarmed.has(node.name) ? [] : memoryFinding(broker, node, target)),
      ...limitFindings(node, target),
    ];
  });
}
