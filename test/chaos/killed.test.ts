import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WORLD_TEST_LIMIT_MS } from '../wait-at-most.ts';
import type { Message } from '../workspace/model.ts';
import { buttonsOf, type Button, type Clicker, openClicker, readCard } from './clicker.ts';
import { hasReached, readDeeds, setGate } from './lab.ts';
import { APPROVERS, REQUESTERS } from './people.ts';
import { type ChaosStage, setChaosStage } from './stage.ts';

/** One real worker process that is killed at a known point of a deed, or whose Redis is. */

// Processes are started, killed, and started anew here, and leases end in between.
vi.setConfig({ testTimeout: WORLD_TEST_LIMIT_MS, hookTimeout: WORLD_TEST_LIMIT_MS });

const [ASKER = ''] = REQUESTERS;
const [, , APPROVER = ''] = APPROVERS;
/** Not less: a worker that gets no turn on a busy machine for as long has lost its lease, too. */
const LEASE_SECONDS = 3;
/** Of the two things of a batch, the one that a deed mends. */
const PUMP = 1;

let lasting: AsyncDisposableStack;
let stage: ChaosStage;
let clicker: Clicker;
beforeEach(async () => {
  lasting = new AsyncDisposableStack();
  stage = await setChaosStage(lasting, {
    batches: 1,
    thingsInBatch: 2,
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
  clicker = openClicker(stage.workspace);
});
afterEach(() => lasting.disposeAsync());

const thread = (): readonly Message[] => {
  const [channelId = ''] = stage.channels;
  return stage.workspace.messages(channelId).flatMap(({ ts }) => stage.workspace.thread(channelId, ts));
};
const eventually = <T>(look: () => T | undefined | false) => stage.workspace.waitFor(look);
const card = (word: string) => eventually(() => thread().find((one) => readCard(one)?.word === word));
const button = async (which: Button, at = 0): Promise<{ message: Message; value: string }> => {
  const message = await eventually(() =>
    thread().find((one) => buttonsOf(one).some((shown) => shown.button === which)),
  );
  return { message, value: buttonsOf(message)[at]?.value ?? '' };
};

/** The question, the click, the plan, the approval. */
async function approve(): Promise<void> {
  const [channelId = ''] = stage.channels;
  await stage.workspace.command({ userId: ASKER, channelId, command: '/lab', text: 'things 0' });
  const offer = await button('request', PUMP);
  await clicker.press(ASKER, offer.message, 'request', offer.value);
  const plan = await button('approve');
  await clicker.press(APPROVER, plan.message, 'approve', plan.value);
}

/** Clicks `Check now` until `isShown`. */
async function checkNow(isShown: (message: Message) => boolean): Promise<Message> {
  const { message, value } = await button('look');
  // Just after an outage the bot may still be on its way back to Redis: then it says so, and a person clicks again.
  const refusals = () =>
    stage.workspace
      .ephemerals(APPROVER, message.channel)
      .filter(({ text }) => text.includes('could not process this click')).length;
  for (;;) {
    const before = refusals();
    await clicker.press(APPROVER, message, 'look', value);
    const seen = await eventually(() => thread().find(isShown) ?? (refusals() > before && 'again'));
    if (seen !== 'again') return seen;
  }
}

const isFixed = (message: Message) => readCard(message)?.word === 'FIXED';
const saysThatItIsStillThere = ({ text }: Message) => text.includes('the finding is still there');

/** Waits until the only worker has died at a gate, opens the gate, and starts the worker anew. */
async function startAnew(gate: string): Promise<void> {
  await expect.poll(() => stage.fleet.running()).toEqual([]);
  await rm(gate);
  await stage.fleet.start();
}

test('a worker that is killed between "applying" and the deed: interrupted, not done, and never taken up again', async () => {
  const gate = setGate(stage.folder, 'die', 'before');
  await approve();
  await startAnew(gate);

  const shown = await card('INTERRUPTED');
  expect(shown.text).toContain('nobody knows whether it was done');
  await checkNow(saysThatItIsStillThere);

  expect(readCard(thread().find(({ ts }) => ts === shown.ts) ?? shown)?.word).toBe('INTERRUPTED');
  expect(readDeeds(stage.folder)).toEqual([]);
});

test('a worker that is killed between the deed and "applied": interrupted, done once, and `Check now` finds it fixed', async () => {
  const gate = setGate(stage.folder, 'die', 'after');
  await approve();
  await startAnew(gate);

  const shown = await card('INTERRUPTED');
  expect(shown.text).toContain('nobody knows whether it was done');
  const fixed = await checkNow(isFixed);

  expect(fixed.ts).toBe(shown.ts);
  expect(readDeeds(stage.folder)).toHaveLength(1);
});

test('Redis is killed while a deed runs: the deed is not done again, and `Check now` finds it fixed', async () => {
  const gate = setGate(stage.folder, 'hold', 'after');
  await approve();
  await expect.poll(() => hasReached(stage.folder, 'after')).toBe(true);

  await stage.redis.kill();
  await rm(gate);
  // Nobody can be asked whether the lease is over: at least so long it takes.
  await sleep(LEASE_SECONDS * 1_700);
  await stage.redis.start();

  await card('INTERRUPTED');
  await checkNow(isFixed);
  expect(readDeeds(stage.folder)).toHaveLength(1);
});

test('Redis is away for longer than the lease while a deed is about to be done: it is not done any more', async () => {
  const gate = setGate(stage.folder, 'hold', 'before');
  await approve();
  await expect.poll(() => hasReached(stage.folder, 'before')).toBe(true);

  await stage.redis.kill();
  // Nobody can be asked whether the lease is over: at least so long it takes.
  await sleep(LEASE_SECONDS * 1_700);
  await stage.redis.start();
  await rm(gate);

  await card('INTERRUPTED');
  await checkNow(saysThatItIsStillThere);
  expect(readDeeds(stage.folder)).toEqual([]);
});
