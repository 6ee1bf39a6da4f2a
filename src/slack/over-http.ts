import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTPReceiver } from '@slack/bolt';
import type { Log } from '../telemetry/log.ts';
import { boltLogger } from './bolt-log.ts';
import type { Way } from './way.ts';

/** Bolt refuses what is older than this, but not what is further ahead: the window is closed on both sides here. */
const CLOCK_WINDOW_S = 300;

/** Hears Slack on `port` (0 takes a free one), every request signed. */
export function overHttp(signingSecret: string, port: number, log: Log): Way {
  const receiver = new HTTPReceiver({ signingSecret, logger: boltLogger(log) });
  const server = createServer((request, response) => {
    if (isFromTheFuture(request)) response.writeHead(401).end();
    else listen(receiver, request, response);
  });
  return {
    receiver,
    ready: () => server.listening || 'the port for Slack is closed',
    start: async () => {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, resolve);
      });
      return { port: (server.address() as AddressInfo).port };
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

function isFromTheFuture({ headers }: IncomingMessage): boolean {
  return Number(headers['x-slack-request-timestamp']) > Date.now() / 1_000 + CLOCK_WINDOW_S;
}

function listen(receiver: HTTPReceiver, request: IncomingMessage, response: ServerResponse): void {
  try {
    receiver.requestListener(request, response);
  } catch {
    // Bolt throws for a path it does not know.
    response.writeHead(404).end();
  }
}
