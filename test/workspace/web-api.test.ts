/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import type { App } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import { expect, test } from 'vitest';
import { openWithBolt } from './open-with-bolt.ts';

const asked = { userId: 'U0123ADA', channelId: 'C0123INCIDENT', command: '/certs', text: 'expiring' };
const at = { channel: asked.channelId };
const quiet = (app: App) => {
  app.command(/.*/, async ({ ack }) => ack());
};
const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } }) as const;

test.each([
  [{ channel: 'C0123SECRET', text: 'x' }, 'channel_not_found'],
  [{ channel: '#incident', text: 'x' }, 'channel_not_found'],
  [{ channel: 'C0123RANDOM', text: 'x' }, 'not_in_channel'],
  [{ channel: 'C0OLD', text: 'x' }, 'is_archived'],
  [{ ...at, text: '' }, 'no_text'],
  [{ ...at, text: 'x', thread_ts: '1.000000' }, 'thread_not_found'],
  [{ ...at, text: 'x', blocks: [section('y'.repeat(3_001))] }, 'invalid_blocks'],
  [
    { ...at, text: 'x', blocks: Array.from({ length: 4 }, () => section('y'.repeat(2_900))) },
    'msg_blocks_too_long',
  ],
  [
    { ...at, text: 'x', metadata: { event_type: 'e', event_payload: { big: 'x'.repeat(3_000) } } },
    'metadata_too_large',
  ],
])('chat.postMessage returns the errors of Slack (%#: %o)', async (args, error) => {
  const channels = [
    { id: 'C0123INCIDENT', name: 'incident', botIsMember: true },
    { id: 'C0123RANDOM', name: 'random', botIsMember: false },
    { id: 'C0123SECRET', name: 'secret', botIsMember: false, isPrivate: true },
    { id: 'C0OLD', name: 'old', botIsMember: true, isArchived: true },
  ];
  const { app } = await openWithBolt('http', quiet, { channels });

  await expect(app.client.chat.postMessage(args)).rejects.toMatchObject({ data: { error } });
});

test('an error names the invalid block', async () => {
  const { app } = await openWithBolt('http', quiet);
  const blocks = [{ type: 'divider' }, { type: 'actions', elements: [] }] as const;

  const posting = app.client.chat.postMessage({ ...at, text: 'x', blocks: blocks as never });

  await expect(posting).rejects.toMatchObject({
    data: {
      errors: ['must provide at least 1 items [json-pointer:/blocks/1/elements]'],
      response_metadata: {
        messages: ['[ERROR] must provide at least 1 items [json-pointer:/blocks/1/elements]'],
      },
    },
  });
});

test('scopes and tokens are required', async () => {
  const { workspace, app } = await openWithBolt('http', quiet, { scopes: ['chat:write', 'users:read'] });

  const response = await app.client.auth.test();
  expect(response.response_metadata?.scopes).toEqual(['chat:write', 'users:read']);
  await expect(app.client.conversations.replies({ ...at, ts: '1.0' })).rejects.toMatchObject({
    data: {
      error: 'missing_scope',
      needed: 'channels:history,groups:history',
      provided: 'chat:write,users:read',
    },
  });
  await expect(app.client.auth.test({ token: 'xoxb-other' })).rejects.toMatchObject({
    data: { error: 'invalid_auth' },
  });
  await expect(app.client.apiCall('no.such')).rejects.toMatchObject({ data: { error: 'unknown_method' } });
  expect(JSON.stringify(workspace.requests)).not.toContain('xoxb');
});

test('a thread is listed with its metadata, in pages', async () => {
  const { app } = await openWithBolt('http', quiet, { scopes: ['chat:write', 'channels:history'] });
  const metadata = { event_type: 'wrench', event_payload: { run: 'r1' } };
  const root = await app.client.chat.postMessage({ ...at, text: 'Root', metadata });
  const thread = { ...at, thread_ts: String(root.ts) };
  const reply = await app.client.chat.postMessage({ ...thread, text: 'One', reply_broadcast: true });
  await app.client.chat.postMessage({ ...thread, text: 'Two' });

  const replies = { ...at, ts: String(root.ts), limit: 2, include_all_metadata: true };
  const first = await app.client.conversations.replies(replies);
  const rest = await app.client.conversations.replies({
    ...replies,
    cursor: String(first.response_metadata?.next_cursor),
  });
  const history = await app.client.conversations.history(at);

  expect(first.messages).toMatchObject([{ text: 'Root', metadata, reply_count: 2 }, { text: 'One' }]);
  expect(rest.messages).toMatchObject([{ text: 'Two' }]);
  expect(history.messages?.map(({ text }) => text)).toEqual(['One', 'Root']);
  await expect(
    app.client.chat.postMessage({ ...at, thread_ts: String(reply.ts), text: 'x' }),
  ).rejects.toMatchObject({
    data: { error: 'cannot_reply_to_message' },
  });
});

test('an update with blocks is not marked as edited, and one with only text removes the blocks', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  const { ts } = await app.client.chat.postMessage({ ...at, text: 'a', blocks: [section('a')] });
  const shown = () => workspace.messages(at.channel)[0];

  await app.client.chat.update({ ...at, ts: String(ts), text: 'b', blocks: [section('b')] });
  expect(shown()).toMatchObject({ blocks: [section('b')], edited: undefined });
  await app.client.chat.update({ ...at, ts: String(ts), text: 'c' });
  expect(shown()).toMatchObject({ blocks: undefined, edited: {} });
});

test('text above 40,000 characters is truncated with a warning', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);

  const posted = await app.client.chat.postMessage({ ...at, text: 'x'.repeat(40_001) });

  expect(posted.response_metadata?.warnings).toEqual(['message_truncated']);
  expect(workspace.messages(at.channel)[0]?.text).toHaveLength(40_000);
});

test('an update accepts 4,000 bytes of text, whatever the number of characters', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  const { ts } = await app.client.chat.postMessage({ ...at, text: 'a' });
  const update = (text: string) => app.client.chat.update({ ...at, ts: String(ts), text });

  await update('я'.repeat(2_000));
  await expect(update('я'.repeat(2_001))).rejects.toMatchObject({ data: { error: 'msg_too_long' } });
  await expect(update('x'.repeat(4_001))).rejects.toMatchObject({ data: { error: 'msg_too_long' } });
  expect(workspace.messages(at.channel)[0]?.text).toBe('я'.repeat(2_000));
});

test('a trigger opens one view', async () => {
  const view: ModalView = {
    type: 'modal',
    title: { type: 'plain_text', text: 'Renew' },
    blocks: [section('Sure?')],
  };
  const { workspace, app } = await openWithBolt('http', quiet);
  const { payload } = await workspace.command(asked);
  const opening = { trigger_id: String(payload['trigger_id']), view };

  const opened = await app.client.views.open(opening);
  await app.client.views.update({
    view_id: String(opened.view?.id),
    view: { ...view, blocks: [section('Done')] },
  });

  expect(workspace.views(asked.userId)).toMatchObject([{ view: { blocks: [section('Done')] } }]);
  await expect(app.client.views.open(opening)).rejects.toMatchObject({
    data: { error: 'exchanged_trigger_id' },
  });
});

test('an ephemeral message has one reader and cannot be edited', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  const { client } = app;

  const response = await client.chat.postEphemeral({ ...at, user: 'U0123ADA', text: 'Only you' });

  expect(workspace.ephemerals('U0123ADA', at.channel)).toMatchObject([{ text: 'Only you' }]);
  expect(workspace.messages(at.channel)).toEqual([]);
  await expect(
    client.chat.update({ ...at, ts: String(response.message_ts), text: 'x' }),
  ).rejects.toMatchObject({
    data: { error: 'message_not_found' },
  });
  await expect(client.chat.postEphemeral({ ...at, user: 'U0NOBODY', text: 'x' })).rejects.toMatchObject({
    data: { error: 'user_not_in_channel' },
  });
});

test('deleting the parent of a thread keeps its replies', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  const { client } = app;
  const root = await client.chat.postMessage({ ...at, text: 'Root' });
  const reply = await client.chat.postMessage({ ...at, thread_ts: String(root.ts), text: 'Reply' });

  await client.chat.delete({ ...at, ts: String(root.ts) });
  expect(workspace.thread(at.channel, String(root.ts))).toMatchObject([
    { isDeleted: true },
    { text: 'Reply' },
  ]);
  await client.chat.delete({ ...at, ts: String(reply.ts) });
  expect(workspace.thread(at.channel, String(root.ts))).toHaveLength(1);
});

test('anyone can validate blocks', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  const { client } = app;
  const body = new URLSearchParams({ blocks: JSON.stringify([section('a')]) });

  const answer = await fetch(`${workspace.apiUrl}blocks.validate`, { method: 'POST', body });
  expect(await answer.json()).toEqual({ ok: true });
  await expect(client.blocks.validate({ blocks: [section('')] })).rejects.toMatchObject({
    data: { errors: [{ message: 'must be more than 0 characters', pointer: '/0/text/text' }] },
  });
});

test('returns people, groups, channels and permalinks', async () => {
  const scopes = ['chat:write', 'users:read', 'usergroups:read', 'channels:read'];
  const { app } = await openWithBolt('http', quiet, { scopes });
  const { client } = app;
  const posted = await client.chat.postMessage({ ...at, text: 'Hello' });

  expect(await client.users.info({ user: 'U0123ADA' })).toMatchObject({
    user: { real_name: 'Ada Lovelace' },
  });
  expect(await client.usergroups.list()).toMatchObject({ usergroups: [{ handle: 'platform-leads' }] });
  expect(await client.usergroups.users.list({ usergroup: 'S0123PLATFORM' })).toMatchObject({
    users: ['U0123GRACE'],
  });
  expect(await client.conversations.info(at)).toMatchObject({
    channel: { name: 'incident', is_member: true },
  });
  const link = await client.chat.getPermalink({ ...at, message_ts: String(posted.ts) });
  expect((await fetch(String(link.permalink))).status).toBe(200);
});
