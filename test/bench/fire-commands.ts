import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { APP, TEAM } from '../workspace/model.ts';
import { CHANNEL_IDS, TOKENS } from './stage.ts';

/** The benchmark's parameters. */
export interface CommandBatch {
  readonly port: number;
  /** One command each, all at once. */
  readonly texts: readonly string[];
}

export interface Acknowledgement {
  /** The HTTP status; 0 without a response. */
  readonly status: number;
  readonly tookMs: number;
}

const GIVE_UP_MS = 10_000;
/** As from many hosts, each over its own connection, which the bot accepts before the clock starts. */
const SETTLE_MS = 300;

/**
 * Runs as a separate process, so that firing costs the bot nothing; over plain sockets and with everything
 * signed before, because on a small machine an HTTP client would use the CPU time that is measured.
 */
async function fire({ port, texts }: CommandBatch): Promise<readonly Acknowledgement[]> {
  const sockets = texts.map(() => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  await sleep(SETTLE_MS);
  const requests = texts.map(requestOf);
  return Promise.all(sockets.map((socket, at) => send(socket, requests[at] ?? '')));
}

function send(socket: Socket, request: string): Promise<Acknowledgement> {
  const { promise, resolve } = Promise.withResolvers<Acknowledgement>();
  const startedAt = performance.now();
  const heard = (status: number) => {
    resolve({ status, tookMs: performance.now() - startedAt });
    socket.destroy();
  };
  socket.once('data', (bytes) => heard(Number(bytes.toString('latin1', 9, 12))));
  socket.once('close', () => heard(0));
  socket.once('error', () => heard(0));
  socket.setTimeout(GIVE_UP_MS, () => heard(0));
  socket.write(request);
  return promise;
}

function requestOf(text: string, at: number): string {
  const body = new URLSearchParams(payloadOf(text, at)).toString();
  const timestamp = Math.floor(Date.now() / 1_000);
  const mac = createHmac('sha256', TOKENS.signingSecret).update(`v0:${timestamp}:${body}`).digest('hex');
  return [
    'POST /slack/events HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/x-www-form-urlencoded',
    `content-length: ${body.length}`,
    `x-slack-request-timestamp: ${timestamp}`,
    `x-slack-signature: v0=${mac}`,
    '',
    body,
  ].join('\r\n');
}

function payloadOf(text: string, at: number): Record<string, string> {
  const channel = CHANNEL_IDS[at % CHANNEL_IDS.length] ?? '';
  return {
    token: 'not-a-secret-verification-token',
    team_id: TEAM.id,
    team_domain: TEAM.domain,
    channel_id: channel,
    channel_name: channel.toLowerCase(),
    user_id: 'U0123ADA',
    user_name: 'ada',
    command: '/certs',
    text,
    api_app_id: APP.id,
    is_enterprise_install: 'false',
    trigger_id: `1.2.${crypto.randomUUID()}`,
  };
}

process.on('message', (volley: CommandBatch) => void fire(volley).then((heard) => process.send?.(heard)));
process.once('disconnect', () => process.exit());
