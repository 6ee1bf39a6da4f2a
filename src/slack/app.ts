import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AckFn,
  App,
  HTTPReceiver,
  type Receiver,
  type RespondArguments,
  type SlashCommand,
  SocketModeReceiver,
} from '@slack/bolt';
import type { Log } from '../telemetry/log.ts';
import { boltLogger } from './bolt-log.ts';
import { answerCommand, type Routing } from './router.ts';

export interface SlackSettings {
  readonly botToken: string;
  /** Socket Mode where given. */
  readonly appToken?: string;
  /** HTTP mode where given, without `appToken`. */
  readonly signingSecret?: string;
  readonly apiUrl?: string;
  /** HTTP mode only; 0 takes a free one. */
  readonly port: number;
}

export interface SlackApp {
  /** Where Slack reaches us in HTTP mode. */
  readonly port?: number;
  /** True while Slack can reach us, else why not. */
  readonly ready: () => true | string;
  /** Takes no more requests, then waits for those being answered. */
  readonly close: () => Promise<void>;
}

/**
 * Connects to Slack and answers commands.
 * @throws where the token is refused or the port is taken; Bolt left alone would end the process from its constructor (reference: slack.md section 1).
 */
export async function startSlackApp(settings: SlackSettings, routing: Routing, log: Log): Promise<SlackApp> {
  const inFlight = countInFlight();
  const way =
    settings.appToken === undefined ? overHttp(settings, log) : overSocket(settings, settings.appToken, log);
  const app = new App({
    token: settings.botToken,
    receiver: way.receiver,
    clientOptions: {
      ...(settings.apiUrl !== undefined && { slackApiUrl: settings.apiUrl }),
      retryConfig: { retries: 2 },
    },
    convoStore: false,
    deferInitialization: true,
    logger: boltLogger(log),
  });
  app.error(async (error) => log.error({ err: error }, 'Bolt met an error'));
  app.command(/.*/, ({ command, ack }) => inFlight.track(acknowledge(routing, command, ack)));
  await app.init();
  const { port } = await way.start();
  return {
    ...(port !== undefined && { port }),
    ready: way.ready,
    close: async () => {
      await way.stop();
      await inFlight.settled();
    },
  };
}

/** By construction within 3 s: nothing is awaited before the acknowledgement but a queue that answers or gives up within 1.5 s. */
async function acknowledge(
  routing: Routing,
  command: SlashCommand,
  ack: AckFn<string | RespondArguments>,
): Promise<void> {
  const { text, blocks } = await answerCommand(routing, command);
  await ack({ response_type: 'ephemeral', text, blocks: [...blocks] });
}

interface Way {
  readonly receiver: Receiver;
  readonly start: () => Promise<{ port?: number }>;
  readonly stop: () => Promise<void>;
  readonly ready: () => true | string;
}

/** Slack refuses nothing from the future itself, and Bolt neither: the window is closed on both sides here. */
const CLOCK_WINDOW_S = 300;

function overHttp({ signingSecret, port }: SlackSettings, log: Log): Way {
  if (signingSecret === undefined) throw new Error('neither an app token nor a signing secret is set');
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

/** Reconnecting must never give up: with short retries a failed `apps.connections.open` ends the process (reference: slack.md section 1). */
const RECONNECT = { retries: 10_000, factor: 1.3, maxTimeout: 30_000, randomize: true };

function overSocket({ apiUrl }: SlackSettings, appToken: string, log: Log): Way {
  const receiver = new SocketModeReceiver({
    appToken,
    logger: boltLogger(log),
    clientPingTimeout: 20_000,
    serverPingTimeout: 60_000,
    installerOptions: {
      clientOptions: { ...(apiUrl !== undefined && { slackApiUrl: apiUrl }), retryConfig: RECONNECT },
    },
  });
  let connected = false;
  receiver.client.on('connected', () => (connected = true));
  for (const event of ['disconnected', 'reconnecting', 'disconnecting'] as const)
    receiver.client.on(event, () => (connected = false));
  return {
    receiver,
    ready: () => connected || 'the socket to Slack is not connected',
    start: async () => {
      await receiver.start();
      return {};
    },
    stop: async () => {
      await receiver.stop();
    },
  };
}

interface InFlight {
  readonly track: <T>(work: Promise<T>) => Promise<T>;
  readonly settled: () => Promise<void>;
}

/** Bolt's own stop does not wait for listeners (reference: slack.md, "Graceful shutdown"). */
function countInFlight(): InFlight {
  const running = new Set<Promise<unknown>>();
  return {
    track: (work) => {
      running.add(work);
      void work.finally(() => running.delete(work)).catch(() => undefined);
      return work;
    },
    settled: async () => {
      await Promise.allSettled(running);
    },
  };
}
