/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import type { App, BlockAction } from '@slack/bolt';
import { expect, test } from 'vitest';
import { openWithBolt } from './open-with-bolt.ts';

const at = { channel: 'C0123INCIDENT' };
const button = (value: string) =>
  ({
    type: 'section',
    text: { type: 'mrkdwn', text: value },
    accessory: { type: 'button', action_id: 'ask', value, text: { type: 'plain_text', text: 'Ask' } },
  }) as const;

/** Two buttons with one action id in a thread, and the clicks that arrived. */
async function openButtons(delivery: 'http' | 'socket') {
  const clicks: BlockAction[] = [];
  const { workspace, app } = await openWithBolt(delivery, (bolt: App) => {
    bolt.action({ type: 'block_actions', action_id: 'ask' }, async ({ ack, body }) => {
      clicks.push(body);
      await ack();
    });
  });
  const root = await app.client.chat.postMessage({ ...at, text: 'Root' });
  const place = { ...at, thread_ts: String(root.ts) };
  const card = await app.client.chat.postMessage({
    ...place,
    text: 'Card',
    blocks: [button('one'), button('two')],
  });
  const click = { userId: 'U0123ADA', channelId: at.channel, messageTs: String(card.ts), actionId: 'ask' };
  const valuesOf = () =>
    clicks.map(({ actions: [action] }) => (action?.type === 'button' ? action.value : undefined));
  return { workspace, app, clicks, click, valuesOf, rootTs: String(root.ts) };
}

test.each(['http', 'socket'] as const)(
  'a click names the person, channel, thread and button (%s)',
  async (delivery) => {
    const { workspace, clicks, click, rootTs } = await openButtons(delivery);

    await workspace.click({ ...click, value: 'two' });

    expect(clicks).toMatchObject([
      {
        user: { id: 'U0123ADA', team_id: 'T0123DEMO' },
        team: { id: 'T0123DEMO' },
        channel: { id: at.channel },
        container: { type: 'message', message_ts: click.messageTs, thread_ts: rootTs, is_ephemeral: false },
        message: { ts: click.messageTs, thread_ts: rootTs, text: 'Card' },
        response_url: expect.stringContaining('/commands/'),
        trigger_id: expect.any(String),
        actions: [{ type: 'button', action_id: 'ask', value: 'two', block_id: expect.any(String) }],
      },
    ]);
    expect(clicks[0]?.actions[0]?.action_ts).toMatch(/^\d+\.\d{6}$/);
  },
);

test.each(['http', 'socket'] as const)(
  'one click can be delivered four times, and three people can click at once (%s)',
  async (delivery) => {
    const { workspace, clicks, click } = await openButtons(delivery);

    const { payload } = await workspace.click({ ...click, value: 'one' });
    await workspace.redeliver(payload, 3);
    expect(new Set(clicks.map(({ trigger_id: id }) => id)).size).toBe(1);
    expect(clicks).toHaveLength(4);

    workspace.faults.deliverTimes(4);
    await Promise.all(
      ['U0123ADA', 'U0123GRACE', 'U0123KATE'].map((userId) =>
        workspace.click({ ...click, userId, value: 'one' }),
      ),
    );
    expect(clicks).toHaveLength(16);
  },
);

test('a removed button can still be clicked, and a value can be forged', async () => {
  const { workspace, app, click, valuesOf } = await openButtons('http');
  await app.client.chat.update({ ...at, ts: click.messageTs, text: 'Taken', blocks: [button('one')] });

  await expect(workspace.click({ ...click, value: 'two' })).rejects.toThrow('nothing to click');
  await workspace.click({ ...click, value: 'two', evenIfGone: true });
  await workspace.click({ ...click, value: 'm0000000000000000 made-up', evenIfGone: true });
  await app.client.chat.update({ ...at, ts: click.messageTs, text: 'Taken' });
  await workspace.click({ ...click, value: 'one', evenIfGone: true });

  expect(valuesOf()).toEqual(['two', 'm0000000000000000 made-up', 'one']);
});

test('an ephemeral message in a thread is visible to one person and is not included in a click', async () => {
  const { workspace, app, clicks, click, rootTs } = await openButtons('http');

  await app.client.chat.postEphemeral({
    ...at,
    user: 'U0123ADA',
    thread_ts: rootTs,
    text: 'You cannot approve this',
    blocks: [button('sure')],
  });
  const [ephemeral] = workspace.ephemerals('U0123ADA', at.channel);
  await workspace.click({ ...click, messageTs: ephemeral?.ts ?? '', value: 'sure' });

  expect(ephemeral).toMatchObject({ text: 'You cannot approve this', threadTs: rootTs });
  expect(workspace.ephemerals('U0123GRACE', at.channel)).toEqual([]);
  expect(clicks).toMatchObject([{ container: { is_ephemeral: true, thread_ts: rootTs } }]);
  expect(clicks[0]).not.toHaveProperty('message');
});
