import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { brokerSource } from '../../shared/fixture-brokers.ts';
import { allowed, queue } from './builders.ts';
import { purgeQueue } from './purge-queue.ts';

const PARAMS = { source: 'rabbitmq', vhost: '/', queue: 'versioned_notifications.info' };
const unread = (changed: Partial<ports.BrokerQueue> = {}) =>
  queue(PARAMS.queue, { messages: 1_893_322, messageBytes: 9_466_610_000, consumers: 0, ...changed });

function context(
  queues: readonly ports.BrokerQueue[],
  purging: ports.ConfiguredPermission = allowed,
): ReadContext<'brokers'> {
  const endpoints = [
    { url: 'https://ctl-1:15671', error: new SourceError('rabbitmq', 'unreachable', 'timed out') },
    { url: 'https://ctl-2:15671', queues },
  ];
  return {
    read: { brokers: [brokerSource({ name: 'rabbitmq', endpoints, purging })] },
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

const plan = (queues: readonly ports.BrokerQueue[], params = PARAMS, purging?: ports.ConfiguredPermission) =>
  purgeQueue.plan(context(queues, purging), params);

test('names the queue, how much is lost, and what fills it again', async () => {
  const made = await plan([queue('conductor'), queue('reply_1'), unread()]);

  expect(made).toMatchObject({
    lines: [
      'Purge the queue versioned_notifications.info in the virtual host / of rabbitmq; the queue stays',
    ],
    targets: ['rabbitmq:/:versioned_notifications.info'],
    precondition: { queue: PARAMS.queue, 'virtual host': '/', type: 'classic', consumers: 'none' },
    impact: expect.stringContaining('Deletes 1,893,322 messages (9.5 GB)'),
    safety: ['No program consumes versioned_notifications.info'],
    afterwards: [expect.stringContaining('notification_format = unversioned')],
  });
  expect(purgeQueue.title(PARAMS)).toBe('Purge versioned_notifications.info');
});

test('stays the same while the queue grows', async () => {
  const [before, after] = await Promise.all([plan([unread()]), plan([unread({ messages: 2_000_000 })])]);

  expect({ ...after, impact: '' }).toEqual({ ...before, impact: '' });
});

describe('is refused', () => {
  test.each([
    ['has a consumer by now', { consumers: 1 }],
    ['has an unknown number of consumers', { consumers: undefined }],
    ['is being read by a program that fetches', { unacknowledged: 12 }],
    ['is delivered from', { deliveredPerSecond: 3 }],
    ['is a stream', { type: 'stream' }],
    ['is of an unknown type', { type: undefined }],
    ['belongs to one connection', { isExclusive: true }],
    ['is empty, because it was purged already', { messages: 40 }],
  ])('if the queue %s', async (_, changed) => {
    await expect(plan([unread(changed as Partial<ports.BrokerQueue>)])).rejects.toThrow(SourceError);
  });

  test.each(['conductor', 'reply_55f0b9a1c0d44f', 'scheduler_fanout_9a1c0d4e', 'compute.cmp-12', 'orders'])(
    'for %s',
    async (name) => {
      await expect(plan([unread({ name })], { ...PARAMS, queue: name })).rejects.toThrow(/isn't purged/);
    },
  );

  test('if the queue is only in another virtual host', async () => {
    await expect(plan([unread({ vhost: 'other' })])).rejects.toThrow(/no longer exists/);
  });

  test('if the configuration does not allow it', async () => {
    const purging = { allowed: false, because: '`allow.purge` is not configured' } as const;
    await expect(plan([unread()], PARAMS, purging)).rejects.toThrow(/not configured/);
  });
});

test('purges only that queue, once, and records how much', async () => {
  const read = context([unread()]);
  const purged: unknown[] = [];
  const steps: string[] = [];
  const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: read.signal };

  await purgeQueue.apply(
    {
      ...read,
      write: {
        brokers: (source) => ({
          purgeQueue: async (one) => {
            purged.push([source, one]);
            return { purged: 1_893_400 };
          },
        }),
      },
      applyContext,
      recordStep: async (line) => void steps.push(line),
    },
    PARAMS,
    await plan([unread()]),
  );

  expect(purged).toEqual([['rabbitmq', { vhost: '/', name: PARAMS.queue }]]);
  expect(steps).toEqual([
    'Purged 1,893,400 messages from versioned_notifications.info in the virtual host /',
  ]);
});
