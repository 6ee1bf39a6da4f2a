import { afterEach, expect, test } from 'vitest';
import { MAX_WAIT_MS } from '../timeouts.ts';
import type { Message } from '../workspace/model.ts';
import { ADA, GRACE, INCIDENT, KATE, openToAll, PLATFORM_TEAM, setStage, type Stage } from './harness.ts';
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

/** What notifies people is one line. */
const notices = () =>
  thread().flatMap(({ text, threadTs }) => (threadTs === undefined || text.includes('\n') ? [] : [text]));
/** The text that a message was posted with, before any edit. */
const posted = (ts: string) =>
  stage.workspace.requests.find(
    ({ method, response }) => method === 'chat.postMessage' && response['ts'] === ts,
  )?.args['text'];

/** The fix takes long enough to post that it was approved. */
function applyAfterApprovalNotice(): void {
  system.beforeApply = async () => {
    await stage.workspace.waitFor(() => notices().some((text) => text.includes('approved Mend pump')));
  };
}

async function ask(): Promise<void> {
  await stage.workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'things' });
}

async function press(userId: string, actionId: string): Promise<void> {
  const { ts } = await withButton(actionId);
  await stage.workspace.click({ userId, channelId: INCIDENT, messageTs: ts, actionId });
}

test('a finding is fixed by two people: offered, planned, approved by the second, applied once, verified in the thread', async () => {
  await start();
  applyAfterApprovalNotice();
  await ask();
  await press(ADA, 'wrench:request');
  const plan = await card('PLAN ·');
  expect(plan.text).toContain('Mend pump, version 1');
  expect(posted(plan.ts)).toBe(
    `<!subteam^${PLATFORM_TEAM}>: <@${ADA}> asks you to approve: Mend pump in prod`,
  );

  await press(GRACE, 'wrench:approve');

  const fixed = await card('FIXED');
  expect(fixed.text).toContain('things well on 3 of 3');
  expect(fixed.ts).toBe(plan.ts);
  await stage.workspace.waitFor(() => root()?.text.includes('FIXED · things well on 3 of 3'));
  expect(root()?.text.split('\n').slice(0, 2)).toEqual([
    ':white_check_mark: FIXED · things well on 3 of 3',
    'Was: CRITICAL · 1 of 3 things are broken',
  ]);
  expect(root()?.text).not.toContain('offered');
  await stage.workspace.waitFor(() => notices().some((text) => text.includes('FIXED')));
  expect(notices()).toEqual([
    `:ballot_box_with_check: <@${ADA}>: <@${GRACE}> approved Mend pump; checking again, then applying`,
    `:white_check_mark: FIXED · things well on 3 of 3 · <@${ADA}> <@${GRACE}>`,
  ]);
  expect(system.applied).toHaveLength(1);
  expect(JSON.stringify(thread().map(({ blocks }) => blocks))).not.toContain('wrench:approve');
  expect(JSON.stringify(thread().map(({ blocks }) => blocks))).not.toContain('wrench:request');
});

test('while another finding remains, the channel message begins with it, and the number of fixed ones is second', async () => {
  await start();
  system.broken.add('fan');
  await ask();
  await press(ADA, 'wrench:request');
  await card('PLAN ·');
  await press(GRACE, 'wrench:approve');

  await stage.workspace.waitFor(() => root()?.text.includes('Fixed 1 of 2'));

  expect(root()?.text.split('\n').slice(0, 2)).toEqual([
    ':red_circle: CRITICAL: fan is broken',
    'Fixed 1 of 2',
  ]);
  expect(root()?.text).not.toContain('pump is broken');
  expect(root()?.text.split('\n').at(-2)).toBe(':wrench: 1 fix available, see thread');
});

test('after a fix that did not work, the channel message begins with that, and Check now with the same outcome posts nothing more', async () => {
  await start();
  system.fixWorks = false;
  await ask();
  await press(ADA, 'wrench:request');
  await card('PLAN ·');
  await press(GRACE, 'wrench:approve');
  const outcomes = () =>
    thread().filter(({ text }) => /^:[a-z_]+: [A-Z]+ · .* <@/.test(text) && !text.includes('\n'));
  await stage.workspace.waitFor(() => outcomes()[0]);

  expect(root()?.text.split('\n').slice(0, 2)).toEqual([
    ':warning: UNVERIFIED · Mend pump: applied, but not verified',
    ':red_circle: CRITICAL · 1 of 3 things are broken',
  ]);
  const recheckedAt = async (ts: string) => {
    await stage.workspace.click({
      userId: GRACE,
      channelId: INCIDENT,
      messageTs: ts,
      actionId: 'wrench:look',
    });
  };
  const { ts } = await withButton('wrench:look');
  await recheckedAt(ts);
  system.broken.delete('pump');
  await recheckedAt(ts);

  await stage.workspace.waitFor(() => root()?.text.startsWith(':white_check_mark: FIXED'));
  await stage.workspace.waitFor(() => outcomes()[1]);
  expect(outcomes().map(({ text }) => text.split(' ')[1])).toEqual(['UNVERIFIED', 'FIXED']);
});

test('requesters cannot approve, people without a role can do nothing, and both get the reason', async () => {
  await start();
  await ask();
  await press(KATE, 'wrench:request');
  await stage.workspace.waitFor(() =>
    stage.workspace
      .ephemerals(KATE, INCIDENT)
      .find(({ text }) => text.includes('You need the requester role')),
  );
  await press(ADA, 'wrench:request');
  await card('PLAN ·');

  await press(ADA, 'wrench:approve');

  await stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(ADA, INCIDENT).find(({ text }) => text.includes('someone else must')),
  );
  expect(system.applied).toEqual([]);
});

const direct = () => stage.workspace.messages(`D${ADA.slice(1)}`);

test('a plan that its channel does not accept is retried, withdrawn, and reported to its requester', async () => {
  await start();
  await ask();
  await withButton('wrench:request');
  stage.workspace.setBotMembership(INCIDENT, false);

  await press(ADA, 'wrench:request');

  const privateReply = await stage.workspace.waitFor(() => direct()[0]);
  expect(privateReply.text).toContain('REFUSED* · Mend pump · prod');
  expect(privateReply.text).toContain(
    `couldn't post this in <#${INCIDENT}> (not_in_channel). Nothing was changed`,
  );
  expect(direct()).toHaveLength(1);
  const tries = stage.workspace.requests.filter(({ response }) => response['error'] === 'not_in_channel');
  expect(tries.length).toBeGreaterThanOrEqual(3);
  expect(system.applied).toEqual([]);
});

test('an outcome that its channel does not accept is reported to the requester', async () => {
  await start();
  system.beforeApply = async () => stage.workspace.setBotMembership(INCIDENT, false);
  await ask();
  await press(ADA, 'wrench:request');

  await press(GRACE, 'wrench:approve');

  const privateReply = await stage.workspace.waitFor(() => direct()[0]);
  expect(privateReply.text).toContain('FIXED* · things well on 3 of 3');
  expect(privateReply.text).not.toContain('Nothing was changed');
});

test('a plan that was posted late still has its whole time for approval', async () => {
  const approveWithinMinutes = 1 / 60;
  await start({
    config: { remediations: { ...openToAll.remediations, approveWithinMinutes } },
  });
  await ask();
  await withButton('wrench:request');
  stage.workspace.faults.rateLimit('chat.update', { retryAfterSeconds: 1 });
  await press(ADA, 'wrench:request');
  await expect
    .poll(() => stage.log.some((line) => line.includes('plan-extended')), { timeout: MAX_WAIT_MS })
    .toBe(true);

  stage.workspace.faults.clear();

  await card('PLAN ·');
  await card('EXPIRED');
  await stage.workspace.waitFor(() =>
    notices().some((text) => text.includes(`no one approved it in time; nothing was changed · <@${ADA}>`)),
  );
  expect(stage.log.filter((line) => line.includes('remediation-overdue'))).toHaveLength(1);
});

test('the approvers of a plan are reminded once, and not asked again by later changes', async () => {
  const remind = { beforeMinutes: 14.99, alsoNotify: [KATE] };
  await start({ config: { remediations: { ...openToAll.remediations, remind } } });
  applyAfterApprovalNotice();
  await ask();
  await press(ADA, 'wrench:request');
  await stage.workspace.waitFor(() => notices().some((text) => text.includes('Still waiting')));

  await press(GRACE, 'wrench:approve');
  await stage.workspace.waitFor(() => notices().some((text) => text.includes('FIXED')));

  expect(notices()).toEqual([
    `:hourglass_flowing_sand: Still waiting for approval: Mend pump in prod; the plan expires in 15 min · <!subteam^${PLATFORM_TEAM}> <@${KATE}>`,
    `:ballot_box_with_check: <@${ADA}>: <@${GRACE}> approved Mend pump; checking again, then applying`,
    `:white_check_mark: FIXED · things well on 3 of 3 · <@${ADA}> <@${GRACE}>`,
  ]);
});

test('with `direct`, approvers in a group get a direct message, and the requester hears of a rejection in one', async () => {
  const remediations = { ...openToAll.remediations, notify: 'direct' as const };
  await start({ config: { remediations } });
  const messagesTo = (userId: string) =>
    stage.workspace.messages(`D${userId.slice(1)}`).map(({ text }) => text);
  await ask();
  await press(ADA, 'wrench:request');

  await stage.workspace.waitFor(() => messagesTo(GRACE)[0]);
  await press(GRACE, 'wrench:reject');
  await stage.workspace.waitFor(() => messagesTo(ADA)[0]);

  expect(messagesTo(GRACE)).toEqual([
    expect.stringMatching(
      /^<@U0123ADA> asks you to approve: Mend pump in prod · <https:.*\|Open the thread>$/,
    ),
  ]);
  expect(messagesTo(ADA)).toEqual([
    expect.stringMatching(
      /^:no_entry: REJECTED · Mend pump, by <@U0123GRACE>; nothing was changed · <https:/,
    ),
  ]);
  expect(messagesTo(KATE)).toEqual([]);
});
