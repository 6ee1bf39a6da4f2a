import { App } from '@slack/bolt';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ListenerDeps } from './access/answer-command.ts';
import { explainTokenError, type Installation } from './access/installation.ts';
import { listen } from './access/listen.ts';
import { boltLogger } from './transport/bolt-log.ts';
import {
  type ActionDeps,
  makeButtonHandler,
  makeReasonHandler,
  BUTTON_ACTION_ID,
} from './actions/buttons.ts';
import { CHOOSE_ACTION_ID, makeChooseHandler, makeChosenHandler } from './actions/choose.ts';
import { FORM_ACTION_ID, makeArgumentFormHandler, makeFormOpener } from './actions/argument-form.ts';
import { ASK_ACTION_ID, makeAskHandler } from './actions/ask.ts';
import { EVIDENCE_ACTION_ID, type EvidenceDeps, makeEvidenceHandler } from './actions/evidence.ts';
import {
  FINDING_ACTION_ID,
  type FindingActionDeps,
  makeFindingHandler,
  makeSilenceHandler,
} from './actions/finding-actions.ts';
import { SILENCE_FORM } from './render/findings/silence-form.ts';
import { httpTransport } from './transport/http.ts';
import { socketModeTransport } from './transport/socket-mode.ts';
import { CHOOSE_FORM } from './render/remediation/choose-form.ts';
import { ARGUMENT_FORM } from './render/replies/argument-form.ts';
import { REASON_FORM } from './render/remediation/reason-form.ts';
import { makeMessageHandler } from './commands/answer-messages.ts';
import { makeCommandHandler, type CommandDeps } from './commands/router.ts';
import { acknowledgeUnhandled } from './transport/unhandled.ts';
import type { Transport } from './transport/transport.ts';

export interface SlackSettings {
  readonly botToken: string;
  /** Socket Mode if set. */
  readonly appToken?: string;
  /** HTTP mode if set, without `appToken`. */
  readonly signingSecret?: string;
  readonly apiUrl?: string;
  /** HTTP mode only; 0 takes a free port. */
  readonly port: number;
}

export interface SlackApp {
  /** The port that receives Slack's requests in HTTP mode. */
  readonly port?: number;
  /** True while Slack can reach the bot, otherwise why not. */
  readonly ready: () => true | string;
  /** Accepts no more requests, then waits for those in progress. */
  readonly close: () => Promise<void>;
}

/**
 * Connects to Slack and answers commands.
 * @throws {SlackApiError} if a token is refused, and an error if the port is taken. Bolt would exit the process from its constructor:
 * https://github.com/slackapi/bolt-js/issues/248
 */
export async function startSlackApp(
  settings: SlackSettings,
  { botId = '', botUserId = '' }: Installation,
  commandDeps: CommandDeps,
  actionDeps: ActionDeps,
  findingDeps: FindingActionDeps,
  reportDeps: Pick<EvidenceDeps, 'savedReports'>,
  listenerDeps: ListenerDeps,
): Promise<SlackApp> {
  const { log } = listenerDeps;
  const inFlight = countInFlight();
  const transport = openTransport(settings, log, listenerDeps.metrics);
  const app = new App({
    token: settings.botToken,
    receiver: acknowledgeUnhandled(transport.receiver, log),
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
  const command = makeCommandHandler(commandDeps);
  app.error(async (error) => log.error({ event: 'bolt-failed', err: error }, 'Bolt failed'));
  const formDeps = { ...commandDeps, ...listenerDeps };
  const messages = makeMessageHandler(command, {
    ...listenerDeps,
    botUserId,
    catalogue: commandDeps.context.catalogue,
  });
  listen(
    app,
    listenerDeps,
    {
      command,
      buttons: [
        { actionId: ASK_ACTION_ID, handler: makeAskHandler(command, listenerDeps) },
        { actionId: BUTTON_ACTION_ID, handler: makeButtonHandler(actionDeps) },
        { actionId: CHOOSE_ACTION_ID, handler: makeChooseHandler(actionDeps) },
        { actionId: FINDING_ACTION_ID, handler: makeFindingHandler(findingDeps) },
        { actionId: FORM_ACTION_ID, handler: makeFormOpener(formDeps) },
        { actionId: EVIDENCE_ACTION_ID, handler: makeEvidenceHandler({ ...listenerDeps, ...reportDeps }) },
      ],
      forms: [
        { callbackId: REASON_FORM.callback, handler: makeReasonHandler(actionDeps) },
        { callbackId: CHOOSE_FORM.callback, handler: makeChosenHandler(actionDeps) },
        { callbackId: SILENCE_FORM.callback, handler: makeSilenceHandler(findingDeps) },
        { callbackId: ARGUMENT_FORM.callback, handler: makeArgumentFormHandler(command, formDeps) },
      ],
      events: { app_mention: messages, message: messages },
    },
    inFlight.track,
  );
  const { port } = await transport.start().catch((error: unknown) => {
    throw explainTokenError(error);
  });
  return {
    ...(port !== undefined && { port }),
    ready: transport.ready,
    close: async () => {
      await transport.stop();
      await inFlight.settled();
    },
  };
}

function openTransport(
  { appToken, signingSecret, apiUrl, port }: SlackSettings,
  log: Log,
  metrics: Metrics,
): Transport {
  if (appToken !== undefined) return socketModeTransport(appToken, apiUrl, log);
  if (signingSecret !== undefined) return httpTransport(signingSecret, port, log, metrics);
  throw new Error('neither an app token nor a signing secret is set');
}

interface InFlight {
  readonly track: <T>(work: Promise<T>) => Promise<T>;
  readonly settled: () => Promise<void>;
}

/** Bolt's own `stop` does not wait for listeners. */
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
