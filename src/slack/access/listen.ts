import type { App } from '@slack/bolt';
import { answerCommand, type ListenerDeps, type CommandHandler } from './answer-command.ts';
import { answerInteraction, type FormHandler, type InteractionHandler } from './answer-interaction.ts';

/** The handlers. They take an `Admitted` delivery, which only the access pipeline creates. */
export interface Handlers<C, I, A, F, B, S, H> {
  readonly command: CommandHandler<C>;
  readonly buttons: { readonly actionId: RegExp; readonly handler: InteractionHandler<I> };
  /** Buttons that run a check. */
  readonly asks: { readonly actionId: RegExp; readonly handler: InteractionHandler<A> };
  readonly form: ListenedForm<F>;
  /** The button that lists the fixes of a run, and the form that requests one of them. */
  readonly choose: { readonly actionId: RegExp; readonly handler: InteractionHandler<never> };
  readonly chooseForm: ListenedForm<H>;
  /** Buttons that take or silence a finding, and the form for a silence. */
  readonly findings: { readonly actionId: RegExp; readonly handler: InteractionHandler<B> };
  readonly silenceForm: ListenedForm<S>;
  /** By type of event. Wrench subscribes to none yet. */
  readonly events?: Readonly<Record<string, InteractionHandler<unknown>>>;
}

interface ListenedForm<F> {
  readonly callbackId: string;
  readonly handler: FormHandler<F>;
}

/** Tracks work that the process waits for before it stops. */
export type Track = <T>(work: Promise<T>) => Promise<T>;

/**
 * The only place that registers listeners with Bolt: every command, click, form submission and event passes the access pipeline before its
 * handler. The acknowledgement of a command carries its answer, a click is acknowledged first, and a form after its fields are validated.
 */
export function listen<C, I, A, F, B, S, H>(
  app: App,
  deps: ListenerDeps,
  {
    command,
    buttons,
    asks,
    form,
    choose,
    chooseForm,
    findings,
    silenceForm,
    events = {},
  }: Handlers<C, I, A, F, B, S, H>,
  track: Track,
): void {
  app.command(/.*/, ({ body, ack }) =>
    track(
      (async () => {
        const { message, inChannel, afterwards } = await answerCommand(deps, command, body);
        await ack({
          response_type: inChannel ? 'in_channel' : 'ephemeral',
          text: message.text,
          blocks: [...message.blocks],
        });
        await afterwards?.();
      })(),
    ),
  );
  const onClick = <S>({ actionId, handler }: { actionId: RegExp; handler: InteractionHandler<S> }) =>
    app.action({ type: 'block_actions', action_id: actionId }, async ({ body, ack }) => {
      await ack();
      await track(answerInteraction(deps, 'click', handler, body));
    });
  onClick(buttons);
  onClick(asks);
  onClick(choose);
  onClick(findings);
  const onSubmit = <T>({ callbackId, handler }: ListenedForm<T>) =>
    app.view({ type: 'view_submission', callback_id: callbackId }, async ({ body, ack }) => {
      const errors = handler.validate(body);
      if (errors) return ack({ response_action: 'errors', errors: { ...errors } });
      await ack();
      await track(answerInteraction(deps, 'modal', handler, body));
    });
  onSubmit(form);
  onSubmit(chooseForm);
  onSubmit(silenceForm);
  // Bolt acknowledges events automatically.
  for (const [type, handler] of Object.entries(events))
    app.event(type, ({ body }) => track(answerInteraction(deps, 'event', handler, body)));
}
