import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, HTTPReceiver } from '@slack/bolt';
import { TOKENS } from './stage.ts';

/** Runs as a separate process: plain Bolt, which acknowledges and does nothing. */
const receiver = new HTTPReceiver({ signingSecret: TOKENS.signingSecret, port: 0 });
const app = new App({
  receiver,
  authorize: async () => ({ botToken: TOKENS.botToken, botId: 'B0123WRENCH', botUserId: 'U0123WRENCH' }),
  convoStore: false,
});
app.command(/.*/, async ({ ack }) => ack({ response_type: 'ephemeral', text: 'Heard.' }));
const server = (await app.start(0)) as Server;
process.send?.((server.address() as AddressInfo).port);
process.once('disconnect', () => process.exit());
