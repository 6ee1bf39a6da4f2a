import { afterEach, expect, test } from 'vitest';
import { MAX_WAIT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, KATE, openToAll, setStage, type Stage } from './harness.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import { type FakeSystem, makeFixableCheck, makeFakeSystem } from '../world/fake-system.ts';

let stage: Stage;
let system: FakeSystem;
afterEach(async () => {
  await stage.close();
});

async function start(
  options: Partial<Parameters<typeof setStage>[0]> & { risk?: 'safe' | 'disruptive' | 'destructive' } = {},
) {
  system = makeFakeSystem(['pump']);
  const catalogue = makeCatalogue({ things: makeFixableCheck(system, options.risk) });
  stage = await setStage({ delivery: 'http', catalogue, ...options });
  await stage.startWorker();
  await stage.startBot();
}

const root = (): Message | undefined => stage.workspace.messages(INCIDENT)[0];
const thread = (): readonly Message[] => {
  const first = root();
  return first ? stage.workspace.thread(INCIDENT, first.ts) : [];
};
const withButton = (actionId: string) =>
  stage.workspace.waitFor(() =>
    thread().find((message) => JSON.stringify(message.blocks ?? []).includes(`"${actionId}"`)),
  );
const card = (word: string) =>
  stage.workspace.waitFor(() => thread().find(({ text }) => text.includes(word)));

async function ask(): Promise<void> {
  await stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'things' });
}

async function press(userId: string, actionId: string): Promise<void> {
  const { ts } = await withButton(actionId);
  await stage.workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId });
}

test('a finding is fixed by two people: offered, planned, approved by another, applied once, proven in the thread', async () => {
  await start();
  await ask();
  await press(ADA, 'wrench:request');
  const plan = await card('PLAN ·');
  expect(plan.text).toContain('Mend pump, version 1');

  await press(GRACE, 'wrench:approve');

  const fixed = await card('FIXED');
  expect(fixed.text).toContain('things well on 3 of 3');
  expect(fixed.ts).toBe(plan.ts);
  await stage.workspace.waitFor(() => root()?.text.includes('FIXED · things well on 3 of 3'));
  expect(root()?.text).not.toContain('offered');
  expect(system.applied).toHaveLength(1);
  expect(JSON.stringify(thread().map(({ blocks }) => blocks))).not.toContain('wrench:approve');
  expect(JSON.stringify(thread().map(({ blocks }) => blocks))).not.toContain('wrench:request');
});

test('who asked may not approve, a stranger to the roles may nothing, and both are told why', async () => {
  await start();
  await ask();
  await press(KATE, 'wrench:request');
  await stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(KATE, INCIDENT).find(({ text }) => text.includes('ask for remediations')),
  );
  await press(ADA, 'wrench:request');
  await card('PLAN ·');

  await press(ADA, 'wrench:approve');

  await stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(ADA, INCIDENT).find(({ text }) => text.includes('somebody else must approve')),
  );
  expect(system.applied).toEqual([]);
});

const direct = () => stage.workspace.messages(`D${ADA.slice(1)}`);

test('a plan that its channel does not take is tried again, withdrawn, and reported to who asked for it', async () => {
  await start();
  await ask();
  await withButton('wrench:request');
  stage.workspace.setBotMembership(INCIDENT, false);

  await press(ADA, 'wrench:request');

  const told = await stage.workspace.waitFor(() => direct()[0]);
  expect(told.text).toContain('REFUSED* · Mend pump · prod');
  expect(told.text).toContain(`could not post this in <#${INCIDENT}> (not_in_channel). Nothing was done`);
  expect(direct()).toHaveLength(1);
  const tries = stage.workspace.requests.filter(({ response }) => response['error'] === 'not_in_channel');
  expect(tries.length).toBeGreaterThanOrEqual(3);
  expect(system.applied).toEqual([]);
});

test('an outcome that its channel does not take is reported to who asked for it', async () => {
  await start();
  system.beforeApply = async () => stage.workspace.setBotMembership(INCIDENT, false);
  await ask();
  await press(ADA, 'wrench:request');

  await press(GRACE, 'wrench:approve');

  const told = await stage.workspace.waitFor(() => direct()[0]);
  expect(told.text).toContain('FIXED* · things well on 3 of 3');
  expect(told.text).not.toContain('Nothing was done');
});

test('a plan that could not be posted for long has its whole time for approval once it is', async () => {
  const approveWithinMinutes = 1 / 60;
  await start({
    config: { remediations: { ...openToAll.remediations, approveWithinMinutes } },
  });
  await ask();
  await withButton('wrench:request');
  stage.workspace.faults.rateLimit('chat.update', { retryAfterSeconds: 1 });
  await press(ADA, 'wrench:request');
  await expect
    .poll(() => stage.log.some((line) => line.includes('extended a plan')), { timeout: MAX_WAIT_MS })
    .toBe(true);

  stage.workspace.faults.clear();

  await card('PLAN ·');
  await card('EXPIRED');
  expect(stage.log.filter((line) => line.includes('ended an overdue remediation'))).toHaveLength(1);
});
