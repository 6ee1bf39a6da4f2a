import type { App } from '@slack/bolt';
import { answerCommand, type ListenerDeps, type CommandHandler } from './answer-command.ts';
import {
  answerInteraction,
  type EventHandler,
  type FormHandler,
  type InteractionHandler,
} from './answer-interaction.ts';

/** The handlers. They take an `Admitted` delivery, which only the access pipeline creates. */
export interface Handlers<C> {
  readonly command: CommandHandler<C>;
  readonly buttons: readonly ListenedButtons[];
  readonly forms: readonly ListenedForm[];
  /** By type of event. */
  readonly events: Readonly<Record<string, EventHandler<AnySubject>>>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- each handler has its own type of subject
type AnySubject = any;

/** No two patterns match the same action id: Bolt runs all listeners that match. */
interface ListenedButtons {
  readonly actionId: RegExp;
  readonly handler: InteractionHandler<AnySubject>;
}

interface ListenedForm {
  readonly callbackId: string;
  readonly handler: FormHandler<AnySubject>;
}

/** Tracks work that the process waits for before it stops. */
export type Track = <T>(work: Promise<T>) => Promise<T>;

/**
 * The only place that registers listeners with Bolt: every command, click, form submission and event passes the access pipeline before its
 * handler. The acknowledgement of a command carries its answer, a click is acknowledged first, and a form after its fields are validated.
 */
export function listen<C>(
  app: App,
  deps: ListenerDeps,
  { command, buttons, forms, events }: Handlers<C>,
  track: Track,
): void {
  app.command(/.*/, ({ body, ack }) =>
    track(
      (async () => {
        const { message, inChannel, afterwards } = await answerCommand(deps, command, body);
        if (!message) await ack();
        else
          await ack({
            response_type: inChannel ? 'in_channel' : 'ephemeral',
            text: message.text,
            blocks: [...message.blocks],
          });
        await afterwards?.();
      })(),
    ),
  );
  for (const { actionId, handler } of buttons)
    app.action({ type: 'block_actions', action_id: actionId }, async ({ body, ack }) => {
      await ack();
      await track(answerInteraction(deps, 'click', handler, body));
    });
  for (const { callbackId, handler } of forms)
    app.view({ type: 'view_submission', callback_id: callbackId }, async ({ body, ack }) => {
      const errors = handler.validate(body);
      if (errors) return ack({ response_action: 'errors', errors: { ...errors } });
      await ack();
      await track(answerInteraction(deps, 'modal', handler, body));
    });
  // Bolt acknowledges events automatically.
  for (const [type, handler] of Object.entries(events))
    app.event(type, async ({ body }) => {
      if (handler.concerns(body)) await track(answerInteraction(deps, 'event', handler, body));
    });
}
