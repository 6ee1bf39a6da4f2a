import { z } from 'zod';
import { cleanText } from '../../text/clean-text.ts';
import { disabledReason } from '../../store/remediation/policy.ts';
import type { RemediationRecord } from '../../store/remediation/record.ts';
import type { FormHandler, InteractionHandler } from '../access/answer-interaction.ts';
import { CHOOSE_FORM, renderChooseForm } from '../render/remediation/choose-form.ts';
import { openFixes } from '../render/remediation/offers.ts';
import { REASON_FORM } from '../render/remediation/reason-form.ts';
import { clickedMessage } from '../transport/payload.ts';
import {
  type ActionDeps,
  handleClick,
  isOnFixes,
  REQUEST_ROLES,
  type ResolvedClick,
  resolveClick,
  UNKNOWN_BUTTON,
} from './buttons.ts';
import { readFormMetadata, reasonProblem, submittedReason, writeFormMetadata } from './reason-submission.ts';

/** The action id of the button. Its value is the run. */
export const CHOOSE_ACTION_ID = /^wrench:choose$/;

const clickSchema = z.object({
  actions: z.array(
    z.object({ action_id: z.string().regex(CHOOSE_ACTION_ID), value: z.string().regex(/^[\w-]{1,100}$/) }),
  ),
  ...clickedMessage,
});

/** A click on *Choose…* opens a form with the fixes of the run, for people who may request them. */
export function makeChooseHandler(deps: ActionDeps): InteractionHandler<undefined> {
  return {
    resolve: async ({ triggerId }, body) => {
      const { data } = clickSchema.safeParse(body);
      const [action] = data?.actions ?? [];
      if (!data || !action) {
        deps.log.debug({ event: 'malformed-click' }, 'Refused a click with missing or malformed fields');
        return { refusal: UNKNOWN_BUTTON };
      }
      const { message } = data;
      const where = { channelId: data.channel.id, messageTs: message.ts };
      const runId = action.value;
      if (!(await isOnFixes(deps, where, runId)))
        return { refusal: { rule: 'button', because: 'this button belongs to another message' } };
      const fixes = openFixes(await enabledFixes(deps, runId), new Date());
      const [first] = fixes;
      if (!first)
        return {
          refusal: { rule: 'button', because: 'no fix is left to choose; run the check again' },
        };
      const metadata = writeFormMetadata({
        ...where,
        button: 'request',
        value: runId,
        threadTs: message.thread_ts ?? message.ts,
      });
      const view = renderChooseForm(fixes, {
        environment: first.environment,
        metadata,
        needsReason: deps.policy.requireReason,
      });
      return {
        // A trigger id expires after 3 s.
        form: async () => void (await deps.client.views.open({ trigger_id: triggerId, view })),
        requires: { roles: REQUEST_ROLES },
        about: { what: 'Choose a fix' },
      };
    },
    handle: async () => UNKNOWN_BUTTON,
  };
}

async function enabledFixes(
  { remediations, policy }: ActionDeps,
  runId: string,
): Promise<readonly RemediationRecord[]> {
  const offered = await remediations.listByRun(runId);
  return offered.filter((one) => disabledReason(policy, one) === undefined);
}

/** The submission does what a click on the button of the chosen fix would do, and is checked like that. */
export function makeChosenHandler(deps: ActionDeps): FormHandler<ResolvedClick> {
  return {
    validate: (body) => {
      const reason = hasReason(body) ? reasonProblem(submittedReason(body)) : undefined;
      const errors = {
        ...(submittedFix(body) === undefined && { [CHOOSE_FORM.block]: 'Choose a fix.' }),
        ...(reason !== undefined && { [REASON_FORM.block]: reason }),
      };
      return Object.keys(errors).length > 0 ? errors : undefined;
    },
    resolve: async ({ userId, triggerId }, body) => {
      const openedFor = readFormMetadata(body);
      const id = submittedFix(body);
      if (!openedFor || id === undefined) return { refusal: UNKNOWN_BUTTON };
      const reason = deps.redact(cleanText(submittedReason(body) ?? ''));
      return resolveClick(deps, {
        ...openedFor,
        value: id,
        userId,
        triggerId,
        ...(reason !== '' && { reason }),
      });
    },
    handle: ({ subject }) => handleClick(deps, subject),
  };
}

const submission = z.object({
  view: z.object({ state: z.object({ values: z.record(z.string(), z.record(z.string(), z.unknown())) }) }),
});
const choice = z.object({ selected_option: z.object({ value: z.string().regex(/^m[0-9a-f]{16}$/) }) });

/** The id of the chosen fix; undefined if there is none. */
function submittedFix(body: unknown): string | undefined {
  const input = submission.safeParse(body).data?.view.state.values[CHOOSE_FORM.block]?.[CHOOSE_FORM.input];
  return choice.safeParse(input).data?.selected_option.value;
}

/** Whether the form asks for a reason. */
function hasReason(body: unknown): boolean {
  return submission.safeParse(body).data?.view.state.values[REASON_FORM.block] !== undefined;
}
