import { setTimeout as sleep } from 'node:timers/promises';
import { SocketModeReceiver } from '@slack/bolt';
import { backoffMs } from '../../queue/connection.ts';
import type { Log } from '../../telemetry/log.ts';
import { inRequest } from '../../telemetry/request-scope.ts';
import { boltLogger } from './bolt-log.ts';
import { readEnvelope } from './read-envelope.ts';
import type { Transport } from './transport.ts';

const OPEN_TIMEOUT_MS = 10_000;
/** The client's defaults of 5 s and 30 s close sockets that only pause, as on busy machines. https://github.com/slackapi/bolt-js/issues/2496 */
const PONG_WITHIN_MS = 20_000;
const PING_WITHIN_MS = 60_000;

/**
 * Receives from Slack over a socket that the bot opens and keeps open. The client's own reconnecting is off: it waits a whole pong timeout first,
 * during which commands are lost, and it stops the process if Slack doesn't respond to `apps.connections.open`.
 */
export function socketModeTransport(appToken: string, apiUrl: string | undefined, log: Log): Transport {
  const receiver = new SocketModeReceiver({
    appToken,
    logger: boltLogger(log),
    autoReconnectEnabled: false,
    clientPingTimeout: PONG_WITHIN_MS,
    serverPingTimeout: PING_WITHIN_MS,
    installerOptions: {
      clientOptions: {
        ...(apiUrl !== undefined && { slackApiUrl: apiUrl }),
        retryConfig: { retries: 0 },
        timeout: OPEN_TIMEOUT_MS,
      },
    },
  });
  const { client } = receiver;
  guardMessages(client, log);
  let state: 'connected' | 'disconnected' | 'stopped' = 'disconnected';
  const isDisconnected = () => state === 'disconnected';
  const reconnect = async () => {
    for (let attempt = 0; isDisconnected(); attempt++) {
      await client
        .start()
        .catch((error: unknown) =>
          log.warn(
            { event: 'slack-socket-not-opened', err: error, attempt },
            "Couldn't open the socket to Slack; retrying",
          ),
        );
      if (isDisconnected()) await sleep(backoffMs(attempt));
    }
  };
  client.on('connected', () => {
    if (state === 'disconnected') state = 'connected';
  });
  client.on('disconnected', () => {
    if (state !== 'connected') return;
    state = 'disconnected';
    log.info({ event: 'slack-socket-closed' }, 'The socket to Slack closed; reconnecting');
    void reconnect();
  });
  return {
    receiver,
    ready: () => state === 'connected' || 'the socket to Slack is not connected',
    start: async () => {
      await receiver.start();
      return {};
    },
    stop: async () => {
      state = 'stopped';
      await client.disconnect();
    },
  };
}

/** Passes only valid envelopes to the client, each in a request scope. */
function guardMessages(client: SocketModeReceiver['client'], log: Log): void {
  const [receive] = client.listeners('ws_message');
  client.removeAllListeners('ws_message');
  client.on('ws_message', (data: unknown) => {
    const envelope = readEnvelope(data);
    if (envelope === undefined)
      log.debug({ event: 'malformed-socket-message' }, "Ignored a socket message that isn't an envelope");
    else inRequest('slack', () => receive?.(envelope, false) as unknown);
  });
}
