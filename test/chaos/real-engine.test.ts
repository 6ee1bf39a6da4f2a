import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { startEngine, type TestEngine } from '../world/docker/engine.ts';
import { type Button, type Buttons, buttonsOf, openButtons, readCard } from './buttons.ts';
import { readFixEvents } from './fix-log.ts';
import { hasReached, setGate } from './gates.ts';
import { APPROVERS, REQUESTERS } from './people.ts';
import { type ChaosStage, setChaosStage } from './stage.ts';

/**
 * Containers of a real Docker Engine are removed by a worker that is killed in the middle of the plan, and
 * by another one.
 */

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const [ASKER = ''] = REQUESTERS;
const [, , FIRST = '', SECOND = ''] = APPROVERS;
const DAY_SECONDS = 86_400;
/** As Slack may deliver one click. */
const DELIVERIES = 4;

let cleanup: AsyncDisposableStack;
let engine: TestEngine;
let stage: ChaosStage;
let buttons: Buttons;
beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  engine = await startEngine();
  cleanup.defer(engine.close);
  for (const [at, name] of ['build_1', 'build_2', 'build_3', 'build_4'].entries())
    await engine.run({ name, writes: 400_000 - at * 100_000 });
  await engine.run({ name: 'pause', labels: { 'io.kubernetes.pod.name': 'web-0' } });
  await engine.run({ name: 'kept', labels: { keep: 'true' } });
  await engine.backdate(await engine.names(), 2 * DAY_SECONDS);
  await engine.run({ name: 'recent' });
  await engine.run({ name: 'service', state: 'running' });
  stage = await setChaosStage(cleanup, {
    batches: 1,
    thingsInBatch: 1,
    ownEngines: [{ name: 'builders', url: engine.url }],
    workers: 1,
    bots: 1,
    slowMs: 0,
    pace: { approveWithinSeconds: 60, applyWithinSeconds: 20, membershipSeconds: 60, takeOverSeconds: 3 },
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

/** The last such button whose value is not one of these. */
async function button(which: Button, not: readonly string[] = []) {
  return eventually(() => {
    const shown = thread().flatMap((message) =>
      buttonsOf(message)
        .filter((one) => one.button === which && !not.includes(one.value))
        .map(({ value }) => ({ message, value })),
    );
    return shown.at(-1);
  });
}

/** Runs the check, requests the removal, and has two people approve it. @returns the offer. */
async function approveRemoval(not: readonly string[] = []): Promise<string> {
  const [channelId = ''] = stage.channels;
  await stage.workspace.command({
    userId: ASKER,
    channelId,
    command: '/node',
    text: 'leftovers --source builders',
  });
  const offer = await button('request', not);
  await buttons.press(ASKER, offer.message, 'request', offer.value, { deliveries: DELIVERIES });
  const plan = await button('approve');
  await Promise.all(
    [FIRST, SECOND].map((userId) =>
      buttons.press(userId, plan.message, 'approve', plan.value, { deliveries: DELIVERIES }),
    ),
  );
  return offer.value;
}

const REMAINING = ['kept', 'pause', 'recent', 'service'];

test('after a worker is killed in its second removal, nothing else is removed until another plan is approved', async () => {
  const held = setGate(stage.folder, 'hold', 'after');
  const first = await approveRemoval();
  await expect.poll(() => hasReached(stage.folder, 'after')).toBe(true);
  const gate = setGate(stage.folder, 'die', 'before');
  await rm(held);
  await expect.poll(() => stage.fleet.running()).toEqual([]);
  await rm(gate);
  await stage.fleet.start();
  await card('INTERRUPTED');
  expect(await engine.names()).toEqual(['build_2', 'build_3', 'build_4', ...REMAINING]);

  // Someone starts one of them between plan and removal.
  const holding = setGate(stage.folder, 'hold', 'before');
  const lines = readFixEvents(stage.folder, 'started').length;
  await approveRemoval([first]);
  await expect.poll(() => readFixEvents(stage.folder, 'started').length).toBeGreaterThan(lines);
  const { status } = await engine.ask('POST', '/containers/build_4/start');
  expect(status).toBe(204);
  await rm(holding);

  const fixed = await card('FIXED');
  expect(JSON.stringify(fixed.blocks)).toMatch(/build_4 (has run again since the plan|is running now)/);
  expect(await engine.names()).toEqual(['build_4', ...REMAINING]);
});
