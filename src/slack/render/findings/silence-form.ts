import type { ModalView } from '@slack/types';
import type { KnownFinding } from '../../../store/history/tracked-findings.ts';
import { line, plain, plainTextObject, rich, text } from '../blocks.ts';
import { sentence } from '../sentence.ts';

/** The ids under which Slack returns the inputs of the form. */
export const SILENCE_FORM = {
  callback: 'wrench:silence-form',
  until: { block: 'until', input: 'choice' },
  reason: { block: 'reason', input: 'text' },
} as const;

/** How long a silence may last, by the value of its option. `gone`: until the finding is gone. */
export const SILENCE_CHOICES = {
  '1h': { label: '1 hour', hours: 1 },
  '8h': { label: '8 hours', hours: 8 },
  '1d': { label: '1 day', hours: 24 },
  '3d': { label: '3 days', hours: 72 },
  '7d': { label: '1 week', hours: 168 },
  gone: { label: "Until it's gone", hours: undefined },
} as const;

export type SilenceChoice = keyof typeof SILENCE_CHOICES;

const DEFAULT_CHOICE: SilenceChoice = '1d';

/** A form for how long and why to silence a finding. Slack returns `metadata` with the submission. */
export function renderSilenceForm(
  { environment, finding }: KnownFinding,
  metadata: string,
  reasonLength: { readonly min: number; readonly max: number },
): ModalView {
  const option = (value: SilenceChoice) => ({
    text: plainTextObject(SILENCE_CHOICES[value].label, 75),
    value,
  });
  const choices = (Object.keys(SILENCE_CHOICES) as SilenceChoice[]).filter(
    (value) => value !== 'gone' || finding.severity !== 'critical',
  );
  return {
    type: 'modal',
    callback_id: SILENCE_FORM.callback,
    private_metadata: metadata,
    title: plainTextObject('Silence a finding'),
    submit: plainTextObject('Silence'),
    close: plainTextObject('Cancel'),
    blocks: [
      rich(
        line(
          ...sentence(finding.summary, { max: 300, isBold: true, names: [finding.target] }),
          plain(' in '),
          text(environment, 100),
        ),
        line(
          text('Digests leave it out. The silence ends early if the finding is gone, gets worse or spreads.'),
        ),
      ),
      {
        type: 'input',
        block_id: SILENCE_FORM.until.block,
        label: plainTextObject('For how long?'),
        element: {
          type: 'static_select',
          action_id: SILENCE_FORM.until.input,
          options: choices.map(option),
          initial_option: option(DEFAULT_CHOICE),
        },
      },
      {
        type: 'input',
        block_id: SILENCE_FORM.reason.block,
        label: plainTextObject('Why?'),
        hint: plainTextObject('Shown with the finding and in the audit log.'),
        element: {
          type: 'plain_text_input',
          action_id: SILENCE_FORM.reason.input,
          multiline: true,
          min_length: reasonLength.min,
          max_length: reasonLength.max,
        },
      },
    ],
  };
}
