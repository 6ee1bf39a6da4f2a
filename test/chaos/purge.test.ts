import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { queueObject } from '../world/rabbitmq/served-queues.ts';
import { type ServedManagement, serveManagement } from '../world/rabbitmq/served-management.ts';
import { type Button, type Buttons, buttonsOf, openButtons, readCard } from './buttons.ts';
import { APPROVERS, REQUESTERS } from './people.ts';
import { type ChaosStage, setChaosStage } from './stage.ts';

/** A worker process is killed between the plan of a purge, its approval, and the purge. */

// Processes are started, killed and restarted, and leases expire meanwhile.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const [ASKER = ''] = REQUESTERS;
const [, , APPROVER = '', OTHER = ''] = APPROVERS;
const UNREAD = 'versioned_notifications.info';
const PURGE = `DELETE /api/queues/%2F/${UNREAD}/contents`;
const QUEUES = [
  queueObject(UNREAD, { messages: 1_893_322, consumers: 0 }),
  queueObject('notifications.info', { messages: 412_907, consumers: 2 }),
  queueObject('versioned_notifications.error', { messages: 41_000, consumers: 0 }),
  queueObject('reply_55f0b9a1c0d44f', { messages: 50_000, consumers: 0 }),
  queueObject('conductor', { messages: 11, consumers: 24 }),
];

let cleanup: AsyncDisposableStack;
let broker: ServedManagement;
let stage: ChaosStage;
let buttons: Buttons;
beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  broker = await serveManagement({ queues: QUEUES });
  cleanup.defer(broker.close);
  stage = await setChaosStage(cleanup, {
    batches: 1,
    thingsInBatch: 1,
    brokers: [{ name: 'rabbitmq', url: broker.url }],
    workers: 1,
    bots: 1,
    slowMs: 0,
    pace: { approveWithinSeconds: 60, applyWithinSeconds: 30, membershipSeconds: 60, takeOverSeconds: 3 },
  });
  buttons = openButtons(stage.workspace);
});
afterEach(() => cleanup.disposeAsync());

const thread = (): readonly Message[] => {
  const [channelId = ''] = stage.channels;
  return stage.workspace.messages(channelId).flatMap(({ ts }) => stage.workspace.thread(channelId, ts));
};
const eventually = <T>(find: () => T | undefined | false) => stage.workspace.waitFor(find);
const card = (word: string) => eventually(() => thread().find((one) => readCard(one)?.word === word));

async function press(userId: string, which: Button): Promise<void> {
  const message = await eventually(() =>
    thread().find((one) => buttonsOf(one).some(({ button }) => button === which)),
  );
  const shown = buttonsOf(message).find(({ button }) => button === which);
  await buttons.press(userId, message, which, shown?.value ?? '');
}

async function plan(): Promise<void> {
  const [channelId = ''] = stage.channels;
  await stage.workspace.command({ userId: ASKER, channelId, command: '/rabbit', text: 'health' });
  await press(ASKER, 'request');
  await card('PLAN');
}

async function approve(): Promise<void> {
  await press(APPROVER, 'approve');
  await press(OTHER, 'approve');
}

async function killWorker(): Promise<void> {
  const [number = 0] = stage.fleet.running();
  await stage.fleet.kill(number);
}

const changes = () => broker.requests.filter((request) => !request.startsWith('GET '));
const messagesLeft = () => Object.fromEntries(broker.queues.map(({ name, messages }) => [name, messages]));
const others = Object.fromEntries(
  QUEUES.filter(({ name }) => name !== UNREAD).map(({ name, messages }) => [name, messages]),
);

test('a worker killed between the plan and its approval: the next one purges the queue once, and no other', async () => {
  await plan();
  await killWorker();
  await approve();
  expect(changes()).toEqual([]);
  await stage.fleet.start();

  await card('FIXED');

  expect(changes()).toEqual([PURGE]);
  expect(messagesLeft()).toEqual({ ...others, [UNREAD]: 0 });
});

test('a worker killed right before the purge purges nothing, and no other worker does', async () => {
  await plan();
  broker.setFault(`/api/queues/%2F/${UNREAD}`, 'hang');
  await approve();
  await expect.poll(() => broker.requests).toContain(`GET /api/queues/%2F/${UNREAD}`);
  await killWorker();
  broker.setFault(`/api/queues/%2F/${UNREAD}`, undefined);
  await stage.fleet.start();

  await card('INTERRUPTED');

  expect(changes()).toEqual([]);
  expect(messagesLeft()).toEqual({ ...others, [UNREAD]: 1_893_322 });
});

test('a worker killed while it purges leaves it interrupted, and the purge is not repeated', async () => {
  await plan();
  broker.setFault(`/api/queues/%2F/${UNREAD}/contents`, 'hang');
  await approve();
  await expect.poll(changes).toEqual([PURGE]);
  await killWorker();
  broker.setFault(`/api/queues/%2F/${UNREAD}/contents`, undefined);
  await stage.fleet.start();

  await card('INTERRUPTED');

  expect(changes()).toEqual([PURGE]);
  expect(messagesLeft()).toMatchObject(others);
});
