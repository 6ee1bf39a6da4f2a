import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApplyContext } from '../../src/ports/apply-context.ts';
import type { Broker, BrokerQueue } from '../../src/ports/brokers.ts';
import type { Source } from '../../src/ports/source.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import { rabbitmqConfig } from '../../src/sources/rabbitmq/config.ts';
import { openRabbitmq } from '../../src/sources/rabbitmq/open.ts';
import { MAX_WORLD_WAIT_MS, WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type Rabbitmq, startRabbitmq } from './rabbitmq.ts';

/** One real RabbitMQ, with alarms of memory and disk space from the start. */
let rabbitmq: Rabbitmq;
let source: Source;
let broker: Broker;
beforeAll(async () => {
  rabbitmq = await startRabbitmq({
    settings: ['vm_memory_high_watermark.absolute = 20MB', 'disk_free_limit.absolute = 900000GB'],
  });
  source = open({ allow: { purge: rabbitmq.purger } });
  broker = source.reads.brokers!;
}, WORLD_TEST_TIMEOUT_MS);
afterAll(async () => {
  await source?.close();
  await rabbitmq?.close();
});

const { signal } = new AbortController();
const applyContext: ApplyContext = { idempotencyKey: 'm0123456789abcdef', signal };
const query = () => ({ endpoint: rabbitmq.nodes[0]!.url, signal });

function open(more: object): Source {
  return openRabbitmq(rabbitmqConfig.parse({ kind: 'rabbitmq', ...rabbitmq.config, ...more }));
}

async function queuesOf(reader: Broker): Promise<ReadonlyMap<string, BrokerQueue>> {
  const queues: BrokerQueue[] = [];
  for await (const page of reader.queues(query())) queues.push(...page);
  return new Map(queues.map((one) => [one.name, one]));
}

/** Statistics are collected once a second. */
async function untilQueue(name: string, facts: object): Promise<void> {
  await expect
    .poll(async () => (await queuesOf(broker)).get(name), { timeout: MAX_WORLD_WAIT_MS, interval: 200 })
    .toMatchObject(facts);
}

test('says what it is, and that it collects statistics', async () => {
  expect(await broker.overview(query())).toMatchObject({
    node: 'rabbit1@localhost',
    version: expect.stringMatching(/^3\.|^4\./) as string,
    hasStatistics: true,
    connections: 0,
  });
  expect(await source.healthCheck(signal)).toMatchObject({ ok: true });
  expect((await source.permissions!(signal)).filter(({ allowed }) => !allowed)).toEqual([]);
});

test('reads the node, its memory and its alarms', async () => {
  await expect
    .poll(() => broker.alarms(query()), { timeout: MAX_WORLD_WAIT_MS })
    .toEqual(
      expect.arrayContaining([
        { node: 'rabbit1@localhost', resource: 'memory' },
        { node: 'rabbit1@localhost', resource: 'disk space' },
      ]),
    );
  await expect
    .poll(() => broker.nodes(query()), { timeout: MAX_WORLD_WAIT_MS })
    .toEqual([
      expect.objectContaining({
        name: 'rabbit1@localhost',
        isRunning: true,
        hasMemoryAlarm: true,
        hasDiskAlarm: true,
        partitions: [],
        memoryLimitBytes: 20_000_000,
        diskFreeBytes: expect.any(Number) as number,
      }),
    ]);
  const memory = await broker.memory({ ...query(), node: 'rabbit1@localhost' });
  expect(memory.usedBytes).toBeGreaterThan(20_000_000);
  expect(Object.keys(memory.parts)).toContain('code');
});

test('reads queues of every type, with names that a path must encode', async () => {
  await rabbitmq.declare('a/b %é');
  await rabbitmq.declare('ledger', { arguments: { 'x-queue-type': 'quorum' } });
  await rabbitmq.declare('events', { arguments: { 'x-queue-type': 'stream' } });
  await rabbitmq.declare('limited', {
    durable: false,
    arguments: { 'x-max-length': 10, 'x-expires': 3_600_000, 'x-message-ttl': 60_000 },
  });
  await rabbitmq.publish('a/b %é', ['x'.repeat(2_000_000), 'y']);
  await untilQueue('a/b %é', {
    messages: 2,
    ready: 2,
    unacknowledged: 0,
    consumers: 0,
    messageBytes: 2_000_001,
  });
  const queues = await queuesOf(broker);
  expect([...queues.keys()][0]).toBe('a/b %é');
  expect(queues.get('ledger')).toMatchObject({
    type: 'quorum',
    node: 'rabbit1@localhost',
    members: ['rabbit1@localhost'],
    online: ['rabbit1@localhost'],
  });
  expect(queues.get('events')).toMatchObject({ type: 'stream' });
  expect(queues.get('limited')).toMatchObject({
    isDurable: false,
    maxLength: 10,
    expiresMs: 3_600_000,
    messageTtlMs: 60_000,
  });
});

test('purges one queue and no other', async () => {
  await rabbitmq.declare('versioned_notifications.info');
  await rabbitmq.declare('orders');
  await rabbitmq.publish('versioned_notifications.info', ['1', '2', '3']);
  await rabbitmq.publish('orders', ['4']);
  await untilQueue('versioned_notifications.info', { ready: 3, consumers: 0 });
  const writer = source.writes!.brokers!;
  const purged = await writer.purgeQueue({ vhost: '/', name: 'versioned_notifications.info' }, applyContext);
  expect(purged).toEqual({ purged: 3 });
  await untilQueue('versioned_notifications.info', { messages: 0 });
  await untilQueue('orders', { messages: 1 });
});

test('the user for reading can purge nothing', async () => {
  await rabbitmq.declare('kept');
  await rabbitmq.publish('kept', ['1']);
  await untilQueue('kept', { ready: 1, consumers: 0 });
  const same = open({ allow: { purge: {} } });
  const purge = same.writes!.brokers!.purgeQueue({ vhost: '/', name: 'kept' }, applyContext);
  await expect(purge).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('no permission') as string,
  });
  await same.close();
  await untilQueue('kept', { ready: 1 });
});

test('finds that the queues of a virtual host are hidden', async () => {
  await rabbitmq.ask('PUT', '/api/vhosts/nova');
  await rabbitmq.declare('orders', { vhost: 'nova' });
  const error: unknown = await queuesOf(broker).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SourceError);
  expect(error).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('no permission in the virtual host nova') as string,
  });
  expect(await source.permissions!(signal)).toContainEqual(
    expect.objectContaining({ permission: 'any permission in the virtual host nova', allowed: false }),
  );
});
