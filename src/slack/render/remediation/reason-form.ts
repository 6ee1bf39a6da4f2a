import type { ModalView } from '@slack/types';
import { cleanText } from '../../../text/clean-text.ts';
import type { RemediationRecord } from '../../../store/remediation/record.ts';
import { truncate } from '../escape-untrusted.ts';
import { bold, line, plainTextObject, rich, text } from '../blocks.ts';
import { sentence } from '../sentence.ts';
import { riskParts } from './plan.ts';
import { RISK_LABELS } from './words.ts';

/** The length of a reason in characters: long enough to mean something, short enough to read before approving. */
export const REASON_LENGTH = { min: 10, max: 500 } as const;

/** The ids under which Slack returns the inputs of the form. */
export const REASON_FORM = { callback: 'wrench:reason', block: 'reason', input: 'text' } as const;

const QUESTIONS = {
  request: { submit: 'Request plan', label: 'Why is this needed?' },
  approve: { submit: 'Approve', label: 'Why are you approving this?' },
} as const;

/** A form for the reason of a request or an approval. Slack returns `metadata` with the submission. */
export function renderReasonForm(
  button: keyof typeof QUESTIONS,
  remediation: RemediationRecord,
  metadata: string,
): ModalView {
  const { submit, label } = QUESTIONS[button];
  const { title, environment, finding, plan, risk } = remediation;
  return {
    type: 'modal',
    callback_id: REASON_FORM.callback,
    private_metadata: metadata,
    title: plainTextObject('Give a reason'),
    submit: plainTextObject(submit),
    close: plainTextObject('Cancel'),
    blocks: [
      rich(
        line(bold(title, 150), text(` in ${truncate(cleanText(environment), 80)}`)),
        ...(plan ? riskParts(remediation) : [line(bold(RISK_LABELS[risk]))]),
        line(...sentence(finding.summary, { max: 300, names: [finding.target] })),
      ),
      reasonInput(label),
    ],
  };
}

/** The input of a form that asks for a reason. */
export function reasonInput(label: string): ModalView['blocks'][number] {
  return {
    type: 'input',
    block_id: REASON_FORM.block,
    label: plainTextObject(label),
    hint: plainTextObject('Shown on the card and in the audit log.'),
    element: {
      type: 'plain_text_input',
      action_id: REASON_FORM.input,
      multiline: true,
      min_length: REASON_LENGTH.min,
      max_length: REASON_LENGTH.max,
    },
  };
}
