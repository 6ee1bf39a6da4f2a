import { type AckFn, App, type RespondArguments, type SlashCommand } from '@slack/bolt';
import type { Log } from '../telemetry/log.ts';
import { boltLogger } from './bolt-log.ts';
import { answerClick, type Clicking, OWN_BUTTON, readClick } from './clicks.ts';
import { overHttp } from './over-http.ts';
import { overSocket } from './over-socket.ts';
import { answerCommand, type Routing } from './router.ts';
import { SlackRefused } from './slack-call.ts';
import type { Way } from './way.ts';

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
  routing: Routing,
  clicking: Clicking,
  log: Log,
): Promise<SlackApp> {
  const inFlight = countInFlight();
  const way = openWay(settings, log);
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
  // Acknowledged before anything is looked at: what follows from a click is told in the thread.
  app.action({ type: 'block_actions', action_id: OWN_BUTTON }, async ({ ack, body }) => {
    await ack();
    const click = readClick(body);
    if (click) await inFlight.track(answerClick(clicking, click));
  });
  const { port } = await app
    .init()
    .then(way.start)
    .catch((error: unknown) => {
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

function openWay({ appToken, signingSecret, apiUrl, port }: SlackSettings, log: Log): Way {
  if (appToken !== undefined) return overSocket(appToken, apiUrl, log);
  if (signingSecret !== undefined) return overHttp(signingSecret, port, log);
  throw new Error('neither an app token nor a signing secret is set');
}

/** What only an operator can mend; anything else may pass. */
const TOKEN_REFUSED = new Set([
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'missing_scope',
  'not_allowed_token_type',
]);

function explainStart(error: unknown): unknown {
  const code = (error as { data?: { error?: unknown } }).data?.error;
  if (typeof code !== 'string' || !TOKEN_REFUSED.has(code)) return error;
  return new SlackRefused(
    code,
    ' at the start: look at SLACK_BOT_TOKEN and SLACK_APP_TOKEN; `wrench doctor` tells more',
  );
}

/** By construction within 3 s: nothing is awaited before the acknowledgement but a queue that answers or gives up within 1.5 s. */
async function acknowledge(
  routing: Routing,
  command: SlashCommand,
  ack: AckFn<string | RespondArguments>,
): Promise<void> {
  const { message, inChannel } = await answerCommand(routing, command);
  await ack({
    response_type: inChannel ? 'in_channel' : 'ephemeral',
    text: message.text,
    blocks: [...message.blocks],
  });
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
