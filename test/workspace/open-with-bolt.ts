import type { AddressInfo } from 'node:net';
import { App, HTTPReceiver, LogLevel, SocketModeReceiver, type Receiver } from '@slack/bolt';
import { onTestFinished } from 'vitest';
import {
  startWorkspace,
  type Workspace,
  type WorkspaceApp,
  type WorkspaceOptions,
} from './start-workspace.ts';

const secrets = { signingSecret: 'signing-secret', botToken: 'xoxb-test', appToken: 'xapp-test' };

type Choices = Partial<WorkspaceApp> & Pick<WorkspaceOptions, 'channels' | 'users' | 'faultInjections'>;

/** A workspace with a real Bolt app, both closed when the test is over. */
export async function openWithBolt(
  delivery: 'http' | 'socket',
  register: (app: App) => void,
  { channels, users, faultInjections, ...app }: Choices = {},
): Promise<{ workspace: Workspace; app: App }> {
  let requestUrl = 'http://127.0.0.1:1/not-yet';
  const workspace = await startWorkspace({
    app: { delivery, requestUrl: () => requestUrl, ...secrets, ...app },
    ...(channels ? { channels } : {}),
    ...(users ? { users } : {}),
    ...(faultInjections ? { faultInjections } : {}),
  });
  onTestFinished(workspace.close);
  const bolt = new App({
    receiver: receiverFor(delivery, workspace),
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
  register(bolt);
  await bolt.init();
  const server: unknown = await bolt.start(0);
  // The test may have stopped it already.
  onTestFinished(() => bolt.stop().then(undefined, () => {}));
  if (delivery === 'http') {
    const { port } = (server as { address: () => AddressInfo }).address();
    requestUrl = `http://127.0.0.1:${port}/slack/events`;
  }
  return { workspace, app: bolt };
}

function receiverFor(delivery: 'http' | 'socket', { apiUrl }: Workspace): Receiver {
  if (delivery === 'http') {
    const logLevel = LogLevel.ERROR;
    return new HTTPReceiver({
      signingSecret: secrets.signingSecret,
      logLevel,
      unhandledRequestTimeoutMillis: 10_000,
    });
  }
  return new SocketModeReceiver({
    appToken: secrets.appToken,
    logLevel: LogLevel.ERROR,
    // Bolt waits this long, times the number of failures, before it reconnects.
    clientPingTimeout: 1_000,
    installerOptions: { clientOptions: { slackApiUrl: apiUrl } },
  });
}
