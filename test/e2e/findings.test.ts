import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { findingIdOf } from '../../src/check/finding-id.ts';
import { defineCheck } from '../../src/check/define-check.ts';
import type { Severity } from '../../src/check/finding.ts';
import type { Config } from '../../src/config/read-config.ts';
import { connectBlocking, type RedisConnection } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { openAuditLog, parseEntry } from '../../src/store/audit/audit-log.ts';
import { makeCatalogue } from '../world/lab-checks.ts';
import type { Message } from '../workspace/model.ts';
import {
  ADA,
  GRACE,
  INCIDENT,
  KATE,
  openToAll,
  PLATFORM,
  PLATFORM_TEAM,
  setStage,
  type Stage,
} from './harness.ts';

/** Taking, releasing and silencing a finding, by button and by command, as other people see it. */

let stage: Stage;
let redis: RedisConnection;
let found: readonly { readonly target: string; readonly severity: Severity }[];
afterEach(async () => {
  redis.disconnect();
  await stage.close();
});

const THING = { target: 'lab:thing-1', severity: 'warning' as const };
const idOf = (target: string) => findingIdOf(`lab/things prod thing-broken ${target}`);
const ID = idOf(THING.target);

const things = defineCheck({
  title: 'Things',
  why: 'A test needs it.',
  uses: [],
  args: z.object({}),
  collect: async ({ saw }) => {
    saw('lab', 41);
    return found;
  },
  diagnose: (broken) => ({
    examined: 41,
    verdict: broken.length > 0 ? `${broken.length} of 41 things are broken` : 'All 41 things are healthy',
    findings: broken.map(({ target, severity }) => ({
      reason: 'thing-broken',
      severity,
      target,
      summary: `${target.slice(4)} is broken`,
    })),
  }),
});

async function start(config: Partial<Config> = {}, delivery: 'http' | 'socket' = 'http'): Promise<void> {
  found = [THING];
  stage = await setStage({
    delivery,
    catalogue: makeCatalogue({ things }),
    config: { ...openToAll, ...config },
  });
  redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  await stage.startWorker();
  await stage.startBot();
}

/** The visible text of a message, without the characters that keep names from becoming links. */
const shown = ({ text }: Message) => text.replaceAll('\u200B', '').replaceAll('ˋ', '`');
const json = (message: Message | undefined) => JSON.stringify(message?.blocks ?? []);
const roots = (channelId = INCIDENT) =>
  stage.workspace.messages(channelId).filter(({ text }) => / of 41 things are|All 41 things/.test(text));
const wrench = (userId: string, text: string, channelId = INCIDENT) =>
  stage.workspace.command({ userId, channelId, command: '/wrench', text });
const privateReply = (userId: string, words: RegExp, channelId = INCIDENT) =>
  stage.workspace.waitFor(() =>
    stage.workspace.ephemerals(userId, channelId).find((one) => words.test(shown(one))),
  );
const inChannel = (words: RegExp) =>
  stage.workspace.waitFor(() => stage.workspace.messages(INCIDENT).find((one) => words.test(shown(one))));

/**
 * Runs a check and waits for the whole thread. @returns its root and the message with the finding, if there
 * is one.
 */
async function ask(userId = ADA, channelId = INCIDENT) {
  const before = roots(channelId).length;
  await stage.workspace.command({ userId, channelId, command: '/lab', text: 'things' });
  const root = await stage.workspace.waitFor(() => roots(channelId)[before]);
  const inThread = () =>
    stage.workspace.thread(channelId, root.ts).find((one) => json(one).includes('wrench:take'));
  const finding = found.length > 0 ? await stage.workspace.waitFor(inThread) : undefined;
  return { root, finding, current: () => stage.workspace.waitFor(inThread) };
}

const click = (userId: string, message: Message | undefined, actionId: string, how: object = {}) =>
  stage.workspace.click({ userId, channelId: INCIDENT, messageTs: message?.ts ?? '', actionId, ...how });

/** The message about who has the finding, in the thread of a root. */
const status = (root: Message, words: RegExp) =>
  stage.workspace.waitFor(() =>
    stage.workspace
      .thread(INCIDENT, root.ts)
      .find((one) => words.test(shown(one)) && json(one).includes(`${ID}  ·  `)),
  );

async function audited(kind: string) {
  const page = await openAuditLog(redis, PREFIX).page();
  return page.map(({ raw }) => parseEntry(raw)?.entry).filter((entry) => entry?.kind === kind);
}

test.each(['http', 'socket'] as const)(
  'over %s one person takes a finding, and another sees it in the thread and in the next report',
  async (delivery) => {
    await start({}, delivery);
    const { root, finding } = await ask(ADA);

    await click(GRACE, finding, 'wrench:take');

    const shownStatus = await status(root, /has been on it since/);
    expect(shown(shownStatus)).toContain(`<@${GRACE}> has been on it since`);
    // Slack notifies people who are mentioned in a post, but not in an edit.
    expect(shownStatus.notified).not.toContain(GRACE);

    const next = await ask(KATE);
    await stage.workspace.waitFor(() =>
      stage.workspace
        .thread(INCIDENT, next.root.ts)
        .find((one) => json(one).includes(`<@${GRACE}> has been on it since`)),
    );
    const now = await stage.workspace.waitFor(() =>
      roots().find((one) => one.ts === next.root.ts && json(one).includes(GRACE)),
    );
    expect(shown(now)).toMatch(/thing-1 is broken.* · since .*has been on it since/s);
    for (const message of [now, ...stage.workspace.thread(INCIDENT, next.root.ts)])
      expect(message.notified).not.toContain(GRACE);

    await click(GRACE, shownStatus, 'wrench:release');
    await status(root, /No one is on it/);
  },
);

test('a comment, a change of person and a release by command appear in the thread that shows the finding', async () => {
  await start();
  const { root, finding } = await ask();
  await click(GRACE, finding, 'wrench:take');
  await status(root, new RegExp(`<@${GRACE}> has been on it`));

  await wrench(ADA, `take ${ID} looking at <!channel> the "Vault"`);

  await inChannel(/On it:.*thing-1 is broken.*Taken over from someone who had been on it/s);
  const taken = await status(
    root,
    new RegExp(`<@${ADA}> has been on it since.*: looking at channel the "Vault"`),
  );
  expect(taken.notified).toEqual([]);
  await wrench(KATE, `release ${ID.toUpperCase()}`);
  await status(root, /No one is on it/);
  expect(
    stage.workspace.thread(INCIDENT, root.ts).filter((one) => json(one).includes(`${ID}  ·  thing`)),
  ).toHaveLength(1);
  await wrench(KATE, `release ${ID}`);
  await privateReply(KATE, /No one is working on this finding\./);
});

test('a silence requires an end and a reason, shows both, and leaves the headline unchanged', async () => {
  await start();
  const { root, finding } = await ask();

  await click(ADA, finding, 'wrench:silence');
  const view = await stage.workspace.waitFor(() => stage.workspace.views(ADA)[0]);
  expect(JSON.stringify(view.view)).toContain("Until it's gone");
  const submit = (until: string, text: string) =>
    stage.workspace.submit({
      userId: ADA,
      viewId: view.id,
      values: { until: { choice: until }, reason: { text } },
    });
  expect((await submit('3d', ' ')).body).toMatchObject({
    response_action: 'errors',
    errors: { reason: 'Write at least 3 characters.' },
  });
  await submit('3d', 'rotates tonight <@U0EVIL>');

  const silenced = await status(root, /Silenced by/);
  expect(shown(silenced)).toMatch(
    new RegExp(`Silenced by <@${ADA}> until <!date.*: rotates tonight &lt;@U0EVIL&gt;`),
  );
  await expect.poll(() => audited('silenced')).toHaveLength(1);

  const next = await ask(GRACE);
  expect(shown(next.root)).toMatch(/WARNING: 1 of 41 things are broken/);
  expect(json(await next.current())).toContain('End silence');
  await wrench(GRACE, 'silences');
  await privateReply(GRACE, /1 silence.*lab:thing-1.*rotates tonight/s);

  await click(GRACE, silenced, 'wrench:unsilence');
  await status(root, /it isn't silenced/);
  await expect.poll(() => audited('unsilenced')).toHaveLength(1);
  await wrench(GRACE, 'silences');
  await privateReply(GRACE, /Nothing is silenced/);
});

test('a critical finding cannot be silenced without an end, by form or by command', async () => {
  await start();
  found = [{ ...THING, severity: 'critical' }];
  const { finding } = await ask();

  await click(ADA, finding, 'wrench:silence');
  const view = await stage.workspace.waitFor(() => stage.workspace.views(ADA)[0]);
  expect(JSON.stringify(view.view)).not.toContain("Until it's gone");
  await stage.workspace.submit({
    userId: ADA,
    viewId: view.id,
    values: { until: { choice: '1d' }, reason: { text: 'because' } },
    changed: {
      view: {
        id: view.id,
        ...view.view,
        state: {
          values: {
            until: { choice: { type: 'static_select', selected_option: { value: 'gone' } } },
            reason: { text: { type: 'plain_text_input', value: 'for ever' } },
          },
        },
      },
    },
  });
  await privateReply(ADA, /only be silenced for a limited time/);
  await wrench(ADA, `silence ${ID} --because "for ever"`);
  await privateReply(ADA, /only be silenced for a limited time[\s\S]*--until/);
  expect(await audited('silenced')).toEqual([]);

  await wrench(ADA, `silence ${ID} --until 8h --because rotates tonight`);
  await inChannel(/Silenced.*thing-1 is broken.*rotates tonight/s);
  expect(await audited('silenced')).toHaveLength(1);
});

test('someone without the role may take a finding, but neither silence it nor end a silence', async () => {
  await start({ roles: { requester: [ADA], approver: [], auditor: [] } });
  const { root, finding } = await ask();

  await click(KATE, finding, 'wrench:silence');
  await privateReply(KATE, /REFUSED.*Silence: thing-1 is broken/);
  expect(stage.workspace.views(KATE)).toEqual([]);
  await wrench(KATE, `silence ${ID} --until 3d --because "I do not like it"`);
  await privateReply(KATE, /REFUSED.*\/wrench silence/);
  await wrench(ADA, `silence ${ID} --until 3d --because "rotates tonight"`);
  await inChannel(/Silenced/);
  await wrench(KATE, `unsilence ${ID}`);
  await privateReply(KATE, /REFUSED.*\/wrench unsilence/);
  expect(await audited('refused')).toHaveLength(3);

  await click(KATE, finding, 'wrench:take');
  await status(root, new RegExp(`<@${KATE}> has been on it`));
});

test('a finding of an environment in which someone may not run checks is refused like a check', async () => {
  await start({
    environments: {
      prod: { sources: [], askFrom: { channels: [INCIDENT, PLATFORM], groups: [PLATFORM_TEAM] } },
    },
  });
  const { finding } = await ask(GRACE);

  await click(KATE, finding, 'wrench:take');
  await privateReply(KATE, /You aren't in any of the user groups/);
  for (const text of [`take ${ID}`, `release ${ID}`]) {
    await wrench(KATE, text);
    await privateReply(KATE, new RegExp(`REFUSED.*/wrench ${text.split(' ')[0]}`));
  }
  await wrench(GRACE, `silence ${ID} --until 3d --because "rotates tonight"`);
  await inChannel(/Silenced/);
  await wrench(KATE, 'silences');
  await privateReply(KATE, /Nothing is silenced/);
  await wrench(ADA, `unsilence ${ID}`);
  await privateReply(ADA, /REFUSED.*groups/);
  await expect.poll(async () => (await audited('refused')).length).toBe(4);
});

test('a forged click, a click on an unknown finding and a repeated delivery change nothing more', async () => {
  await start();
  const { root, finding } = await ask();

  for (const value of ['', 'f', idOf('x').slice(1), `${ID} ${ID}`, '../../etc', 'm0123456789abcdef'])
    await click(GRACE, finding, 'wrench:take', { value, evenIfGone: true });
  await privateReply(GRACE, /This isn't a button of Wrench/);
  await click(GRACE, finding, 'wrench:take', { value: idOf('lab:other'), evenIfGone: true });
  await privateReply(GRACE, /finding is too old/);
  await click(GRACE, finding, 'wrench:take', {
    changed: { user: { id: GRACE, name: 'grace', team_id: 'T0999OTHER' } },
  });
  await privateReply(GRACE, /people from other workspaces/i);

  stage.workspace.faults.deliverTimes(3);
  await click(ADA, finding, 'wrench:take');
  await status(root, new RegExp(`<@${ADA}> has been on it`));
  await wrench(ADA, `silence ${ID} --until 3d --because "rotates tonight"`);
  stage.workspace.faults.deliverTimes(1);
  await status(root, /Silenced by/);
  await expect.poll(async () => (await audited('silenced')).length).toBe(1);
  const statuses = stage.workspace
    .thread(INCIDENT, root.ts)
    .filter((one) => json(one).includes(`${ID}  ·  thing`));
  expect(statuses).toHaveLength(1);
});

test('a silence by pattern covers what matches, and an unknown or malformed pattern gets the usage', async () => {
  await start();
  found = [THING, { ...THING, target: 'lab:thing-2' }, { ...THING, target: 'other:thing' }];
  await ask();

  await wrench(
    ADA,
    `silence --reason thing-broken --target 'lab:*' --env prod --until 3d --because "being moved"`,
  );
  await inChannel(/Silenced.*lab:\*.*2 findings/s);
  const { root } = await ask();
  await stage.workspace.waitFor(() => {
    const replies = stage.workspace.thread(INCIDENT, root.ts).filter(({ ts }) => ts !== root.ts);
    const text = replies.map(json).join('');
    return text.match(/silenced by/g)?.length === 2;
  });

  for (const [text, words] of [
    ['silence', /Which finding\?/],
    ['silence f0000000000 --until 3d --because "x y z"', /Unknown finding `f0000000000`/],
    ['silence thing-1 --until 3d --because "x y z"', /Invalid finding id `thing-1`/],
    [`silence ${ID} --until yesterday --because "x y z"`, /Invalid time `yesterday` for `--until`/],
    [`silence ${ID} --until 91d --because "x y z"`, /at most 90 days/],
    [`silence ${ID} --utnil 3d --because "x y z"`, /Did you mean `--until`/],
    ['silence --reason thing-broken --target lab:* --because "x y z"', /pattern needs an end/],
    [
      'silence --reason thing-broken --target lab:* --env prd --until 1d --because "x y z"',
      /Unknown environment `prd`/,
    ],
    [
      'silence --reason thing-broken --target none --until 1d --because "x y z"',
      /No finding with the reason `thing-broken` has a target that matches `none`. Available: `lab:thing-1`/,
    ],
    [
      'silence --reason thing-brokn --target lab:* --until 1d --because "x y z"',
      /No finding has the reason `thing-brokn`. Did you mean `thing-broken`/,
    ],
    ['take', /Which finding\?/],
    ['unsilence nonsense', /Invalid id `nonsense`/],
    ['unsilence s0000000000', /Unknown silence/],
  ] as const) {
    const before = stage.workspace.ephemerals(ADA, INCIDENT).length;
    await wrench(ADA, text);
    const last = await stage.workspace.waitFor(() => stage.workspace.ephemerals(ADA, INCIDENT)[before]);
    expect(shown(last)).toMatch(words);
  }
  expect(await audited('silenced')).toHaveLength(1);
});

test('a finding that is gone cannot be taken', async () => {
  await start();
  const { finding } = await ask();
  found = [];
  await ask();

  await click(GRACE, finding, 'wrench:take');

  await privateReply(GRACE, /finding has been gone since/);
  await wrench(GRACE, `take ${ID}`);
  await expect
    .poll(() =>
      stage.workspace
        .ephemerals(GRACE, INCIDENT)
        .filter((one) => /finding has been gone since/.test(one.text)),
    )
    .toHaveLength(2);
});
