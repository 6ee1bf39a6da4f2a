import { type Evidence, type Finding, type ports, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { type BrokerFacts, type Facts, nodesOf, nodeTarget } from './facts.ts';
import {
  areLargePayloads,
  isHeldMost,
  largestQueue,
  memoryCause,
  memoryEvidence,
  queueInWords,
} from './memory.ts';
import { nextForPayloads } from './offers.ts';

export function alarmFindings(facts: Facts, broker: BrokerFacts): readonly Finding[] {
  const nodes = nodesOf(broker);
  return (broker.alarms ?? []).map(({ node, resource }) => {
    const known = nodes.find(({ name }) => name === node);
    const isMemory = /memory/i.test(resource);
    const isDisk = /disk/i.test(resource);
    return {
      reason: isMemory ? 'memory-alarm' : isDisk ? 'disk-alarm' : 'resource-alarm',
      severity: 'critical' as const,
      target: nodeTarget(facts, broker.name, node),
      summary: `${node} has ${isMemory ? 'a memory alarm' : isDisk ? 'a disk alarm' : `an alarm (${resource})`}, so publishers are blocked on every node${isMemory ? memoryCause(broker, node) : ''}`,
      evidence: isMemory
        ? [
            ...memoryEvidence(broker, node, known),
            ...steps([
              isHeldMost(broker, node)
                ? 'Fix or restart the consumers of that queue: they hold its messages without acknowledging them. Then limit their prefetch count'
                : 'Find out who fills the largest queue, and start or fix its consumers',
              "Don't raise the limit first: it only delays the alarm",
            ]),
          ]
        : isDisk
          ? diskEvidence(broker, known)
          : [field('Look up', 'What this alarm means for this version of RabbitMQ')],
      ...(isMemory && areLargePayloads(broker, node) && nextForPayloads(broker)),
    };
  });
}

function diskEvidence(broker: BrokerFacts, known: ports.BrokerNode | undefined): readonly Evidence[] {
  const { name, diskFreeBytes, diskLimitBytes } = known ?? {};
  return [
    ...optionalField(
      'Disk',
      diskFreeBytes === undefined
        ? undefined
        : `${wording.bytes(diskFreeBytes)} free${diskLimitBytes === undefined ? '' : `, the limit is ${wording.bytes(diskLimitBytes)}`}`,
    ),
    ...optionalField('Most message bytes', queueInWords(largestQueue(broker, name))),
    ...steps([
      'Find out what fills the disk: queues, or logs and other programs',
      'Free space; the alarm clears once the limit is free again',
    ]),
  ];
}
