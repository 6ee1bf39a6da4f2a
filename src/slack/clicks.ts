import type { BlockAction } from '@slack/bolt';
import type { WebClient } from '@slack/web-api';
import type { Chain } from '../memory/chain.ts';
import { approve, reject, request } from '../memory/life/until-approved.ts';
import { entryOf } from '../memory/life/step.ts';
import type { Policy, RoleOf } from '../memory/policy.ts';
import { ENDED, type Remediation } from '../memory/remediation.ts';
import type { Decide, Remediations } from '../memory/remediations.ts';
import type { Threads } from '../memory/threads.ts';
import type { Queues } from '../queue/queues.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { cardOf, OFFERS } from './cards.ts';
import type { Directory } from './directory.ts';
import { renderRefusal } from './render/refusal.ts';

export interface Clicking {
  readonly client: WebClient;
  readonly remediations: Remediations;
  readonly threads: Pick<Threads, 'read'>;
  readonly chain: Chain;
  readonly directory: Directory;
  readonly policy: Policy;
  readonly queues: Queues;
  /** True the first time it is asked about a delivery: Slack may deliver a click several times. */
  readonly isFirst: (delivery: string) => Promise<boolean>;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** One click on a button of ours. Nothing in it is believed but who clicked and where: what a button means is read from memory. */
export interface Click {
  readonly button: Button;
  readonly value: string;
  readonly userId: string;
  readonly userTeamId: string;
  readonly channelId: string;
  /** The message that the button is on. */
  readonly messageTs: string;
  readonly threadTs: string;
  /** The delivery's own name. */
  readonly triggerId: string;
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

/** What Slack sends, as far as we read it; undefined for a button that is not ours. */
export function readClick(body: BlockAction): Click | undefined {
  const [action] = body.actions;
  const button = OWN_BUTTON.exec(action?.action_id ?? '')?.[1] as Button | undefined;
  const { channel, message } = body;
  if (!action || !button || !channel || !message) return undefined;
  return {
    button,
    value: 'value' in action && typeof action.value === 'string' ? action.value : '',
    userId: body.user.id,
    userTeamId: body.user.team_id ?? body.team?.id ?? '',
    channelId: channel.id,
    messageTs: message.ts,
    threadTs: (message as { thread_ts?: string }).thread_ts ?? message.ts,
    triggerId: body.trigger_id,
  };
}

/** Answers a click: the remediation moves, or the person learns why not. Every refusal is audited. Never throws. */
export async function answerClick(clicking: Clicking, click: Click): Promise<void> {
  const { log, metrics } = clicking;
  try {
    if (!(await clicking.isFirst(click.triggerId))) return;
    const refusal = await press(clicking, click);
    metrics.clicks.inc({ button: click.button, outcome: refusal ? 'refused' : 'taken' });
    if (refusal) await refuse(clicking, click, refusal);
  } catch (error) {
    metrics.clicks.inc({ button: click.button, outcome: 'failed' });
    log.error({ err: error, button: click.button, value: click.value }, 'a click could not be answered');
    await say(
      clicking,
      click,
      'Wrench could not take this click, for Redis or Slack did not answer it. Look at the card, and click again',
    );
  }
}

interface Refusal {
  readonly because: string;
  readonly remediation?: Remediation;
}

async function press(clicking: Clicking, click: Click): Promise<Refusal | undefined> {
  const { directory, remediations } = clicking;
  const [, id, planHash = ''] = VALUE.exec(click.value) ?? [];
  if (id === undefined) return { because: 'this is no button of Wrench' };
  const remembered = await remediations.read(id);
  if (!remembered) return { because: 'this is too old, or was never offered; ask the question again' };
  const { remediation } = remembered;
  const { asked, requested, approvals } = remediation;
  if (click.channelId !== asked.channelId) return { because: 'this was not offered in this channel' };
  if (!(await isOnItsMessage(clicking, click, remediation)))
    return { because: 'the button is not on the message that Wrench made it for', remediation };
  if (click.userTeamId !== (await directory.workspace()))
    return { because: 'people of another workspace may not do this', remediation };
  await directory.lookUp([...(requested ? [requested.by] : []), ...approvals.map(({ by }) => by)]);
  const may = await directory.may(MAY_PRESS[click.button], click.userId);
  if (may !== true) return { because: may, remediation };
  if (click.button === 'look') return lookAgain(clicking, click, remediation);
  const nowMs = await remediations.clock();
  const moved = await remediations.move(id, decide(clicking, click, planHash, nowMs));
  if (moved.kind === 'refused')
    return { because: moved.because, remediation: moved.remediation ?? remediation };
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

function decide({ policy }: Clicking, { button, userId }: Click, planHash: string, nowMs: number): Decide {
  if (button === 'request') return request(userId, policy, nowMs);
  return button === 'approve' ? approve(userId, planHash, policy, nowMs) : reject(userId, planHash, nowMs);
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
  if (!ENDED.has(state)) return { because: `it is ${state}; it is looked at anyway`, remediation };
  await queues.act(`look-${id}-${triggerId.replaceAll(/[^\w-]/g, '-')}`, { kind: 'look', id, by: userId });
  return undefined;
}

async function refuse(clicking: Clicking, click: Click, { because, remediation }: Refusal): Promise<void> {
  const { chain, remediations } = clicking;
  const nowMs = await remediations.clock();
  const who = [click.userId];
  await chain.append(
    remediation
      ? entryOf(remediation, 'refused', who, nowMs, { because: `${click.button}: ${because}` })
      : {
          kind: 'refused',
          at: new Date(nowMs).toISOString(),
          who,
          what: `a click on ${click.button}`,
          because,
        },
  );
  await say(clicking, click, because, remediation?.title);
}

async function say({ client, log }: Clicking, click: Click, because: string, what?: string): Promise<void> {
  const message = renderRefusal({ because, ...(what !== undefined && { what }) });
  try {
    await client.chat.postEphemeral({
      channel: click.channelId,
      user: click.userId,
      thread_ts: click.threadTs,
      text: message.text,
      ...(message.blocks.length > 0 && { blocks: message.blocks }),
    });
  } catch (error) {
    log.warn({ err: error, because }, 'somebody could not be told why a click was refused');
  }
}
