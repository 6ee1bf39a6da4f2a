/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import { App, HTTPReceiver, SocketModeReceiver, LogLevel, type Receiver } from '@slack/bolt';
import { afterEach, expect, test } from 'vitest';
import type { AddressInfo } from 'node:net';
import { startWorkspace, type Workspace, type WorkspaceOptions } from './start-workspace.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const secrets = { signingSecret: 'signing-secret', botToken: 'xoxb-test', appToken: 'xapp-test' };

/** A workspace and a real Bolt app in it, listening as asked. */
async function openWith(
  delivery: 'http' | 'socket',
  register: (app: App) => void,
  options: Partial<WorkspaceOptions['app']> = {},
): Promise<Workspace> {
  let requestUrl = '';
  const workspace = await startWorkspace({
    app: { delivery, requestUrl: () => requestUrl, ...secrets, ...options },
  });
  cleanups.push(workspace.close);
  const http = new HTTPReceiver({ signingSecret: secrets.signingSecret, logLevel: LogLevel.ERROR });
  const receiver: Receiver =
    delivery === 'http'
      ? http
      : new SocketModeReceiver({
          appToken: secrets.appToken,
          logLevel: LogLevel.ERROR,
          installerOptions: { clientOptions: { slackApiUrl: workspace.apiUrl } },
        });
  const app = new App({
    receiver,
    token: secrets.botToken,
    convoStore: false,
    deferInitialization: true,
    logLevel: LogLevel.ERROR,
    clientOptions: {
      slackApiUrl: workspace.apiUrl,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
    },
  });
  register(app);
  await app.init();
  const server = await app.start(0);
  cleanups.push(() => app.stop());
  if (delivery === 'http') {
    const { port } = (server as unknown as { address: () => AddressInfo }).address();
    requestUrl = `http://127.0.0.1:${port}/slack/events`;
  }
  return workspace;
}

const asked = { userId: 'U0123ADA', channelId: 'C0123INCIDENT', command: '/certs', text: 'expiring' };

test.each(['http', 'socket'] as const)('a command becomes a thread with a file (%s)', async (delivery) => {
  const workspace = await openWith(delivery, (app) => {
    app.command(/.*/, async ({ ack, client, command }) => {
      await ack(`Looking at ${command.text}`);
      const root = await client.chat.postMessage({
        channel: command.channel_id,
        text: 'Looking…',
        blocks: [{ type: 'section', text: { type: 'plain_text', text: 'Looking…' } }],
      });
      const place = { channel: command.channel_id, thread_ts: String(root.ts) };
      await client.chat.postMessage({ ...place, text: 'A finding' });
      await client.chat.update({ ...place, ts: String(root.ts), text: '3 of 41 expired' });
      await client.files.uploadV2({
        channel_id: command.channel_id,
        thread_ts: String(root.ts),
        filename: 'certs.csv',
        content: 'host,days\n',
      });
    });
  });

  const ack = await workspace.command(asked);
  const file = await workspace.waitFor(() => {
    const root = workspace.messages(asked.channelId)[0];
    return root && workspace.files(asked.channelId, root.ts)[0];
  });

  expect(ack.status).toBe(200);
  expect(workspace.ephemerals(asked.userId, asked.channelId).map(({ text }) => text)).toEqual([
    'Looking at expiring',
  ]);
  const [root] = workspace.messages(asked.channelId);
  expect(root).toMatchObject({ text: '3 of 41 expired', blocks: undefined });
  expect(root?.edited).toBeDefined();
  expect(workspace.thread(asked.channelId, root?.ts ?? '').map(({ text }) => text)).toEqual([
    '3 of 41 expired',
    'A finding',
    '',
  ]);
  expect(file.bytes.toString()).toBe('host,days\n');
});
