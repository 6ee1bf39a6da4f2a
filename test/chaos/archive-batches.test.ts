import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { archiveParams } from '../../commands/cloud/records/archive-params.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { type Button, type Buttons, buttonsOf, openButtons, readCard } from './buttons.ts';
import { hasReached, setGate } from './gates.ts';
import { APPROVERS, REQUESTERS } from './people.ts';
import { type ChaosStage, setChaosStage } from './stage.ts';
import { type ArchiveEvent, readArchiveEvents } from './watched-archiving.ts';

/** Workers are killed between batches and in them, while clicks are delivered several times. */

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const [ASKER = ''] = REQUESTERS;
const [, , FIRST = '', SECOND = ''] = APPROVERS;
/** As Slack may deliver one click. */
const DELIVERIES = 4;

let cleanup: AsyncDisposableStack;
let stage: ChaosStage;
let buttons: Buttons;
beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  stage = await setChaosStage(cleanup, {
    batches: 1,
    thingsInBatch: 1,
    workers: 2,
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
const begun = () => readArchiveEvents(stage.folder).filter(({ kind }) => kind === 'begun');

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

/** Runs the check, requests the fix, and has two people approve its plan. @returns the offer and the approval. */
async function approveArchiving(not: readonly string[] = []): Promise<readonly string[]> {
  const [channelId = ''] = stage.channels;
  await stage.workspace.command({ userId: ASKER, channelId, command: '/cloud', text: 'records' });
  const offer = await button('request', not);
  await buttons.press(ASKER, offer.message, 'request', offer.value, { deliveries: DELIVERIES });
  const plan = await button('approve', not);
  await Promise.all(
    [FIRST, SECOND].map((userId) =>
      buttons.press(userId, plan.message, 'approve', plan.value, { deliveries: DELIVERIES }),
    ),
  );
  return [offer.value, plan.value];
}

/** Whether a batch began while another one ran. A batch whose worker was killed ran until then. */
function areOneAtATime(events: readonly ArchiveEvent[]): boolean {
  return events.every((event, at) => {
    const before = events[at - 1];
    if (event.kind === 'ended') return before?.kind === 'begun' && before.pid === event.pid;
    return before === undefined || before.kind === 'ended' || before.pid !== event.pid;
  });
}

test('after a worker is killed in its second batch, none follows until another plan is approved, and all have the approved date', async () => {
  const held = setGate(stage.folder, 'hold', 'after');
  const first = await approveArchiving();
  await expect.poll(() => hasReached(stage.folder, 'after')).toBe(true);
  const gate = setGate(stage.folder, 'die', 'before');
  await rm(held);
  // One of the two dies in its second batch. The other one takes no part of the plan over.
  await expect.poll(() => stage.fleet.running()).toHaveLength(1);
  await rm(gate);
  await card('INTERRUPTED');
  expect(begun()).toHaveLength(2);

  await approveArchiving(first);
  await card('FIXED');

  const events = readArchiveEvents(stage.folder);
  const remediations = [...new Set(events.map(({ remediationId }) => remediationId))];
  expect(remediations).toHaveLength(2);
  for (const id of remediations) {
    const stored = await stage.remediations.read(id);
    const { host, before, batchRows: maxRows } = archiveParams.parse(stored?.record.params);
    for (const event of events.filter(({ remediationId }) => remediationId === id))
      expect(event).toMatchObject({ host, before, maxRows });
  }
  // Each plan was applied by one worker.
  for (const id of remediations)
    expect(new Set(events.filter((one) => one.remediationId === id).map(({ pid }) => pid)).size).toBe(1);
  expect(areOneAtATime(events)).toBe(true);
  const archived = events.filter(({ kind }) => kind === 'ended').reduce((sum, { rows }) => sum + rows, 0);
  // What was deleted too recently is kept.
  expect(archived).toBe(56_000);
});
