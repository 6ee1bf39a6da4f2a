import { type Finding, type ports, wording } from '../../kit.ts';
import { field, steps } from '../../shared/evidence.ts';
import { type BrokerFacts, type Facts, nodesOf, nodeTarget, queueTarget } from './facts.ts';
import { isDown, isInMinority, isUnusable, missingOf } from './queue-states.ts';
import { lostNodes } from './split.ts';

const MAX_TARGETS = 100;

/**
 * Queues that can't be used, and queues whose copies are incomplete, by the nodes that are missing. What a stopped node or a split explains is in the
 * finding about that.
 */
export function quorumFindings(facts: Facts, broker: BrokerFacts): readonly Finding[] {
  const { queues, views } = broker;
  const lost = new Set(lostNodes(views, queues).map(({ name }) => name));
  const explained = new Set([
    ...lost,
    ...nodesOf(broker).flatMap(({ name, isRunning }) => (isRunning ? [] : [name])),
  ]);
  const unusable = queues.filter(isUnusable);
  const reduced = queues.filter((one) => !unusable.includes(one) && missingOf(one).length > 0);
  const isExplained = (one: ports.BrokerQueue) =>
    causesOf(one).some((node) => explained.has(node) && !lost.has(node));
  const areReducedExplained = (one: ports.BrokerQueue) => missingOf(one).every((node) => explained.has(node));
  return [
    ...grouped(unusable.filter((one) => !isExplained(one))).map(([causes, some]) =>
      unusableFinding(facts, broker, causes, some),
    ),
    ...grouped(reduced.filter((one) => !areReducedExplained(one))).map(([causes, some]) =>
      reducedFinding(facts, broker, causes, some),
    ),
  ];
}

function causesOf(queue: ports.BrokerQueue): readonly string[] {
  const missing = missingOf(queue);
  return missing.length > 0 || queue.node === undefined ? missing : [queue.node];
}

function grouped(
  queues: readonly ports.BrokerQueue[],
): readonly (readonly [causes: readonly string[], queues: readonly ports.BrokerQueue[]])[] {
  const groups = Map.groupBy(queues, (one) => JSON.stringify(causesOf(one)));
  return [...groups].map(([causes, some]) => [JSON.parse(causes) as readonly string[], some] as const);
}

/** The queue itself, the node that all of them miss, or the cluster. */
function targetsOf(
  facts: Facts,
  { name }: BrokerFacts,
  causes: readonly string[],
  queues: readonly ports.BrokerQueue[],
): Pick<Finding, 'target' | 'targets'> {
  const all = queues.map((one) => queueTarget(facts, name, one));
  const [only, second] = all;
  if (only !== undefined && second === undefined) return { target: only };
  const [node] = causes;
  return {
    target: causes.length === 1 && node !== undefined ? nodeTarget(facts, name, node) : name,
    targets: all.slice(0, MAX_TARGETS),
  };
}

function unusableFinding(
  facts: Facts,
  broker: BrokerFacts,
  causes: readonly string[],
  queues: readonly ports.BrokerQueue[],
): Finding {
  const areMinorities = queues.every(isInMinority);
  const states = [...new Set(queues.flatMap(({ state }) => (isDown(state) ? [state] : [])))];
  return {
    reason: areMinorities ? 'queue-without-majority' : 'queue-down',
    severity: 'critical',
    ...targetsOf(facts, broker, causes, queues),
    summary: `${namesOf(queues)} can't be used: ${areMinorities ? 'most of the members are offline, so no leader can be elected' : `the state is ${wording.list(states as string[])}`}`,
    evidence: [
      ...(causes.length > 0 ? [field(areMinorities ? 'Offline' : 'On', wording.list(causes, 5))] : []),
      ...steps([
        'Bring back the members that are offline: nothing is lost while their disks are intact',
        "Don't delete or recreate the queue, and don't remove members, before that was tried",
      ]),
    ],
  };
}

function reducedFinding(
  facts: Facts,
  broker: BrokerFacts,
  causes: readonly string[],
  queues: readonly ports.BrokerQueue[],
): Finding {
  return {
    reason: 'queue-members-offline',
    severity: 'warning',
    ...targetsOf(facts, broker, causes, queues),
    summary: `${namesOf(queues)} ${queues.length === 1 ? 'has' : 'have'} members that are offline on ${wording.list(causes, 3)}; a majority is online`,
    evidence: steps([
      `Check the log of RabbitMQ on ${wording.list(causes, 3)} for errors of these queues`,
      'Restart the members with `rabbitmq-queues` before another node is stopped for maintenance',
    ]),
  };
}

function namesOf(queues: readonly ports.BrokerQueue[]): string {
  const [only] = queues;
  return queues.length === 1 && only ? only.name : wording.count(queues.length, 'queue');
}
