import { App } from '@slack/bolt';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Answering } from './access/answer-command.ts';
import { explainStart, type Installation } from './access/installation.ts';
import { listen } from './access/listen.ts';
import { boltLogger } from './transport/bolt-log.ts';
import { type Clicking, makeButtonHandler, makeReasonHandler, OWN_BUTTON } from './actions/buttons.ts';
import { overHttp } from './transport/http.ts';
import { overSocket } from './transport/socket-mode.ts';
import { REASON_FORM } from './render/remediation/reason-form.ts';
import { makeCommandHandler, type Routing } from './commands/router.ts';
import { acknowledgeUnhandled } from './transport/unhandled.ts';
import type { Way } from './transport/transport.ts';

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
 * @throws {SlackRefused} where a token is refused, and where the port is taken. Bolt left alone would end the process from its
 * constructor (reference: slack.md section 1).
 */
export async function startSlackApp(
  settings: SlackSettings,
  { botId = '', botUserId = '' }: Installation,
  routing: Routing,
  clicking: Clicking,
  answering: Answering,
): Promise<SlackApp> {
  const { log } = answering;
  const inFlight = countInFlight();
  const way = openWay(settings, log, answering.metrics);
  const app = new App({
    token: settings.botToken,
    receiver: acknowledgeUnhandled(way.receiver, log),
    clientOptions: {
      ...(settings.apiUrl !== undefined && { slackApiUrl: settings.apiUrl }),
      retryConfig: { retries: 2 },
    },
    convoStore: false,
    // The token was verified when the installation was read. Without both ids Bolt would call `auth.test` for each delivery.
    tokenVerificationEnabled: false,
    botId,
    botUserId,
    logger: boltLogger(log),
  });
  app.error(async (error) => log.error({ err: error }, 'Bolt met an error'));
  listen(
    app,
    answering,
    {
      command: makeCommandHandler(routing),
      buttons: { actionId: OWN_BUTTON, handler: makeButtonHandler(clicking) },
      form: { callbackId: REASON_FORM.callback, handler: makeReasonHandler(clicking) },
    },
    inFlight.track,
  );
  const { port } = await way.start().catch((error: unknown) => {
    throw explainStart(error);
  });
  return {
    ...(port !== undefined && { port }),
    ready: way.ready,
    close: async () => {
      await way.stop();
      await inFlight.settled();
    },
  };
}

function openWay({ appToken, signingSecret, apiUrl, port }: SlackSettings, log: Log, metrics: Metrics): Way {
  if (appToken !== undefined) return overSocket(appToken, apiUrl, log);
  if (signingSecret !== undefined) return overHttp(signingSecret, port, log, metrics);
  throw new Error('neither an app token nor a signing secret is set');
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
