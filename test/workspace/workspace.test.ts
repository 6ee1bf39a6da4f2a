/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import { once } from 'node:events';
import type { App } from '@slack/bolt';
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

test('an unreachable app is dispatch_failed, and one that does not acknowledge is operation_timeout', async () => {
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
  // Bolt checks one side only; the other must be checked by its user.
  ['a request from the future', { timestampOffsetSeconds: 3_600 }, 200],
] as const)('Bolt meets %s', async (_, forgery, status) => {
  const { workspace } = await openWithBolt('http', quiet);

  expect(await workspace.command({ ...asked, forgery })).toMatchObject({ status });
});

test('a repeated delivery is identical, including its trigger', async () => {
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

test('a click includes its message and can be answered through the response_url', async () => {
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

test('a response_url works five times, without channel membership', async () => {
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

test('every delivery can be repeated', async () => {
  const seen: string[] = [];
  const { workspace } = await openWithBolt('socket', (app) => {
    app.command(/.*/, async ({ ack, body }) => {
      seen.push(body.trigger_id);
      await ack();
    });
  });
  workspace.faults.deliverTimes(2);

  const { payload } = await workspace.command(asked);

  expect(seen).toEqual([payload['trigger_id'], payload['trigger_id']]);
});

test('Socket Mode reconnects on refresh and loses nothing between two connections', async () => {
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

/** Another replica of the app, which never acknowledges and exits at its first command. */
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
