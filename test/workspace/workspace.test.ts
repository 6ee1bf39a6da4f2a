/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import { once } from 'node:events';
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

test.each(['http', 'socket'] as const)('a command becomes a thread with a file (%s)', async (delivery) => {
  const { workspace } = await openWithBolt(delivery, (app) => {
    app.command(/.*/, async ({ ack, client, command }) => {
      await ack(`Looking at ${command.text}`);
      const root = await client.chat.postMessage({ ...at, text: 'Looking…', blocks: [section('Looking…')] });
      const place = { ...at, thread_ts: String(root.ts) };
      await client.chat.postMessage({ ...place, text: 'A finding' });
      await client.chat.update({ ...at, ts: String(root.ts), text: '3 of 41 expired' });
      const file = { filename: 'certs.csv', content: 'host,days\n' };
      await client.files.uploadV2({ channel_id: at.channel, thread_ts: String(root.ts), ...file });
    });
  });

  const ack = await workspace.command(asked);
  const file = await workspace.waitFor(() => {
    const root = workspace.messages(asked.channelId)[0];
    return root && workspace.files(asked.channelId, root.ts)[0];
  });

  expect(ack).toMatchObject({ status: 200, payload: { command: '/certs', text: 'expiring' } });
  expect(workspace.ephemerals(asked.userId, asked.channelId)).toMatchObject([
    { text: 'Looking at expiring' },
  ]);
  expect(workspace.ephemerals('U0123GRACE', asked.channelId)).toEqual([]);
  const [root] = workspace.messages(asked.channelId);
  expect(workspace.thread(asked.channelId, root?.ts ?? '')).toMatchObject([
    { text: '3 of 41 expired', blocks: undefined, edited: { user: 'U0123WRENCH' } },
    { text: 'A finding' },
    { files: [{ name: 'certs.csv' }] },
  ]);
  expect(file.bytes.toString()).toBe('host,days\n');
});

test('an app that is not there is dispatch_failed, one that does not acknowledge is operation_timeout', async () => {
  const { workspace, app } = await openWithBolt('http', (app) => {
    app.command('/certs', () => new Promise(() => {}));
  });

  const late = await workspace.command(asked);
  await app.stop();
  const gone = await workspace.command(asked);

  expect([late.failure, gone.failure]).toEqual(['operation_timeout', 'dispatch_failed']);
  expect(workspace.ephemerals(asked.userId, asked.channelId).map(({ text }) => text)).toEqual([
    '/certs failed with the error "operation_timeout"',
    '/certs failed with the error "dispatch_failed"',
  ]);
});

test.each([
  ['a wrong signature', { signature: 'wrong' }, 401],
  ['no signature', { signature: 'missing' }, 401],
  ['a request of an hour ago', { timestampOffsetSeconds: -3_600 }, 401],
  // Bolt checks one side only: who wants the other must look for themselves.
  ['a request from the future', { timestampOffsetSeconds: 3_600 }, 200],
] as const)('Bolt meets %s', async (_, forgery, status) => {
  const { workspace } = await openWithBolt('http', quiet);

  expect(await workspace.command({ ...asked, forgery })).toMatchObject({ status });
});

test('a delivery is repeated unchanged, trigger and all', async () => {
  const seen: string[] = [];
  const { workspace } = await openWithBolt('http', (app) => {
    app.command(/.*/, async ({ ack, body }) => {
      seen.push(body.trigger_id);
      await ack('Once');
    });
  });

  const { payload } = await workspace.command(asked);
  const again = await workspace.redeliver(payload, 3);

  expect(again.map(({ status, body }) => [status, body])).toEqual([1, 2, 3].map(() => [200, 'Once']));
  expect(new Set(seen).size).toBe(1);
  expect(seen).toHaveLength(4);
  expect(workspace.ephemerals(asked.userId, asked.channelId)).toHaveLength(1);
});

test('a click arrives with its message and answers through the response_url', async () => {
  const { workspace, app } = await openWithBolt('http', (app) => {
    app.action('renew', async ({ ack, body, respond }) => {
      await ack();
      if (body.type !== 'block_actions') return;
      const [action] = body.actions;
      const who = `${body.user.id} chose ${action?.type === 'button' ? action.value : '?'}`;
      await respond({ replace_original: true, text: who });
    });
  });
  const button = {
    type: 'button',
    action_id: 'renew',
    value: 'one',
    text: { type: 'plain_text', text: 'Renew' },
  } as const;
  const root = await app.client.chat.postMessage({
    ...at,
    text: 'Renew?',
    blocks: [{ type: 'actions', elements: [button, { ...button, action_id: 'other', value: 'two' }] }],
  });

  const click = { ...asked, messageTs: String(root.ts), actionId: 'renew' };
  const { payload } = await workspace.click(click);
  await workspace.waitFor(() => workspace.messages(asked.channelId)[0]?.text === 'U0123ADA chose one');

  expect(payload).toMatchObject({
    type: 'block_actions',
    container: { message_ts: root.ts },
    message: { text: 'Renew?' },
  });
  await expect(workspace.click(click)).rejects.toThrow('nothing to click');
});

test('a response_url works five times, without membership, and then no more', async () => {
  const { workspace } = await openWithBolt('http', quiet);
  const { payload } = await workspace.command({ ...asked, channelId: 'C0123SECRET' });
  const respond = async (body: object) => {
    const response = await fetch(String(payload['response_url']), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return [response.status, await response.text()];
  };

  expect(await respond({ text: 'For you' })).toEqual([200, 'ok']);
  expect(await respond({ text: 'For all', response_type: 'in_channel' })).toEqual([200, 'ok']);
  expect(await respond({ text: 'For you, again', replace_original: true })).toEqual([200, 'ok']);
  expect(await respond({ text: 'broken', blocks: [{ type: 'bogus' }] })).toMatchObject([
    400,
    expect.stringContaining('invalid_blocks'),
  ]);
  expect(await respond({ delete_original: true })).toEqual([200, 'ok']);
  expect(await respond({ text: 'Fifth' })).toEqual([200, 'ok']);
  expect(await respond({ text: 'Sixth' })).toEqual([404, '{"ok":false,"error":"used_url"}']);

  expect(workspace.ephemerals(asked.userId, 'C0123SECRET').map(({ text }) => text)).toEqual(['Fifth']);
  expect(workspace.messages('C0123SECRET').map(({ text }) => text)).toEqual(['/certs expiring', 'For all']);
});

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
])('chat.postMessage refuses as Slack does (%#: %o)', async (args, error) => {
  const channels = [
    { id: 'C0123INCIDENT', name: 'incident', botIsMember: true },
    { id: 'C0123RANDOM', name: 'random', botIsMember: false },
    { id: 'C0123SECRET', name: 'secret', botIsMember: false, isPrivate: true },
    { id: 'C0OLD', name: 'old', botIsMember: true, isArchived: true },
  ];
  const { app } = await openWithBolt('http', quiet, { channels });

  await expect(app.client.chat.postMessage(args)).rejects.toMatchObject({ data: { error } });
});

test('invalid blocks are pointed at', async () => {
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

test('scopes and tokens are asked for', async () => {
  const { workspace, app } = await openWithBolt('http', quiet, { scopes: ['chat:write', 'users:read'] });

  const told = await app.client.auth.test();
  expect(told.response_metadata?.scopes).toEqual(['chat:write', 'users:read']);
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

test('a thread is read back with its metadata, a page at a time', async () => {
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

test('an update with blocks shows no edit, one with text alone takes the blocks away', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  const { ts } = await app.client.chat.postMessage({ ...at, text: 'a', blocks: [section('a')] });
  const shown = () => workspace.messages(at.channel)[0];

  await app.client.chat.update({ ...at, ts: String(ts), text: 'b', blocks: [section('b')] });
  expect(shown()).toMatchObject({ blocks: [section('b')], edited: undefined });
  await app.client.chat.update({ ...at, ts: String(ts), text: 'c' });
  expect(shown()).toMatchObject({ blocks: undefined, edited: {} });
});

test('text above 40,000 characters is cut and says so', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);

  const posted = await app.client.chat.postMessage({ ...at, text: 'x'.repeat(40_001) });

  expect(posted.response_metadata?.warnings).toEqual(['message_truncated']);
  expect(workspace.messages(at.channel)[0]?.text).toHaveLength(40_000);
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

test('people, groups, channels and permalinks are known', async () => {
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

test('Socket Mode reconnects when it is refreshed, and loses nothing between two connections', async () => {
  const { workspace, app } = await openWithBolt('socket', (app) => {
    app.command(/.*/, async ({ ack }) => ack('Here'));
  });
  await openSecond(workspace.apiUrl);
  expect(workspace.sockets.connections()).toBe(2);

  const acks = await Promise.all([1, 2, 3, 4].map(() => workspace.command(asked)));
  expect(acks.map(({ status }) => status)).toEqual([200, 200, 200, 200]);

  const { client } = (app as unknown as { receiver: { client: NodeJS.EventEmitter } }).receiver;
  const reconnected = once(client, 'connected');
  await workspace.sockets.refresh({ warnMs: 10 });
  await reconnected;
  expect(await workspace.command(asked)).toMatchObject({ body: { text: 'Here' } });
});

/** Another replica of the app, which never acknowledges and dies of its first command. */
async function openSecond(apiUrl: string): Promise<void> {
  const response = await fetch(`${apiUrl}apps.connections.open`, {
    method: 'POST',
    headers: { authorization: 'Bearer xapp-test' },
  });
  const { url } = (await response.json()) as { url: string };
  const socket = new WebSocket(url);
  await once(socket as unknown as NodeJS.EventEmitter, 'message');
  socket.addEventListener('message', () => socket.close());
}
