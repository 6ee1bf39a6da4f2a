import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PREFIX } from '../../src/queue/queues.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { CLEAN } from './clean-evidence.ts';
import { disturbContainer } from './engines.ts';
import { gatherEvidence } from './evidence.ts';
import { checkRemovals } from './removals.ts';
import { buttonsOf, type Button, type Buttons, openButtons, readCard } from './buttons.ts';
import { type FixEventKind, readFixEvents } from './fix-log.ts';
import { hasReached, setGate } from './gates.ts';
import { APPROVERS, REQUESTERS } from './people.ts';
import { type ChaosStage, setChaosStage } from './stage.ts';

/** A real worker process, or its Redis, is killed at a known point of a fix. */

// Processes are started, killed and restarted, and leases expire meanwhile.
vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const [ASKER = ''] = REQUESTERS;
const [, , APPROVER = '', OTHER = ''] = APPROVERS;
/** Not less: a worker that gets no CPU time on a busy machine for this long also loses its lease. */
const LEASE_SECONDS = 3;
/** The one of a batch's two things that a fix repairs. */
const PUMP = 1;

let cleanup: AsyncDisposableStack;
let stage: ChaosStage;
let buttons: Buttons;
beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  stage = await setChaosStage(cleanup, {
    batches: 1,
    thingsInBatch: 2,
    // Batch 1 is a rack.
    rackEvery: 2,
    engines: 1,
    workers: 1,
    bots: 1,
    slowMs: 0,
    pace: {
      approveWithinSeconds: 60,
      applyWithinSeconds: 20,
      membershipSeconds: 60,
      takeOverSeconds: LEASE_SECONDS,
    },
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
const button = async (which: Button, at = 0): Promise<{ message: Message; value: string }> => {
  const message = await eventually(() =>
    thread().find((one) => buttonsOf(one).some((shown) => shown.button === which)),
  );
  return { message, value: buttonsOf(message)[at]?.value ?? '' };
};

/** Runs the check, clicks, plans and approves. */
async function approve(
  question = { command: '/lab', text: 'things 0' },
  offerAt = PUMP,
  approvers: readonly string[] = [APPROVER],
): Promise<void> {
  const [channelId = ''] = stage.channels;
  await stage.workspace.command({ userId: ASKER, channelId, ...question });
  const offer = await button('request', offerAt);
  await buttons.press(ASKER, offer.message, 'request', offer.value);
  const plan = await button('approve');
  for (const userId of approvers) await buttons.press(userId, plan.message, 'approve', plan.value);
}

const RACK = { command: '/lab', text: 'things 1' };
const ALL = 0;
/** The largest 20 of 24 containers, so that more than one plan could remove each. */
const LEFTOVERS = { command: '/node', text: 'leftovers --source lab-0' };
const LARGEST = 1;

const approveRemoval = () => approve(LEFTOVERS, LARGEST, [APPROVER, OTHER]);
const removedNow = () => stage.engines[0]!.engine.removals.map(({ name }) => name);
const violations = async () => {
  const evidence = await gatherEvidence(stage, buttons.clicks, { ...CLEAN, disturbances: [] });
  return checkRemovals(evidence).filter(({ cases }) => cases.length > 0);
};

/** Clicks `Check now` until `isShown`. */
async function checkNow(isShown: (message: Message) => boolean): Promise<Message> {
  const { message, value } = await button('look');
  // Right after an outage the bot may still be reconnecting to Redis: then it says so, and a person clicks
  // again.
  const refusals = () =>
    stage.workspace
      .ephemerals(APPROVER, message.channel)
      .filter(({ text }) => text.includes("couldn't process this click")).length;
  for (;;) {
    const before = refusals();
    await buttons.press(APPROVER, message, 'look', value);
    const seen = await eventually(() => thread().find(isShown) ?? (refusals() > before && 'again'));
    if (seen !== 'again') return seen;
  }
}

const isFixed = (message: Message) => readCard(message)?.word === 'FIXED';
const saysThatItIsStillThere = ({ text }: Message) => text.includes('the finding is still there');

/** Waits until the only worker was killed at a gate, opens the gate, and starts another worker. */
async function restartWorker(gate: string): Promise<void> {
  await expect.poll(() => stage.fleet.running()).toEqual([]);
  await rm(gate);
  await stage.fleet.start();
}

test('a worker killed between "applying" and the fix leaves it interrupted, not applied, and never resumed', async () => {
  const gate = setGate(stage.folder, 'die', 'before');
  await approve();
  await restartWorker(gate);

  const shown = await card('INTERRUPTED');
  expect(shown.text).toContain('unknown whether it was applied');
  await checkNow(saysThatItIsStillThere);

  expect(readCard(thread().find(({ ts }) => ts === shown.ts) ?? shown)?.word).toBe('INTERRUPTED');
  expect(readFixEvents(stage.folder, 'applied')).toEqual([]);
});

test('a worker killed between the fix and "applied" leaves it interrupted and applied once, and `Check now` finds it fixed', async () => {
  const gate = setGate(stage.folder, 'die', 'after');
  await approve();
  await restartWorker(gate);

  const shown = await card('INTERRUPTED');
  expect(shown.text).toContain('unknown whether it was applied');
  const fixed = await checkNow(isFixed);

  expect(fixed.ts).toBe(shown.ts);
  expect(readFixEvents(stage.folder, 'applied')).toHaveLength(1);
});

test('a fix during which Redis is killed is not applied again, and `Check now` finds it fixed', async () => {
  const gate = setGate(stage.folder, 'hold', 'after');
  await approve();
  await expect.poll(() => hasReached(stage.folder, 'after')).toBe(true);

  await stage.redis.kill();
  await rm(gate);
  // Whether the lease has expired cannot be queried: it takes at least this long.
  await sleep(LEASE_SECONDS * 1_700);
  await stage.redis.start();

  await card('INTERRUPTED');
  await checkNow(isFixed);
  expect(readFixEvents(stage.folder, 'applied')).toHaveLength(1);
});

test('a fix is not applied if Redis is down for longer than the lease right before it', async () => {
  const gate = setGate(stage.folder, 'hold', 'before');
  await approve();
  await expect.poll(() => hasReached(stage.folder, 'before')).toBe(true);

  await stage.redis.kill();
  // Whether the lease has expired cannot be queried: it takes at least this long.
  await sleep(LEASE_SECONDS * 1_700);
  await stage.redis.start();
  await rm(gate);

  await card('INTERRUPTED');
  await checkNow(saysThatItIsStillThere);
  expect(readFixEvents(stage.folder, 'applied')).toEqual([]);
});

test('a worker killed in the second line of a plan leaves the first recorded, and no other line is started', async () => {
  const held = setGate(stage.folder, 'hold', 'after');
  await approve(RACK, ALL);
  await expect.poll(() => hasReached(stage.folder, 'after')).toBe(true);
  const gate = setGate(stage.folder, 'die', 'before');
  await rm(held);
  await restartWorker(gate);

  const shown = await card('INTERRUPTED');
  expect(JSON.stringify(shown.blocks)).toContain('mended valve-1-0');
  await checkNow(saysThatItIsStillThere);

  const lines = (kind: FixEventKind) => readFixEvents(stage.folder, kind).map(({ line }) => line);
  expect(lines('started')).toEqual([1, 2]);
  expect(lines('applied')).toEqual([1]);
  expect(await stage.connection.keys(`${PREFIX}:target:*`)).toEqual([]);
});

test('the next line is not started if Redis is down for longer than the lease between two lines', async () => {
  const held = setGate(stage.folder, 'hold', 'after');
  await approve(RACK, ALL);
  await expect.poll(() => hasReached(stage.folder, 'after')).toBe(true);

  await stage.redis.kill();
  // Whether the lease has expired cannot be queried: it takes at least this long.
  await sleep(LEASE_SECONDS * 1_700);
  await stage.redis.start();
  await rm(held);

  await card('INTERRUPTED');
  expect(readFixEvents(stage.folder, 'started')).toHaveLength(1);
});

test('a worker killed between the removal of a container and its record removes it once, and no other', async () => {
  const gate = setGate(stage.folder, 'die', 'after');
  await approveRemoval();
  await restartWorker(gate);

  await card('INTERRUPTED');
  await checkNow(saysThatItIsStillThere);
  expect(removedNow()).toEqual(['happy_curie_23_0']);
  expect(await violations()).toEqual([]);
});

test.each(['start', 'change'] as const)(
  'a container that others %s after its last check and before its removal stays',
  async (kind) => {
    const gate = setGate(stage.folder, 'hold', 'before');
    await approveRemoval();
    await expect.poll(() => hasReached(stage.folder, 'before')).toBe(true);

    disturbContainer(stage.engines, { thing: 'lab-0/happy_curie_23_0', kind });
    await rm(gate);

    const failed = await card('FAILED');
    expect(failed.text).toMatch(/is no longer exited|has run again/);
    expect(removedNow()).toEqual([]);
    expect(await violations()).toEqual([]);
  },
);
