import type { ports } from '../../kit.ts';
import type { BrokerFacts, Facts, View } from './facts.ts';

/** Builders for stories, tests and fixtures. A cluster has three nodes unless given. */

export const NODES = ['rabbit@ctl-1', 'rabbit@ctl-2', 'rabbit@ctl-3'] as const;

/** A node that runs without problems. */
export function brokerNode(name: string, changed: Partial<ports.BrokerNode> = {}): ports.BrokerNode {
  return {
    name,
    isRunning: true,
    memoryBytes: 2_147_483_648,
    memoryLimitBytes: 13_421_772_800,
    hasMemoryAlarm: false,
    diskFreeBytes: 180_000_000_000,
    diskLimitBytes: 50_000_000,
    hasDiskAlarm: false,
    filesUsed: 900,
    filesMost: 65_536,
    uptimeSeconds: 864_000,
    partitions: [],
    isBeingDrained: false,
    ...changed,
  };
}

/** Of a node that isn't running nothing else is known. */
export function stoppedNode(name: string): ports.BrokerNode {
  return { name, isRunning: false };
}

/** What the node that is named first sees: the nodes that it names run, and the others don't. */
export function viewOf(running: readonly string[], all: readonly string[] = NODES): View {
  const [node = ''] = running;
  return {
    endpoint: `https://${node.replace('rabbit@', '')}:15671`,
    node,
    nodes: all.map((name) => (running.includes(name) ? brokerNode(name) : stoppedNode(name))),
  };
}

/** A classic queue that is empty and consumed. */
export function queue(name: string, changed: Partial<ports.BrokerQueue> = {}): ports.BrokerQueue {
  const { messages = 0 } = changed;
  return {
    vhost: '/',
    name,
    type: 'classic',
    node: NODES[0],
    state: 'running',
    messages,
    ready: messages,
    unacknowledged: 0,
    consumers: 1,
    messageBytes: messages * 1_000,
    isDurable: false,
    isExclusive: false,
    isAutoDelete: false,
    ...changed,
  };
}

/** A quorum queue with a member on every node, of which these are online. */
export function quorumQueue(
  name: string,
  online: readonly string[] = NODES,
  changed: Partial<ports.BrokerQueue> = {},
): ports.BrokerQueue {
  return queue(name, { type: 'quorum', isDurable: true, members: NODES, online, ...changed });
}

export const allowed = { allowed: true } as const;

/** A healthy cluster whose nodes were all asked, with changes. */
export function brokerFacts(changed: Partial<BrokerFacts> = {}): BrokerFacts {
  const views = NODES.map((name) => viewOf([name, ...NODES.filter((one) => one !== name)]));
  return {
    name: 'rabbitmq',
    views,
    asked: views.length,
    alarms: [],
    queues: [],
    hasAllQueues: true,
    memory: {},
    purging: { allowed: false, because: '`allow.purge` is not configured for the source rabbitmq' },
    ...changed,
  };
}

export function factsOf(changed: Partial<BrokerFacts> = {}, earlier: Facts['earlier'] = []): Facts {
  return { brokers: [brokerFacts(changed)], areSeveral: false, earlier };
}
