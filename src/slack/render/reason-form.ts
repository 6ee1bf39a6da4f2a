import type { ModalView } from '@slack/types';
import { cleanText } from '../../check/clean-text.ts';
import type { Remediation } from '../../memory/remediation.ts';
import { fit } from './inert.ts';
import { bold, line, note, rich, say } from './pieces.ts';

/** Of a reason, in characters: enough to say something, and short enough to be read before approving. */
export const REASON_LENGTH = { min: 10, max: 500 } as const;

/** Names in the form, by which its submission is read. */
export const REASON_FORM = { callback: 'wrench:reason', block: 'reason', input: 'text' } as const;

const ASKS = {
  request: { submit: 'Ask for a plan', label: 'Why do you ask for it?' },
  approve: { submit: 'Approve', label: 'Why do you approve it?' },
} as const;

/** Asks for a reason before a click counts. `metadata` comes back with the submission. */
export function renderReasonForm(
  button: keyof typeof ASKS,
  { title, environment, finding, risk }: Remediation,
  metadata: string,
): ModalView {
  const { submit, label } = ASKS[button];
  return {
    type: 'modal',
    callback_id: REASON_FORM.callback,
    private_metadata: metadata,
    title: note('Give a reason'),
    submit: note(submit),
    close: note('Cancel'),
    blocks: [
      rich(
        line(bold(title, 150), say(` in ${fit(cleanText(environment), 80)} (${risk})`)),
        line(say(finding.summary, 300)),
      ),
      {
        type: 'input',
        block_id: REASON_FORM.block,
        label: note(label),
        hint: note('The plan card and the audit show it.'),
        element: {
          type: 'plain_text_input',
          action_id: REASON_FORM.input,
          multiline: true,
          min_length: REASON_LENGTH.min,
          max_length: REASON_LENGTH.max,
        },
      },
    ],
  };
}
