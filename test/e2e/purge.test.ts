import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { rabbitmqConfig } from '../../src/sources/rabbitmq/config.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type Rabbitmq, startRabbitmq } from '../world/rabbitmq.ts';
import { ADA, GRACE, setStage, type Stage } from './harness.ts';
import { ask, withSources } from './incident.ts';

/** A real RabbitMQ with a queue of notifications that no one reads. */

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const UNREAD = 'versioned_notifications.info';
const OTHER = 'versioned_notifications.error';
const MESSAGES = 12_000;

let rabbitmq: Rabbitmq;
let stage: Stage | undefined;

beforeAll(async () => {
  rabbitmq = await startRabbitmq();
  await Promise.all([UNREAD, OTHER].map((name) => rabbitmq.declare(name)));
  const client = await rabbitmq.connect();
  await client.publish(UNREAD, '{"event_type":"instance.create.end"}', MESSAGES);
  await client.publish(OTHER, '{"event_type":"instance.create.error"}', 3);
  client.close();
});
afterEach(() => stage?.close());
afterAll(() => rabbitmq?.close());

interface Queue {
  readonly messages?: number;
  readonly consumers?: number;
}

/** Waits until the statistics of RabbitMQ show this. */
async function untilQueue(name: string, is: (queue: Queue) => boolean): Promise<void> {
  await expect
    .poll(async () => is((await rabbitmq.ask('GET', `/api/queues/%2F/${name}`)).body as Queue), {
      interval: 100,
    })
    .toBe(true);
}

const messagesIn = (name: string, count: number) => untilQueue(name, ({ messages }) => messages === count);

async function start(): Promise<Stage> {
  await messagesIn(UNREAD, MESSAGES);
  const { config, purger } = rabbitmq;
  const source = rabbitmqConfig.parse({ kind: 'rabbitmq', ...config, allow: { purge: purger } });
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: withSources([source], 'rabbit/health:purge-queue'),
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
  return stage;
}

const HEALTH = ['/rabbit', 'health'] as const;

test('a queue that gets a consumer before the approval keeps its messages', async () => {
  const report = await ask(await start(), HEALTH, UNREAD);
  await report.press(ADA, 'request');
  await report.posted('PLAN ·');
  const client = await rabbitmq.connect();
  await client.consume(UNREAD);
  await untilQueue(UNREAD, ({ consumers }) => consumers === 1);

  await report.press(GRACE, 'approve');

  const end = await report.posted('SKIPPED ·');
  client.close();
  expect(end.text).toContain('The finding is gone');
  await untilQueue(UNREAD, ({ consumers, messages }) => consumers === 0 && messages === MESSAGES);
});

test('two people purge one queue, and no other', async () => {
  const report = await ask(await start(), HEALTH, UNREAD);
  await report.press(ADA, 'request');
  const plan = await report.posted('PLAN ·');
  expect(plan.text).toContain('Deletes 12,000 messages');

  await report.press(GRACE, 'approve');

  const fixed = await report.posted('FIXED ·');
  expect(fixed.text).toContain('Purged 12,000 messages');
  await messagesIn(UNREAD, 0);
  await messagesIn(OTHER, 3);
});
