import type { WebClient } from '@slack/web-api';
import { z } from 'zod';
import { cleanText } from '../../text/clean-text.ts';
import type { Redact } from '../../text/redact.ts';
import { approve, reject, request } from '../../store/remediation/transitions/approval.ts';
import type { Policy, RoleOf } from '../../store/remediation/policy.ts';
import { ENDED, type Remediation } from '../../store/remediation/record.ts';
import type { Decide, Remediations } from '../../store/remediation/remediations.ts';
import type { Threads } from '../../store/thread/threads.ts';
import type { Queues } from '../../queue/queues.ts';
import type { Log } from '../../telemetry/log.ts';
import type { FormHandler, InteractionHandler } from '../access/answer-interaction.ts';
import type { Resolved } from '../access/pipeline.ts';
import type { Refusal } from '../access/refusal.ts';
import { cardOf, OFFERS } from '../delivery/cards.ts';
import type { Directory } from '../access/directory.ts';
import { openedForIn, type OpenedFor, reasonIn, writeOpenedFor, wrongWithReason } from './reason.ts';
import { REASON_FORM, renderReasonForm } from '../render/remediation/reason-form.ts';
import { slackId } from '../transport/payload.ts';

export interface Clicking {
  readonly client: WebClient;
  readonly remediations: Remediations;
  readonly threads: Pick<Threads, 'read'>;
  readonly directory: Pick<Directory, 'lookUp'>;
  readonly policy: Policy;
  readonly queues: Queues;
  /** Reasons are redacted: people may paste secrets into them. */
  readonly redact: Redact;
  readonly log: Log;
}

/** One click on a button of ours. Nothing in it is believed but who clicked and where: what a button means is read from memory. */
export interface Click {
  readonly button: Button;
  readonly value: string;
  readonly userId: string;
  readonly channelId: string;
  /** The message that the button is on. */
  readonly messageTs: string;
  readonly threadTs: string;
  /** The delivery's own name. */
  readonly triggerId: string;
  /** Given in the form that the click opened. */
  readonly reason?: string;
}

const BUTTONS = ['request', 'approve', 'reject', 'look'] as const;
type Button = (typeof BUTTONS)[number];

/** Action ids begin with it. */
export const OWN_BUTTON = /^wrench:(request|approve|reject|look)$/;

/** Who may press which button. Reject works for everybody who has any say. */
const MAY_PRESS: Readonly<Record<Button, readonly RoleOf[]>> = {
  request: ['requester'],
  approve: ['approver'],
  reject: ['approver', 'requester'],
  look: ['requester', 'approver'],
};

const VALUE = /^(m[0-9a-f]{16})(?: ([0-9a-f]{64}))?$/;

const slackTs = z.string().regex(/^\d{1,20}\.\d{1,20}$/);
const clickSchema = z.object({
  actions: z.array(
    z.object({ action_id: z.string().regex(OWN_BUTTON), value: z.string().max(2_000).default('') }),
  ),
  channel: z.object({ id: slackId }),
  message: z.object({ ts: slackTs, thread_ts: slackTs.nullish() }),
});

/** The fields of a click that we read; undefined if the button is not ours, or a field is missing or malformed. */
function readClick(body: unknown, sent: Pick<Click, 'userId' | 'triggerId'>): Click | undefined {
  const { data } = clickSchema.safeParse(body);
  const [action] = data?.actions ?? [];
  if (!data || !action) return undefined;
  const { channel, message } = data;
  return {
    ...sent,
    button: OWN_BUTTON.exec(action.action_id)?.[1] as Button,
    value: action.value,
    channelId: channel.id,
    messageTs: message.ts,
    threadTs: message.thread_ts ?? message.ts,
  };
}

/** A click on an existing remediation, in its channel and on its message. */
interface Pressed {
  readonly click: Click;
  readonly planHash: string;
  readonly remediation: Remediation;
}

/** Buttons: what a click is about, and what it does once it is admitted. */
export function makeButtonHandler(clicking: Clicking): InteractionHandler<Pressed> {
  return {
    resolve: async ({ userId, triggerId }, body) => {
      const click = readClick(body, { userId, triggerId });
      if (click) return resolve(clicking, click);
      clicking.log.debug('Refused a click with missing or malformed fields');
      return { refusal: NOT_OURS };
    },
    handle: ({ subject }) => press(clicking, subject),
  };
}

/** The form that asks for a reason. Its submission is checked like the click, and then does what the click would have done. */
export function makeReasonHandler(clicking: Clicking): FormHandler<Pressed> {
  return {
    wrongWith: (body) => {
      const wrong = wrongWithReason(reasonIn(body));
      return wrong === undefined ? undefined : { [REASON_FORM.block]: wrong };
    },
    resolve: async ({ userId, triggerId }, body) => {
      const openedFor = openedForIn(body);
      const reason = clicking.redact(cleanText(reasonIn(body) ?? ''));
      return openedFor
        ? resolve(clicking, { ...openedFor, userId, triggerId, reason })
        : { refusal: NOT_OURS };
    },
    handle: ({ subject }) => press(clicking, subject),
  };
}

const NOT_OURS: Refusal = { rule: 'button', because: 'this is not a button of Wrench' };

async function resolve(clicking: Clicking, click: Click): Promise<Resolved<Pressed>> {
  const { remediations, policy } = clicking;
  const no = (because: string, remediation?: Remediation): Resolved<Pressed> => ({
    refusal: { rule: 'button', because, ...(remediation && { remediation }) },
  });
  const [, id, planHash = ''] = VALUE.exec(click.value) ?? [];
  if (id === undefined) return { refusal: NOT_OURS };
  const remembered = await remediations.read(id);
  if (!remembered) return no('this is too old, or was never offered; ask the question again');
  const { remediation } = remembered;
  if (click.channelId !== remediation.asked.channelId) return no('this was not offered in this channel');
  if (!(await isOnItsMessage(clicking, click, remediation)))
    return no('the button is not on the message that Wrench made it for', remediation);
  const pressed = { click, planHash, remediation };
  if (policy.requireReason && isGivenReasons(click.button) && click.reason === undefined) {
    // If it would be refused with any reason, no form is opened.
    const decided = decide(clicking, { ...click, reason: '' }, planHash, Date.now())(remediation);
    return typeof decided === 'string'
      ? no(decided, remediation)
      : { form: () => openForm(clicking, pressed) };
  }
  return { subject: pressed, requires: { roles: MAY_PRESS[click.button] }, about: { remediation } };
}

function isGivenReasons(button: Button): button is OpenedFor['button'] {
  return button === 'request' || button === 'approve';
}

/** A trigger expires after 3 s, so only Redis is asked before. */
async function openForm({ client }: Clicking, { click, remediation }: Pressed): Promise<void> {
  const { button } = click;
  if (!isGivenReasons(button)) throw new Error(`${button} asks for no reason`);
  const view = renderReasonForm(button, remediation, writeOpenedFor({ ...click, button }));
  await client.views.open({ trigger_id: click.triggerId, view });
}

async function press(
  clicking: Clicking,
  { click, planHash, remediation }: Pressed,
): Promise<Refusal | undefined> {
  const { directory, remediations } = clicking;
  const { id, requested, approvals } = remediation;
  await directory.lookUp([...(requested ? [requested.by] : []), ...approvals.map(({ by }) => by)]);
  if (click.button === 'look') return lookAgain(clicking, click, remediation);
  const nowMs = await remediations.clock();
  const moved = await remediations.move(id, decide(clicking, click, planHash, nowMs));
  if (moved.kind === 'refused')
    return { rule: 'state', because: moved.because, remediation: moved.remediation ?? remediation };
  await goOn(clicking, moved.remediation);
  return undefined;
}

/** What somebody approves is what they read: a value is good on the one message that shows it, and on no other card. */
async function isOnItsMessage(
  { threads }: Clicking,
  { button, messageTs, channelId }: Click,
  { id, runId }: Remediation,
): Promise<boolean> {
  const where = (await threads.read(runId)).where(button === 'request' ? OFFERS : cardOf(id));
  return where?.ts === messageTs && where.channelId === channelId;
}

function decide(
  { policy }: Clicking,
  { button, userId, reason }: Click,
  planHash: string,
  nowMs: number,
): Decide {
  if (button === 'request') return request(userId, policy, nowMs, reason);
  return button === 'approve'
    ? approve(userId, planHash, policy, nowMs, reason)
    : reject(userId, planHash, nowMs);
}

/** What is lost between here and a queue is found by the worker's sweep. */
async function goOn({ queues, log, remediations }: Clicking, remediation: Remediation): Promise<void> {
  const { id, state, runId, check, environment, asked } = remediation;
  try {
    if (state === 'planning') await queues.act(`plan-${id}`, { kind: 'plan', id });
    if (state === 'approved') await queues.act(`apply-${id}`, { kind: 'apply', id });
    const revision = (await remediations.read(id))?.revision ?? 1;
    await queues.tell(`card-${id}-${revision}`, {
      kind: 'card',
      runId,
      check,
      environment,
      asked,
      id,
      revision,
    });
  } catch (error) {
    log.warn(
      { err: error, remediation: id },
      'a click was taken; what follows from it is done a little later',
    );
  }
}

async function lookAgain(
  { queues }: Clicking,
  { userId, triggerId }: Click,
  remediation: Remediation,
): Promise<Refusal | undefined> {
  const { id, state } = remediation;
  if (!ENDED.has(state))
    return { rule: 'state', because: `it is ${state}; it is looked at anyway`, remediation };
  await queues.act(`look-${id}-${triggerId.replaceAll(/[^\w-]/g, '-')}`, { kind: 'look', id, by: userId });
  return undefined;
}
