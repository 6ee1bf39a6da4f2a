import type { ports } from '../../kit.ts';
import { brokerSource, type StoredBrokerNode } from '../../shared/fixture-brokers.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import { NODES, queue, quorumQueue, viewOf } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');
const [CTL_1, CTL_2, CTL_3] = NODES;

/** A cluster that is asked at two of its nodes. */
function cluster(
  name: string,
  queues: readonly ports.BrokerQueue[],
  views = [viewOf([CTL_1, CTL_2, CTL_3]), viewOf([CTL_2, CTL_1, CTL_3])],
): ports.Broker {
  const endpoints = views.map(({ node = '', nodes }): StoredBrokerNode => ({
    url: `https://${name}-${node.replace('rabbit@', '')}:15671`,
    overview: { node, cluster: name, version: '3.10.8', hasStatistics: true, queues: queues.length },
    nodes,
    alarms: [],
    queues,
  }));
  return brokerSource({ name, endpoints });
}

const healthy = [
  queue('notifications.info', { messages: 1_200, consumers: 2 }),
  quorumQueue('conductor', NODES, { consumers: 24 }),
  queue('reply_1'),
];

const answeredOtherwise: Fixture['answeredOtherwise'] = [
  {
    answer: /overview/,
    because: 'the lists of nodes and queues have everything that findings are about',
  },
  {
    answer: /\.alarms/,
    because: 'every node knows all alarms of the cluster, and each says its own',
  },
  {
    answer: /queues.* (?:is (?:unreachable|refused|missing|malformed)|hangs)/,
    because: 'every node lists all queues',
  },
  { answer: /the partitions of/, because: 'another node lists the partitions of every node too' },
];

export const fixtures: readonly Fixture[] = [
  {
    title: 'two healthy clusters',
    status: 'clear',
    now,
    read: () => ({ brokers: [cluster('main', healthy), cluster('cells', healthy)] }),
    answeredOtherwise,
  },
  {
    title: 'a queue that no one reads',
    status: 'found',
    now,
    read: () => ({
      brokers: [
        cluster('main', healthy),
        cluster('cells', [
          ...healthy,
          queue('versioned_notifications.info', { messages: 50_000, consumers: 0, messagesPerSecond: 5 }),
        ]),
      ],
    }),
    answeredOtherwise,
  },
];
