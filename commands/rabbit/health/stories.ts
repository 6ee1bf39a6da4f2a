import type { Story } from '../../kit.ts';
import { allowed, brokerNode, factsOf, NODES, queue, quorumQueue, viewOf } from './builders.ts';
import type { Facts } from './facts.ts';

const [CTL_1, CTL_2, CTL_3] = NODES;
const NOW = new Date('2026-11-26T12:00:00Z');

/** A user reloaded the console log of a broken instance again and again, and each time all of it went through RabbitMQ. */
export const downTheRabbitHole: Story<Facts> = {
  title: 'A console log of 5.5 GB goes through RabbitMQ each time that a user reloads it',
  source:
    'https://github.com/openstack/openstack-manuals/blob/2603dc85e537086638648d7d31884df285029614/doc/ops-guide/source/app_crypt.rst, "Down the Rabbit Hole", and https://bugs.launchpad.net/nova/+bug/832507',
  now: NOW,
  facts: factsOf({
    views: [CTL_1, CTL_2].map((asked) => ({
      ...viewOf([asked, ...NODES.filter((one) => one !== asked)]),
      nodes: [
        brokerNode(CTL_1, { memoryBytes: 13_500_000_000, hasMemoryAlarm: true }),
        brokerNode(CTL_2, { memoryBytes: 8_900_000_000 }),
        brokerNode(CTL_3),
      ],
    })),
    alarms: [{ node: CTL_1, resource: 'memory' }],
    queues: [
      queue('reply_55f0b9a1c0d44f', { messages: 2, messageBytes: 11_000_000_000, unacknowledged: 1 }),
      queue('compute.cc12', { messages: 3, messageBytes: 5_400 }),
      queue('conductor', { messages: 41, consumers: 24, messageBytes: 73_800 }),
    ],
    memory: {
      [CTL_1]: {
        usedBytes: 13_500_000_000,
        unusedBytes: 400_000_000,
        parts: { binary: 11_600_000_000, queue_procs: 310_000_000, connection_readers: 120_000_000 },
      },
      [CTL_2]: {
        usedBytes: 8_900_000_000,
        unusedBytes: 900_000_000,
        parts: { binary: 7_100_000_000, queue_procs: 240_000_000, connection_readers: 90_000_000 },
      },
    },
  }),
};

/** Nova sends its notifications in two formats by default, and no program reads the second one. */
export const versionedNotifications: Story<Facts> = {
  title: 'Nova sends versioned notifications by default, and no program reads them',
  source:
    'https://github.com/rcbops/rpc-maas/issues/286, https://github.com/rcbops/rpc-maas/pull/287 and https://github.com/crowbar/crowbar-openstack/pull/1848',
  now: NOW,
  facts: factsOf({
    purging: allowed,
    queues: [
      queue('versioned_notifications.info', {
        messages: 1_893_322,
        messageBytes: 9_466_610_000,
        consumers: 0,
        messagesPerSecond: 6.15,
      }),
      queue('notifications.info', {
        messages: 412_907,
        messageBytes: 1_238_721_000,
        consumers: 2,
        messagesPerSecond: -24.7,
      }),
      queue('notifications.error', { messages: 3, consumers: 0 }),
      queue('reply_55f0b9a1c0d44f'),
    ],
  }),
};

/** One connection between two nodes broke for a moment. Mnesia dropped the peer and never took it back, and no partition was reported. */
export const metadataSplit: Story<Facts> = {
  title: 'A node runs and leads queues, but the others no longer see it, and no partition is reported',
  source:
    'https://github.com/rabbitmq/rabbitmq-server/issues/17319 and https://github.com/rabbitmq/rabbitmq-server/issues/17324',
  now: NOW,
  facts: factsOf({
    views: [viewOf([CTL_1, CTL_2]), viewOf([CTL_3])],
    queues: [quorumQueue('conductor', NODES, { node: CTL_3, consumers: 24 }), quorumQueue('scheduler')],
  }),
};
