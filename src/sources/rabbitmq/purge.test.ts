import { afterEach, expect, test } from 'vitest';
import type { BrokerWriter } from '../../ports/brokers.ts';
import {
  type ManagementFault,
  serveManagement,
  type ServedManagement,
} from '../../../test/world/rabbitmq/served-management.ts';
import { queueObject } from '../../../test/world/rabbitmq/served-queues.ts';
import { rabbitmqConfig } from './config.ts';
import { openRabbitmq } from './open.ts';

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((close) => close()));
});

const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: new AbortController().signal };
const USER = { username: 'wrench', password: 'wrench-password' };
const PURGER = { username: 'wrench-purge', password: 'purge-password' };
const UNREAD = { messages: 1_893_322, messages_ready: 1_893_322, consumers: 0 };

async function open(
  queues: readonly ReturnType<typeof queueObject>[],
  { purge = {}, before = [] }: { readonly purge?: object; readonly before?: readonly string[] } = {},
): Promise<{ readonly node: ServedManagement; readonly writer: BrokerWriter }> {
  const users = [
    { ...USER, tags: ['monitoring'] },
    { ...PURGER, tags: ['management'] },
  ];
  const node = await serveManagement({ queues, users });
  const config = { kind: 'rabbitmq', urls: [...before, node.url], user: USER, allow: { purge } };
  const source = openRabbitmq(rabbitmqConfig.parse(config));
  cleanup.push(node.close, source.close);
  return { node, writer: source.writes!.brokers! };
}

const deletions = ({ requests }: ServedManagement) => requests.filter((one) => one.startsWith('DELETE'));

test.each(['versioned_notifications.info', 'a/b %é?#', '...', ' '])(
  'purges exactly the queue %s, and says how many messages there were',
  async (name) => {
    const others = [queueObject('orders', UNREAD), queueObject(name, { ...UNREAD, vhost: 'other' })];
    const { node, writer } = await open([queueObject(name, UNREAD), ...others], { purge: PURGER });
    expect(await writer.purgeQueue({ vhost: '/', name }, applyContext)).toEqual({ purged: 1_893_322 });
    expect(deletions(node)).toHaveLength(1);
    expect(node.queues.slice(1)).toEqual(others);
    expect(node.queues[0]).toMatchObject({ messages: 0 });
  },
);

test.each([
  ['one consumer', { consumers: 1 }, /has 1 consumer$/],
  ['consumers that its count does not have yet', { consumer_details: [{}, {}] }, /has 2 consumers$/],
  ['an unknown number of consumers', { consumers: undefined }, /number is unknown/],
  ['an unknown number of messages', { messages_ready: undefined }, /statistics may be off/],
  ['messages that are being processed', { messages_unacknowledged: 3 }, /is being read/],
  ['messages that are fetched', { message_stats: { deliver_get_details: { rate: 0.2 } } }, /is being read/],
  ['one connection', { exclusive: true }, /belongs to one connection/],
  ['the type stream', { type: 'stream' }, /is a stream/],
])('refuses a queue with %s', async (_, more, message) => {
  const { node, writer } = await open([queueObject('orders', { ...UNREAD, ...more })]);
  await expect(writer.purgeQueue({ vhost: '/', name: 'orders' }, applyContext)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(message) as string,
  });
  expect(deletions(node)).toEqual([]);
});

test.each([
  'reply_55f0',
  'scheduler_fanout_9a1c',
  'conductor',
  'compute.cmp-12',
  'cinder-volume',
  'amq.gen-1',
  '.',
  '..',
])('refuses %s, and asks nothing', async (name) => {
  const { node, writer } = await open([queueObject(name, UNREAD)]);
  await expect(writer.purgeQueue({ vhost: '/', name }, applyContext)).rejects.toMatchObject({
    kind: 'refused',
  });
  expect(node.requests).toEqual([]);
});

test('a queue that no longer exists is missing', async () => {
  const { node, writer } = await open([]);
  await expect(writer.purgeQueue({ vhost: '/', name: 'orders' }, applyContext)).rejects.toMatchObject({
    kind: 'missing',
  });
  expect(deletions(node)).toEqual([]);
});

test('asks another node if the first does not respond', async () => {
  const { node, writer } = await open([queueObject('orders', UNREAD)], { before: ['http://127.0.0.1:1'] });
  expect(await writer.purgeQueue({ vhost: '/', name: 'orders' }, applyContext)).toEqual({
    purged: 1_893_322,
  });
  expect(deletions(node)).toHaveLength(1);
});

test.each<[string, ManagementFault, string, RegExp]>([
  [
    'no permission',
    { status: 401, body: { error: 'not_authorised', reason: 'Access refused.' } },
    'refused',
    /wrench-purge has no permission/,
  ],
  ['a lost connection', 'reset', 'unreachable', /may have been purged/],
  ['an error of a proxy', { status: 502, body: '<html>' }, 'unreachable', /may have been purged/],
  [
    'a queue of another type',
    { status: 400, body: { reason: 'queue.purge not supported' } },
    'refused',
    /not supported/,
  ],
])('sends the request once with %s', async (_, fault, kind, message) => {
  const { node, writer } = await open([queueObject('orders', UNREAD)], { purge: PURGER });
  node.setFault('/api/queues/%2F/orders/contents', fault);
  await expect(writer.purgeQueue({ vhost: '/', name: 'orders' }, applyContext)).rejects.toMatchObject({
    kind,
    message: expect.stringMatching(message) as string,
  });
  expect(deletions(node)).toHaveLength(1);
});
