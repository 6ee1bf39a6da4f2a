import type { InputBlock, ModalView } from '@slack/types';
import { type ArgumentHelp, argumentsOf } from '../../../check/arguments.ts';
import type { FormRequest } from '../../../request/argument-form.ts';
import { capitalize } from '../../../text/wording.ts';
import { line, plainTextObject, rich } from '../blocks.ts';
import { sentence } from '../sentence.ts';

/** The ids under which Slack returns the inputs of the form: one block for each argument, and one for the environment. */
export const ARGUMENT_FORM = {
  callback: 'wrench:argument-form',
  input: 'value',
  environment: 'environment',
  blockOf: (argument: string) => `argument-${argument}`,
} as const;

/** https://docs.slack.dev/surfaces/modals and https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element */
const MAX_TITLE_CHARS = 24;
const MAX_OPTIONS = 100;
const MAX_OPTION_CHARS = 150;
const MAX_HINT_CHARS = 500;
/** Together they fit into one command. */
const MAX_VALUE_CHARS = 300;
const YES = 'true';

/** A form with the arguments of a check. Slack returns `metadata` with the submission. */
export function renderArgumentForm(
  { name, check, args, defaults }: FormRequest,
  {
    environment,
    environments,
  }: { readonly environment?: string | undefined; readonly environments: readonly string[] },
  metadata: string,
): ModalView {
  return {
    type: 'modal',
    callback_id: ARGUMENT_FORM.callback,
    private_metadata: metadata,
    title: plainTextObject(`/${name.replace('/', ' ')}`, MAX_TITLE_CHARS),
    submit: plainTextObject('Run'),
    close: plainTextObject('Cancel'),
    blocks: [
      rich(line(...sentence(check.title, { max: 300 }))),
      {
        type: 'input',
        block_id: ARGUMENT_FORM.environment,
        label: plainTextObject('Environment'),
        element: choiceOrText(environments, environment),
      },
      ...argumentsOf(check).map((argument) =>
        argumentInput(argument, args[argument.name], defaults[argument.name]),
      ),
    ],
  };
}

function argumentInput(
  { name, about, choices, isSwitch, isRequired }: ArgumentHelp,
  value: string | undefined,
  byDefault: string | undefined,
): InputBlock {
  const hint = [
    about === '' ? '' : `${capitalize(about)}.`,
    // Otherwise the empty input shows it.
    value === undefined || byDefault === undefined || isSwitch ? '' : `Default: ${byDefault}.`,
  ]
    .filter(Boolean)
    .join(' ')
    .replaceAll('`', '');
  return {
    type: 'input',
    block_id: ARGUMENT_FORM.blockOf(name),
    label: plainTextObject(labelOf(name), 200),
    ...(hint !== '' && { hint: plainTextObject(hint, MAX_HINT_CHARS) }),
    optional: !isRequired,
    element: isSwitch
      ? switchOf((value ?? byDefault) === YES)
      : choices
        ? choiceOrText(choices, value ?? byDefault)
        : textInput(value, byDefault),
  };
}

/** `warningDays` is `Warning days`. */
function labelOf(name: string): string {
  return capitalize(name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
}

function choiceOrText(values: readonly string[], initial: string | undefined): InputBlock['element'] {
  const fits = values.length <= MAX_OPTIONS && values.every(({ length }) => length <= MAX_OPTION_CHARS);
  if (!fits || values.length === 0) return textInput(initial, undefined);
  return {
    type: 'static_select',
    action_id: ARGUMENT_FORM.input,
    options: values.map(option),
    ...(initial !== undefined && values.includes(initial) && { initial_option: option(initial) }),
  };
}

function option(value: string) {
  return { text: plainTextObject(value, 75), value };
}

function switchOf(isOn: boolean): InputBlock['element'] {
  const yes = { text: plainTextObject('Yes'), value: YES };
  return {
    type: 'checkboxes',
    action_id: ARGUMENT_FORM.input,
    options: [yes],
    ...(isOn && { initial_options: [yes] }),
  };
}

function textInput(value: string | undefined, placeholder: string | undefined): InputBlock['element'] {
  return {
    type: 'plain_text_input',
    action_id: ARGUMENT_FORM.input,
    max_length: MAX_VALUE_CHARS,
    ...(value && { initial_value: value.slice(0, MAX_VALUE_CHARS) }),
    ...(placeholder && { placeholder: plainTextObject(placeholder, 150) }),
  };
}
