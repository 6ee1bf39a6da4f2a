import type { ModalView, PlainTextOption } from '@slack/types';
import type { Risk } from '../../../check/define-remediation.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import type { RemediationRecord } from '../../../store/remediation/record.ts';
import { line, plain, plainTextObject, rich } from '../blocks.ts';
import { reasonInput } from './reason-form.ts';
import { remediationTarget } from './words.ts';

/** The ids under which Slack returns the choice. */
export const CHOOSE_FORM = { callback: 'wrench:choose-form', block: 'fix', input: 'choice' } as const;

/** Of a select. https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element */
const MAX_OPTIONS = 100;
const MAX_OPTION_CHARS = 75;

/** What the submission does, as a click on the fix's own button would. */
const CONSEQUENCES: Readonly<Record<Risk, string>> = {
  safe: "Applies immediately, if it's still needed.",
  disruptive: 'Requests a plan. Nothing happens until someone else approves it.',
  destructive: 'Requests a plan for an irreversible change. Nothing happens until others approve it.',
};

interface ChooseFormOptions {
  readonly environment: string;
  /** Returned by Slack with the submission. */
  readonly metadata: string;
  readonly needsReason: boolean;
}

/** A form with the fixes of a report that can be requested, to request one of them. */
export function renderChooseForm(
  fixes: readonly RemediationRecord[],
  { environment, metadata, needsReason }: ChooseFormOptions,
): ModalView {
  const risks = [...new Set(fixes.map(({ risk }) => risk))];
  const [only] = risks;
  const shown = fixes.slice(0, MAX_OPTIONS);
  const rest = fixes.length - shown.length;
  const consequences = risks.map((risk) =>
    line(plain(risks.length > 1 ? `${NAMES[risk]}: ${CONSEQUENCES[risk]}` : CONSEQUENCES[risk])),
  );
  return {
    type: 'modal',
    callback_id: CHOOSE_FORM.callback,
    private_metadata: metadata,
    title: plainTextObject('Choose a fix'),
    submit: plainTextObject(only === 'safe' && risks.length === 1 ? 'Apply' : 'Request'),
    close: plainTextObject('Cancel'),
    blocks: [
      {
        type: 'input',
        block_id: CHOOSE_FORM.block,
        label: plainTextObject(`Fixes in ${environment}`, 150),
        ...(rest > 0 && {
          hint: plainTextObject(
            `${countInWords(rest, 'more fix', 'more fixes')} not listed. Narrow the check with --match.`,
          ),
        }),
        element: {
          type: 'static_select',
          action_id: CHOOSE_FORM.input,
          placeholder: plainTextObject('Choose…'),
          options: shown.map((fix) => optionOf(fix, risks.length > 1)),
        },
      },
      ...(needsReason ? [reasonInput('Why is this needed?')] : []),
      rich(...consequences),
    ],
  };
}

const NAMES: Readonly<Record<Risk, string>> = {
  safe: 'Safe',
  disruptive: 'Disruptive',
  destructive: 'Irreversible',
};

function optionOf(fix: RemediationRecord, hasRisk: boolean): PlainTextOption {
  const where = hasRisk ? `${NAMES[fix.risk]} · ${remediationTarget(fix)}` : remediationTarget(fix);
  return {
    text: plainTextObject(fix.title, MAX_OPTION_CHARS),
    description: plainTextObject(where, MAX_OPTION_CHARS),
    value: fix.id,
  };
}
