import type { ports, Remembered } from '../../kit.ts';
import type { QueueSample } from './queue-sample.ts';

export interface Facts {
  readonly brokers: readonly BrokerFacts[];
  /** Several clusters may have nodes and queues of the same name. */
  readonly areSeveral: boolean;
  readonly earlier: readonly Remembered<QueueSample>[];
}

/** What the nodes of one cluster said. */
export interface BrokerFacts {
  readonly name: string;
  /** One for each endpoint that listed the nodes. */
  readonly views: readonly View[];
  /** How many endpoints were asked. */
  readonly asked: number;
  /** Those that any node knows. Undefined if none could be asked. */
  readonly alarms?: readonly ports.BrokerAlarm[];
  readonly queues: readonly ports.BrokerQueue[];
  readonly hasAllQueues: boolean;
  /** What uses the memory, by node. */
  readonly memory: Readonly<Record<string, ports.BrokerMemory>>;
  readonly purging: ports.ConfiguredPermission;
}

/** The nodes of the cluster, as the node behind one endpoint sees them. */
export interface View {
  readonly endpoint: string;
  /** The node that answered, if it said so. */
  readonly node?: string;
  readonly nodes: readonly ports.BrokerNode[];
}

/** `rabbit@ctl-1`, and with several clusters `rabbitmq:rabbit@ctl-1`. */
export function nodeTarget({ areSeveral }: Pick<Facts, 'areSeveral'>, broker: string, node: string): string {
  return areSeveral ? `${broker}:${node}` : node;
}

/** `/:versioned_notifications.info`: the virtual host, then the queue. */
export function queueTarget(
  facts: Pick<Facts, 'areSeveral'>,
  broker: string,
  { vhost, name }: Pick<ports.BrokerQueue, 'vhost' | 'name'>,
): string {
  return nodeTarget(facts, broker, `${vhost}:${name}`);
}

/** Each node once: as a node that runs describes itself best, the fullest description of it. */
export function nodesOf({ views }: Pick<BrokerFacts, 'views'>): readonly ports.BrokerNode[] {
  const best = new Map<string, ports.BrokerNode>();
  for (const node of views.flatMap(({ nodes }) => nodes)) {
    const known = best.get(node.name);
    if (!known || Object.keys(node).length > Object.keys(known).length) best.set(node.name, node);
  }
  return [...best.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The host of an address, with its port. */
export function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).host : endpoint;
}
