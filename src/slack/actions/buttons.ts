import type { WebClient } from '@slack/web-api';
import { z } from 'zod';
import { cleanText } from '../../text/clean-text.ts';
import type { Redact } from '../../text/redact.ts';
import { approve, reject, requestPlan } from '../../store/remediation/transitions/approval.ts';
import { requestPause } from '../../store/remediation/transitions/execution.ts';
import type { Policy, AccessRole } from '../../store/remediation/policy.ts';
import type { Announce } from '../../store/remediation/announce.ts';
import { FINAL_STATES, type RemediationRecord } from '../../store/remediation/record.ts';
import type { RemediationStore } from '../../store/remediation/remediation-store.ts';
import {
  denialOf,
  isRefused,
  type RefusedBecause,
  stateInWords,
  type Transition,
} from '../../store/remediation/transitions/common.ts';
import type { MessageLocation, Threads } from '../../store/thread/threads.ts';
import type { Queues } from '../../queue/queues.ts';
import type { Log } from '../../telemetry/log.ts';
import type { FormHandler, InteractionHandler } from '../access/answer-interaction.ts';
import type { Resolved } from '../access/pipeline.ts';
import type { Refusal } from '../access/refusal.ts';
import { OFFERS_PART } from '../delivery/cards.ts';
import { cardPart } from '../delivery/notify.ts';
import type { UserDirectory } from '../access/user-directory.ts';
import {
  readFormMetadata,
  type FormMetadata,
  submittedReason,
  writeFormMetadata,
  reasonProblem,
} from './reason-submission.ts';
import { REASON_FORM, renderReasonForm } from '../render/remediation/reason-form.ts';
import { clickedMessage } from '../transport/payload.ts';

export interface ActionDeps {
  readonly client: WebClient;
  readonly remediations: RemediationStore;
  readonly threads: Pick<Threads, 'read'>;
  readonly directory: Pick<UserDirectory, 'lookUp'>;
  readonly policy: Policy;
  readonly announce: Announce;
  readonly queues: Pick<Queues, 'enqueueRemediation'>;
  /** Reasons are redacted: people may paste secrets into them. */
  readonly redact: Redact;
  readonly log: Log;
}

/** One click on a button of Wrench. Only the sender and the place are taken from it; what the button means is read from Redis. */
export interface Click {
  readonly button: Button;
  readonly value: string;
  readonly userId: string;
  readonly channelId: string;
  /** The message that the button is on. */
  readonly messageTs: string;
  readonly threadTs: string;
  /** Identifies the delivery. */
  readonly triggerId: string;
  /** From the form that the click opened. */
  readonly reason?: string;
}

const BUTTONS = ['request', 'approve', 'reject', 'pause', 'look'] as const;
type Button = (typeof BUTTONS)[number];

/** The action ids of our buttons. `look` dates from 0.2 and is in old messages. */
export const BUTTON_ACTION_ID = /^wrench:(request|approve|reject|pause|look)$/;

/** The roles that may request a fix. */
export const REQUEST_ROLES: readonly AccessRole[] = ['requester'];

/** The roles that may click each button. Both may reject and pause. */
const ALLOWED_ROLES: Readonly<Record<Button, readonly AccessRole[]>> = {
  request: REQUEST_ROLES,
  approve: ['approver'],
  reject: ['approver', 'requester'],
  pause: ['approver', 'requester'],
  look: ['requester', 'approver'],
};

const BUTTON_VALUE = /^(m[0-9a-f]{16})(?: ([0-9a-f]{64}))?$/;

const clickSchema = z.object({
  actions: z.array(
    z.object({ action_id: z.string().regex(BUTTON_ACTION_ID), value: z.string().max(2_000).default('') }),
  ),
  ...clickedMessage,
});

/** The fields of a click that we read; undefined if the button is not ours, or a field is missing or malformed. */
function readClick(body: unknown, sent: Pick<Click, 'userId' | 'triggerId'>): Click | undefined {
  const { data } = clickSchema.safeParse(body);
  const [action] = data?.actions ?? [];
  if (!data || !action) return undefined;
  const { channel, message } = data;
  return {
    ...sent,
    button: BUTTON_ACTION_ID.exec(action.action_id)?.[1] as Button,
    value: action.value,
    channelId: channel.id,
    messageTs: message.ts,
    threadTs: message.thread_ts ?? message.ts,
  };
}

/** A click on an existing remediation, in its channel and on its message. */
export interface ResolvedClick {
  readonly click: Click;
  readonly planHash: string;
  readonly remediation: RemediationRecord;
}

/** Buttons: what a click is about, and what it does once it is admitted. */
export function makeButtonHandler(deps: ActionDeps): InteractionHandler<ResolvedClick> {
  return {
    resolve: async ({ userId, triggerId }, body) => {
      const click = readClick(body, { userId, triggerId });
      if (click) return resolveClick(deps, click);
      deps.log.debug({ event: 'malformed-click' }, 'Refused a click with missing or malformed fields');
      return { refusal: UNKNOWN_BUTTON };
    },
    handle: ({ subject }) => handleClick(deps, subject),
  };
}

/** The form that asks for a reason. Its submission is checked like the click, and then does what the click would have done. */
export function makeReasonHandler(deps: ActionDeps): FormHandler<ResolvedClick> {
  return {
    validate: (body) => {
      const wrong = reasonProblem(submittedReason(body));
      return wrong === undefined ? undefined : { [REASON_FORM.block]: wrong };
    },
    resolve: async ({ userId, triggerId }, body) => {
      const openedFor = readFormMetadata(body);
      const reason = deps.redact(cleanText(submittedReason(body) ?? ''));
      return openedFor
        ? resolveClick(deps, { ...openedFor, userId, triggerId, reason })
        : { refusal: UNKNOWN_BUTTON };
    },
    handle: ({ subject }) => handleClick(deps, subject),
  };
}

export const UNKNOWN_BUTTON: Refusal = { rule: 'button', because: "this isn't a button of Wrench" };

/** What a click is about; the submission of a form is checked as the click that opened it. */
export async function resolveClick(deps: ActionDeps, click: Click): Promise<Resolved<ResolvedClick>> {
  const { remediations, policy } = deps;
  const refuse = (refused: RefusedBecause, remediation?: RemediationRecord): Resolved<ResolvedClick> => ({
    refusal: { rule: 'button', ...denialOf(refused), ...(remediation && { remediation }) },
  });
  const [, id, planHash = ''] = BUTTON_VALUE.exec(click.value) ?? [];
  if (id === undefined) return { refusal: UNKNOWN_BUTTON };
  const stored = await remediations.read(id);
  if (!stored) return refuse('this fix is too old or was never offered; run the check again');
  const remediation = stored.record;
  if (click.channelId !== remediation.asked.channelId)
    return refuse("this fix wasn't offered in this channel");
  if (!(await isOnOwnMessage(deps, click, remediation)))
    return refuse('this button belongs to another message', remediation);
  const resolved = { click, planHash, remediation };
  if (policy.requireReason && takesReason(click.button) && click.reason === undefined) {
    // No form is opened for a click that would be refused with any reason.
    const decided = transitionFor(deps, { ...click, reason: '' }, planHash)(remediation, Date.now());
    return isRefused(decided) ? refuse(decided, remediation) : { form: () => openForm(deps, resolved) };
  }
  return { subject: resolved, requires: { roles: ALLOWED_ROLES[click.button] }, about: { remediation } };
}

function takesReason(button: Button): button is FormMetadata['button'] {
  return button === 'request' || button === 'approve';
}

/** A trigger id expires after 3 s, so nothing slower than Redis is called before this. */
async function openForm({ client }: ActionDeps, { click, remediation }: ResolvedClick): Promise<void> {
  const { button } = click;
  if (!takesReason(button)) throw new Error(`${button} takes no reason`);
  const view = renderReasonForm(button, remediation, writeFormMetadata({ ...click, button }));
  await client.views.open({ trigger_id: click.triggerId, view });
}

/** Carries out an admitted click. */
export async function handleClick(
  deps: ActionDeps,
  { click, planHash, remediation }: ResolvedClick,
): Promise<Refusal | undefined> {
  const { directory, remediations, announce } = deps;
  const { id, requested, approvals } = remediation;
  await directory.lookUp([...(requested ? [requested.by] : []), ...approvals.map(({ by }) => by)]);
  if (click.button === 'look') return recheck(deps, click, remediation);
  const result = await remediations.transition(id, transitionFor(deps, click, planHash));
  if (result.kind === 'refused') {
    const { because, toPerson, current } = result;
    return {
      rule: 'state',
      because,
      ...(toPerson !== undefined && { toPerson }),
      remediation: current?.record ?? remediation,
    };
  }
  await announce(result.record, result.revision);
  return undefined;
}

/** People approve what they read, so the value of a button is accepted only from the message that shows it. */
async function isOnOwnMessage(
  deps: ActionDeps,
  click: Click,
  { id, runId }: RemediationRecord,
): Promise<boolean> {
  if (click.button === 'request') return isOnFixes(deps, click, runId);
  return isAt(click, (await deps.threads.read(runId)).locationOf(cardPart(id)));
}

type ClickedMessage = Pick<Click, 'channelId' | 'messageTs'>;

/** Whether a message shows the fixes of a run. They are in the root if the report has one finding. */
export async function isOnFixes(
  { threads }: Pick<ActionDeps, 'threads'>,
  clicked: ClickedMessage,
  runId: string,
): Promise<boolean> {
  const { root, locationOf } = await threads.read(runId);
  return isAt(clicked, locationOf(OFFERS_PART)) || isAt(clicked, root);
}

function isAt({ channelId, messageTs }: ClickedMessage, where: MessageLocation | undefined): boolean {
  return where?.ts === messageTs && where.channelId === channelId;
}

function transitionFor(
  { policy }: ActionDeps,
  { button, userId, reason }: Click,
  planHash: string,
): Transition {
  if (button === 'request') return requestPlan(userId, policy, reason);
  if (button === 'pause') return requestPause(userId);
  return button === 'approve' ? approve(userId, planHash, policy, reason) : reject(userId, planHash);
}

async function recheck(
  { queues }: ActionDeps,
  { userId, triggerId }: Click,
  remediation: RemediationRecord,
): Promise<Refusal | undefined> {
  const { id, state } = remediation;
  if (!FINAL_STATES.has(state))
    return {
      rule: 'state',
      because: `${stateInWords(state)}; check again when it has finished`,
      remediation,
    };
  await queues.enqueueRemediation(`look-${id}-${triggerId.replaceAll(/[^\w-]/g, '-')}`, {
    kind: 'look',
    id,
    by: userId,
  });
  return undefined;
}
