import { z } from 'zod';
import { argumentsOf } from '../../check/arguments.ts';
import { fillForm, type FormValues, readFormRequest } from '../../request/argument-form.ts';
import type { RequestContext } from '../../request/parse.ts';
import { parseJson } from '../../text/parse-json.ts';
import type { CommandHandler, ListenerDeps } from '../access/answer-command.ts';
import type { FormHandler, InteractionHandler } from '../access/answer-interaction.ts';
import type { Refusal } from '../access/refusal.ts';
import { answerAsked } from '../commands/answer-asked.ts';
import { postPrivately } from '../delivery/post-privately.ts';
import { ARGUMENT_FORM, renderArgumentForm } from '../render/replies/argument-form.ts';
import { renderProblem, type RequestProblem } from '../render/replies/help.ts';
import { slackId, slackTs } from '../transport/payload.ts';
import { type AskedCommand, asSlashCommand, commandInClick } from './asked-command.ts';
import { UNKNOWN_BUTTON } from './buttons.ts';

/** The action ids of buttons that open a form with the arguments of a command. */
export const FORM_ACTION_ID = /^wrench:form$/;

export interface ArgumentFormDeps extends Pick<ListenerDeps, 'client' | 'metrics' | 'log'> {
  readonly context: RequestContext;
  readonly channels: Readonly<Record<string, string>>;
  readonly defaultEnvironment?: string;
}

/** What the form was opened for. Slack returns it with the submission, and the command is checked as if it was typed. */
const formMetadata = z.strictObject({
  button: z.literal('form'),
  check: z.string().max(200),
  channelId: slackId,
  threadTs: slackTs.exactOptional(),
  teamDomain: z.string().max(500).exactOptional(),
});

type Metadata = z.infer<typeof formMetadata>;

/** Buttons that open the form. The rules about who may run what apply to its submission: the environment may be changed in the form. */
export function makeFormOpener(deps: ArgumentFormDeps): InteractionHandler<RequestProblem> {
  return {
    resolve: async (delivery, body) => {
      const command = commandInClick(delivery, body, FORM_ACTION_ID, { isOnRoot: () => true });
      if (!command) {
        deps.log.debug({ event: 'malformed-click' }, 'Refused a click with missing or malformed fields');
        return { refusal: UNKNOWN_BUTTON };
      }
      const request = readFormRequest(command.area, command.text, deps.context);
      const requires = { roles: 'anyone' } as const;
      if (request.kind === 'problem') return { subject: request, requires };
      const { environment = deps.channels[command.channelId] ?? deps.defaultEnvironment } = request;
      const view = renderArgumentForm(
        request,
        { environment, environments: deps.context.environments },
        writeMetadata(command, request.name),
      );
      // A trigger id expires after 3 s.
      const open = () => deps.client.views.open({ trigger_id: delivery.triggerId, view });
      return { form: async () => void (await open()), requires };
    },
    handle: async ({ delivery, subject }) => {
      await postPrivately(deps, delivery, renderProblem(subject));
      return undefined;
    },
  };
}

function writeMetadata({ channelId, threadTs, teamDomain }: AskedCommand, check: string): string {
  return JSON.stringify({
    button: 'form',
    check,
    channelId,
    ...(threadTs !== undefined && { threadTs }),
    ...(teamDomain !== undefined && { teamDomain: teamDomain.slice(0, 500) }),
  } satisfies Metadata);
}

/** The check or the configuration has changed since the form was opened. */
const OUTDATED_FORM: Refusal = { rule: 'form', because: 'this form is out of date; open it again' };

/** The submission of the form does the same as the command with its values, typed in the place where the form was opened. */
export function makeArgumentFormHandler<S>(
  commands: CommandHandler<S>,
  deps: ArgumentFormDeps,
): FormHandler<S> {
  return {
    validate: (body) => {
      const { filled, blocks = [] } = fill(deps, body) ?? {};
      if (!filled || !('problems' in filled)) return undefined;
      const errors = Object.entries(filled.problems)
        .map(([name, problem]) => [
          name === ARGUMENT_FORM.environment ? name : ARGUMENT_FORM.blockOf(name),
          problem.replaceAll('`', ''),
        ])
        // Slack rejects errors of inputs that the form doesn't have.
        .filter(([block = '']) => blocks.includes(block));
      return errors.length > 0 ? Object.fromEntries(errors) : undefined;
    },
    resolve: async (delivery, body) => {
      const { filled, openedFor } = fill(deps, body) ?? {};
      if (!openedFor) return { refusal: UNKNOWN_BUTTON };
      if (!filled || 'problems' in filled) return { refusal: OUTDATED_FORM };
      return commands.resolve(delivery, asSlashCommand({ ...openedFor, ...filled }));
    },
    handle: (admitted) => answerAsked(commands, deps, admitted),
  };
}

const submission = z.looseObject({
  view: z.looseObject({
    private_metadata: z.string().max(3_000),
    state: z.looseObject({ values: z.record(z.string(), z.record(z.string(), z.unknown())) }),
  }),
});

/** One input, as each kind of element returns it. */
const input = z.union([
  z.looseObject({ value: z.string() }),
  z.looseObject({ selected_option: z.looseObject({ value: z.string() }) }),
  z.looseObject({ selected_options: z.array(z.looseObject({ value: z.string() })) }),
]);

/** The command of a submission, or what is wrong with its fields; undefined if the form is not ours. */
function fill({ context }: ArgumentFormDeps, body: unknown) {
  const view = submission.safeParse(body).data?.view;
  const openedFor = view && formMetadata.safeParse(parseJson(view.private_metadata)).data;
  if (!openedFor) return undefined;
  const blocks = Object.keys(view.state.values);
  const values = valuesIn(view.state.values, openedFor.check, context);
  if (!context.environments.includes(values.environment))
    return {
      openedFor,
      blocks,
      filled: { problems: { [ARGUMENT_FORM.environment]: 'Choose an environment.' } },
    };
  return { openedFor, blocks, filled: fillForm(openedFor.check, values, context) };
}

function valuesIn(
  values: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  name: string,
  { catalogue }: RequestContext,
): FormValues {
  const read = (block: string): string | undefined => {
    const { data } = input.safeParse(values[block]?.[ARGUMENT_FORM.input]);
    if (!data) return undefined;
    if ('selected_options' in data) return String((data.selected_options as readonly unknown[]).length > 0);
    const value = 'value' in data ? data.value : (data.selected_option as { readonly value: string }).value;
    return String(value).trim() === '' ? undefined : String(value);
  };
  const check = catalogue.checks.get(name);
  const args = (check ? argumentsOf(check) : []).flatMap((argument): [string, string][] => {
    const value = read(ARGUMENT_FORM.blockOf(argument.name));
    return value === undefined ? [] : [[argument.name, value]];
  });
  return { args: Object.fromEntries(args), environment: read(ARGUMENT_FORM.environment) ?? '' };
}
