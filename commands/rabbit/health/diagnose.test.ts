import { describe, expect, test } from 'vitest';
import {
  brokerFacts,
  brokerNode,
  factsOf,
  NODES,
  queue,
  quorumQueue,
  stoppedNode,
  viewOf,
} from './builders.ts';
import { diagnose as diagnoseAt } from './diagnose.ts';
import type { Facts, View } from './facts.ts';
import { downTheRabbitHole, metadataSplit, versionedNotifications } from './stories.ts';

const [CTL_1, CTL_2, CTL_3] = NODES;
const NOW = new Date('2026-11-26T12:00:00Z');
const diagnose = (facts: Facts) => diagnoseAt(facts, {}, NOW);
const faults = (facts: Facts): readonly string[] =>
  diagnose(facts).findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);
const textOf = (facts: Facts): string => JSON.stringify(diagnose(facts).findings);
const withNodes = (...nodes: View['nodes']): Facts =>
  factsOf({ views: [{ endpoint: 'https://ctl-1:15671', node: CTL_1, nodes }] });

test('a healthy cluster has no findings', () => {
  const { findings, verdict, examined } = diagnose(
    factsOf({ queues: [queue('conductor', { consumers: 24 })] }),
  );

  expect(findings).toEqual([]);
  expect(examined).toBe(3);
  expect(verdict).toBe('No alarms, 3 of 3 nodes running, nothing piles up in 1 queue');
});

test('Down the Rabbit Hole: names the alarm, what uses the memory, and the messages that are too large', () => {
  expect(faults(downTheRabbitHole.facts)).toEqual([
    `critical memory-alarm ${CTL_1}`,
    'warning messages-too-large /:reply_55f0b9a1c0d44f',
    `warning large-binaries ${CTL_2}`,
  ]);
  const text = textOf(downTheRabbitHole.facts);
  expect(text).toContain('binary 12 GB');
  expect(text).toContain('/:reply_55f0b9a1c0d44f: 11 GB, 2 messages');
  expect(text).toContain('console log of an instance');
});

describe('a split', () => {
  test('a node that runs, although the others see it as not running, is critical, and is not to be started', () => {
    expect(faults(metadataSplit.facts)).toEqual([`critical metadata-split ${CTL_3}`]);
    const text = textOf(metadataSplit.facts);
    expect(text).toContain('it responds itself');
    expect(text).toContain('it leads conductor');
    expect(text).toContain('Page');
    expect(text).not.toMatch(/start it\b|"offers"/);
  });

  test.each([
    ['by a quorum queue that has it online', { online: NODES }],
    ['by a quorum queue that it leads', { online: [CTL_3], node: CTL_3 }],
  ])('is found without asking that node, %s', (_, { online, ...changed }) => {
    const facts = factsOf({
      views: [viewOf([CTL_1, CTL_2])],
      queues: [quorumQueue('conductor', online, changed)],
    });

    expect(faults(facts)).toContain(`critical metadata-split ${CTL_3}`);
  });

  test('is found if only one side has noticed it', () => {
    expect(faults(factsOf({ views: [viewOf([CTL_1, CTL_2, CTL_3]), viewOf([CTL_3])] }))).toEqual([
      `critical metadata-split ${CTL_3}`,
    ]);
  });

  test('of two nodes has no side that lost', () => {
    const both = [CTL_1, CTL_2];
    const facts = factsOf({ views: [viewOf([CTL_1], both), viewOf([CTL_2], both)] });

    expect(faults(facts)).toEqual(['critical metadata-split rabbitmq']);
    expect(diagnose(facts).findings[0]?.targets).toEqual(both);
  });

  test('of five nodes is one finding with the nodes of the smaller side', () => {
    const five = [...NODES, 'rabbit@ctl-4', 'rabbit@ctl-5'];
    const facts = factsOf({ views: [viewOf(five.slice(0, 3), five), viewOf(five.slice(3), five)] });

    expect(faults(facts)).toEqual(['critical metadata-split rabbitmq']);
    expect(diagnose(facts).findings[0]?.targets).toEqual(five.slice(3));
  });

  test('with a partition that is reported is one finding', () => {
    const partitioned = [
      brokerNode(CTL_1, { partitions: [CTL_3] }),
      brokerNode(CTL_2, { partitions: [CTL_3] }),
      brokerNode(CTL_3, { partitions: [CTL_1, CTL_2] }),
    ];

    expect(faults(withNodes(...partitioned))).toEqual([`critical network-partition ${CTL_3}`]);
    expect(
      faults(factsOf({ views: [viewOf([CTL_1, CTL_2]), { ...viewOf([CTL_3]), nodes: partitioned }] })),
    ).toEqual([`critical network-partition ${CTL_3}`]);
  });
});

describe('a node that stopped', () => {
  test('is a warning while most nodes are left', () => {
    const facts = factsOf({
      views: [viewOf([CTL_1, CTL_2]), viewOf([CTL_2, CTL_1])],
      queues: [quorumQueue('conductor', [CTL_1, CTL_2])],
    });

    expect(faults(facts)).toEqual([`warning node-stopped ${CTL_3}`]);
    expect(textOf(facts)).not.toContain('metadata');
  });

  test('is critical if most nodes have stopped, and if queues can no longer be used', () => {
    const stopped = factsOf({
      views: [viewOf([CTL_1])],
      queues: [quorumQueue('conductor', [CTL_1], { state: 'minority' })],
    });
    const down = factsOf({
      views: [viewOf([CTL_1, CTL_2])],
      queues: [queue('orders', { node: CTL_3, state: 'down' })],
    });

    expect(faults(stopped)).toEqual([`critical node-stopped ${CTL_2}`, `critical node-stopped ${CTL_3}`]);
    expect(faults(down)).toEqual([`critical node-stopped ${CTL_3}`]);
    expect(diagnose(down).findings[0]?.targets).toEqual(['/:orders']);
  });
});

describe('memory, disk and files', () => {
  test('an alarm names the part that uses most and the queue with most bytes', () => {
    const facts = factsOf({
      alarms: [{ node: CTL_1, resource: 'disk space' }],
      queues: [queue('events', { messages: 1_000, messageBytes: 9_000_000 })],
    });

    expect(faults(facts)).toEqual([`critical disk-alarm ${CTL_1}`]);
    expect(textOf(facts)).toContain('180 GB free, the limit is 50 MB');
    expect(textOf(facts)).toContain('/:events: 9 MB');
  });

  test('an alarm of an unknown kind is critical too', () => {
    expect(faults(factsOf({ alarms: [{ node: CTL_2, resource: 'file descriptors' }] }))).toEqual([
      `critical resource-alarm ${CTL_2}`,
    ]);
  });

  const full = { memoryBytes: 23_622_320_128, memoryLimitBytes: 25_769_803_776 };
  const views = [{ endpoint: 'https://ctl-1:15671', nodes: [brokerNode(CTL_1, full)] }];
  const breakdown = (unusedBytes?: number) => ({
    [CTL_1]: {
      usedBytes: full.memoryBytes,
      ...(unusedBytes !== undefined && { unusedBytes }),
      parts: { quorum_queue_procs: 820_000_000 },
    },
  });

  test('memory near its limit that Erlang does not use is no finding', () => {
    const facts = factsOf({ views, memory: breakdown(19_110_000_000) });

    expect(faults(facts)).toEqual([]);
    expect(diagnose(facts).verdict).toContain(
      "rabbit@ctl-1 holds 24 GB of 26 GB, but Erlang doesn't use 19 GB of it",
    );
  });

  test.each([
    ['is in use', breakdown(500_000_000)],
    ['is unknown', breakdown()],
    ['could not be broken down', {}],
  ])('memory near its limit that %s is a warning', (_, memory) => {
    expect(faults(factsOf({ views, memory }))).toEqual([`warning memory-nearly-full ${CTL_1}`]);
  });

  test('files that are nearly used up are a warning', () => {
    expect(faults(withNodes(brokerNode(CTL_1, { filesUsed: 60_000, filesMost: 65_536 })))).toEqual([
      `warning files-nearly-used ${CTL_1}`,
    ]);
  });
});

describe('queues that no one reads', () => {
  test('versioned notifications: one finding with its fix, and none for queues that are read', () => {
    const { facts } = versionedNotifications;

    expect(faults(facts)).toEqual(['warning queue-unread /:versioned_notifications.info']);
    expect(diagnose(facts).findings[0]?.summary).toBe(
      'versioned_notifications.info has 1,893,322 messages (9.5 GB) and no consumer, and grows by 369/min',
    );
    expect(textOf(facts)).toContain('notification_format = unversioned');
    expect(diagnose(facts).findings[0]?.offers).toEqual([
      {
        remediation: 'purge-queue',
        params: { source: 'rabbitmq', vhost: '/', queue: 'versioned_notifications.info' },
      },
    ]);
  });

  const unread = (name: string, changed = {}) =>
    factsOf({
      purging: { allowed: true },
      queues: [queue(name, { messages: 250_000, consumers: 0, messagesPerSecond: 3, ...changed })],
    });

  test.each(['conductor', 'reply_55f0b9a1c0d44f', 'scheduler_fanout_9a1c0d4e', 'orders', 'billing.invoices'])(
    'are found under any name, and %s is not purged',
    (name) => {
      expect(faults(unread(name))).toEqual([`warning queue-unread /:${name}`]);
      expect(textOf(unread(name))).not.toContain('purge-queue');
    },
  );

  test('a durable queue of a business may have a consumer that comes back', () => {
    expect(textOf(unread('orders', { isDurable: true }))).toContain('its messages may be needed');
  });

  test('are not found if consumers are unknown, if a program fetches from them, and if they are streams', () => {
    const { consumers: _, ...unknown } = queue('events', { messages: 250_000, messagesPerSecond: 3 });
    expect(faults(factsOf({ queues: [unknown] }))).toEqual([]);
    expect(faults(unread('events', { deliveredPerSecond: 2 }))).toEqual([]);
    expect(faults(unread('events', { type: 'stream' }))).toEqual([]);
  });

  test('a few messages, and a queue that does not grow, are not a warning', () => {
    expect(faults(unread('events', { messages: 900 }))).toEqual([]);
    expect(faults(unread('events', { messages: 3_000, messagesPerSecond: 0 }))).toEqual([]);
    expect(faults(unread('events', { messagesPerSecond: 0 }))).toEqual(['info queue-unread /:events']);
    expect(faults(unread('events', { maxLength: 250_000 }))).toEqual(['info queue-unread /:events']);
  });

  test('grow by what earlier runs saw, if the broker does not measure it', () => {
    const facts = factsOf({ queues: [queue('events', { messages: 5_000, consumers: 0 })] }, [
      {
        source: 'rabbitmq',
        vhost: '/',
        queue: 'events',
        messages: 2_000,
        at: new Date('2026-11-26T11:30:00Z'),
      },
    ]);

    expect(faults(facts)).toEqual(['warning queue-unread /:events']);
    expect(textOf(facts)).toContain('grows by 100/min');
    expect(textOf(facts)).toContain('since a run 30 minutes ago');
    expect(faults({ ...facts, earlier: [] })).toEqual([]);
  });

  test('of several clusters have the name of their source', () => {
    const broker = brokerFacts({ queues: [queue('events', { messages: 250_000, consumers: 0 })] });

    expect(
      faults({ brokers: [broker, brokerFacts({ name: 'cells' })], areSeveral: true, earlier: [] }),
    ).toEqual(['warning queue-unread rabbitmq:/:events']);
  });
});

describe('queues that are read too slowly', () => {
  const slow = (changed = {}) =>
    factsOf({
      queues: [
        queue('notifications.info', {
          messages: 400_000,
          consumers: 2,
          messagesPerSecond: 20,
          publishedPerSecond: 50,
          deliveredPerSecond: 30,
          ...changed,
        }),
      ],
    });

  test('are a warning, without a purge', () => {
    expect(faults(slow())).toEqual(['warning consumers-too-slow /:notifications.info']);
    expect(textOf(slow())).toContain('published 50/s, delivered 30/s');
    expect(textOf(slow())).not.toContain('purge');
  });

  test('are a warning if nothing arrives, and their consumers take nothing', () => {
    const stuck = { messagesPerSecond: 0, publishedPerSecond: 0, deliveredPerSecond: 0 };

    expect(faults(slow(stuck))).toEqual(['warning consumers-too-slow /:notifications.info']);
    expect(textOf(slow(stuck))).toContain('and its 2 consumers take none of them');
    expect(faults(slow({ ...stuck, deliveredPerSecond: undefined }))).toEqual([]);
  });

  test.each([
    ['shrink', { messagesPerSecond: -20 }],
    ['are delivered as fast as they are published', { deliveredPerSecond: 50 }],
    ['are small', { messages: 4_000 }],
    ['change by a few messages', { messagesPerSecond: 0.02 }],
    ['grow by an unknown number', { messagesPerSecond: undefined }],
  ])('are healthy if they %s', (_, changed) => {
    expect(faults(slow(changed))).toEqual([]);
  });
});

describe('payloads', () => {
  test('many small messages and a few large ones are no finding', () => {
    expect(
      faults(factsOf({ queues: [queue('a', { messages: 50_000, messageBytes: 900_000_000 })] })),
    ).toEqual([]);
    expect(faults(factsOf({ queues: [queue('b', { messages: 3, messageBytes: 9_000_000 })] }))).toEqual([]);
  });

  test('messages beyond 1 MB on average are a warning', () => {
    expect(
      faults(factsOf({ queues: [queue('images', { messages: 60, messageBytes: 120_000_000 })] })),
    ).toEqual(['warning messages-too-large /:images']);
  });
});

describe('quorum queues', () => {
  test('without a majority are critical although all nodes run', () => {
    const facts = factsOf({ queues: [quorumQueue('conductor', [CTL_1])] });

    expect(faults(facts)).toEqual(['critical queue-without-majority /:conductor']);
  });

  test('that miss a member are a warning, and one finding for its node', () => {
    const facts = factsOf({
      queues: ['conductor', 'scheduler'].map((name) => quorumQueue(name, [CTL_1, CTL_2])),
    });

    expect(faults(facts)).toEqual([`warning queue-members-offline ${CTL_3}`]);
    expect(diagnose(facts).findings[0]?.targets).toEqual(['/:conductor', '/:scheduler']);
  });

  test.each(['minority', 'down', 'stopped', 'crashed'])('in the state %s are critical', (state) => {
    expect(faults(factsOf({ queues: [queue('events', { state })] }))).toEqual([
      'critical queue-down /:events',
    ]);
  });
});

test('a verdict without counts does not say that nothing piles up', () => {
  const { messages: _, consumers: __, ...uncounted } = queue('events');

  expect(diagnose(factsOf({ queues: [uncounted] })).verdict).toBe(
    'No alarms, 3 of 3 nodes running, the messages or consumers of 1 of 1 queue are unknown',
  );
  expect(faults(factsOf({ views: [{ endpoint: 'x', nodes: [stoppedNode(CTL_1)] }] }))).toEqual([
    `critical node-stopped ${CTL_1}`,
  ]);
});
