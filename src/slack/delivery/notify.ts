import { type Policy, reminderLeadMs } from '../../store/remediation/policy.ts';
import {
  FINAL_STATES,
  type RemediationRecord,
  type RemediationState,
} from '../../store/remediation/record.ts';
import type { RemediationStore } from '../../store/remediation/remediation-store.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import type { Message } from '../render/message.ts';
import {
  involved,
  renderApprovalRequest,
  renderApproved,
  renderDirectNotice,
  renderDirectRequest,
  renderOutcome,
  renderReminder,
} from '../render/remediation/notices.ts';
import { neededApprovals } from '../render/remediation/words.ts';
import { withoutMentions } from '../render/without-mentions.ts';
import { permalinkOf } from './joined-notice.ts';
import { type IsWanted, type PostDeps, postIfWanted, type PostTarget } from './post.ts';
import { nameMentioned } from './post-without-notifying.ts';
import { SlackApiError } from './slack-call.ts';

/**
 * Notifies the people of a remediation, each of them once for each event: `remediations.notify` says how. A notice is a part of the thread, posted like
 * any other part, so a retry, a restart or another process doesn't repeat it. Whether it is still due is decided from the record at its turn.
 */
export interface NotifyDeps extends PostDeps {
  readonly remediations: RemediationStore;
  readonly policy: Policy;
  /** The members of a user group; undefined if Slack doesn't say. */
  readonly membersOf: (groupId: string) => Promise<readonly string[] | undefined>;
  /** Milliseconds since the epoch, by the clock of Redis. */
  readonly clock: () => Promise<number>;
}

type InThread = PostTarget & { readonly threadTs: string };

export const cardPart = (id: string): string => `card-${id}`;
/** Name of the saved text with the state that the first text of a card is about. */
export const firstTextName = (id: string): string => `card-said-${id}`;

/** Of each event, with direct messages. */
const MAX_DIRECT_MESSAGES = 20;
/** Attempts at a reminder that Slack refuses. */
const MAX_REMINDER_ATTEMPTS = 3;

/** The first text of a card. It notifies whoever must hear of what the card shows: the approvers of a plan, or the requester if there is no plan. */
export function firstTextOfCard({ policy }: NotifyDeps, remediation: RemediationRecord): string | undefined {
  const { state, shownAt } = remediation;
  const isMentioned = policy.notify === 'mention';
  if (isEndWithoutPlan(remediation)) return unnamed(renderOutcome(remediation, { isMentioned }), isMentioned);
  if (state !== 'planned' || neededApprovals(remediation) === 0) return undefined;
  // If the plan was posted before, someone deleted its card. Its approvers have been asked.
  const asked = isMentioned && shownAt === undefined ? approversOf(policy, remediation) : [];
  return renderApprovalRequest(remediation, asked).text;
}

/** Posts what people must hear of the state that the card shows. A later state has its own job. */
export async function notify(deps: NotifyDeps, target: InThread, shown: RemediationRecord): Promise<void> {
  const { state, risk, approvals } = shown;
  const isEnd = FINAL_STATES.has(state);
  if (state === 'planned' && neededApprovals(shown) > 0) await askDirectly(deps, target, shown);
  // The click that requested a safe fix has approved it.
  if (risk !== 'safe' && approvals.length > 0 && (isEnd || IN_PROGRESS.has(state)))
    await postApproval(deps, target, shown);
  if (isEnd) await postEnd(deps, target, shown);
}

/** Posts that a plan was approved, unless it has ended: then a place that this notice took in its lane is given up, so the outcome needn't wait for it. */
async function postApproval(deps: NotifyDeps, target: InThread, shown: RemediationRecord): Promise<void> {
  const { id } = shown;
  const isMentioned = deps.policy.notify === 'mention';
  await postNotice(deps, target, shown, {
    part: `approved-${id}`,
    message: renderApproved(shown, { isMentioned }),
    to: requesterOf(shown),
    isWanted: async () => IN_PROGRESS.has((await deps.remediations.read(id))?.record.state ?? ''),
  });
}

const IN_PROGRESS: ReadonlySet<string> = new Set(['approved', 'applying', 'settling']);

async function postEnd(deps: NotifyDeps, target: InThread, shown: RemediationRecord): Promise<void> {
  const { id, runId, state } = shown;
  const isMentioned = deps.policy.notify === 'mention';
  const { savedText } = await deps.threads.read(runId);
  await postNotice(deps, target, shown, {
    part: `outcome-${id}-${state}`,
    message: renderOutcome(shown, { isMentioned }),
    to: involved(shown),
    isWanted: async () => (await deps.remediations.read(id))?.record.state === state,
    isOnCard: isEndWithoutPlan(shown) && savedText(firstTextName(id)) === state,
  });
}

/** Its card is posted only now, and notifies its requester. Only an older version has posted it earlier. */
function isEndWithoutPlan({ state, plan, risk }: RemediationRecord): boolean {
  return ENDS_OF_PLANNING.has(state) && plan === undefined && risk !== 'safe';
}

const ENDS_OF_PLANNING: ReadonlySet<RemediationState> = new Set(['expired', 'skipped', 'refused']);

interface Notice {
  readonly part: string;
  readonly message: Message;
  /** Who gets it, if it is sent directly. */
  readonly to: readonly string[];
  readonly isWanted: IsWanted;
  /** The first text of the card has already said it. */
  readonly isOnCard?: boolean;
}

/** Posts a notice in the thread and, if the policy says so, directly. If no one is to be mentioned, people are named by an edit. */
async function postNotice(
  deps: NotifyDeps,
  target: InThread,
  remediation: RemediationRecord,
  { part, message, to, isWanted, isOnCard = false }: Notice,
): Promise<void> {
  const isMentioned = deps.policy.notify === 'mention';
  if (!isOnCard) {
    const posted = isMentioned ? message : withoutMentions(message);
    const ts = await postIfWanted(deps, part, target, posted, isWanted);
    if (ts === undefined) return;
    if (posted !== message) await nameMentioned(deps, target, ts, () => message);
  }
  if (deps.policy.notify === 'direct')
    await sendDirectly(deps, target, remediation, { part, message, to, isWanted });
}

/** Sends a notice to each person as a direct message. One that Slack refuses, such as to a deactivated account, is logged. */
async function sendDirectly(
  deps: NotifyDeps,
  { runId, job, channelId, threadTs }: InThread,
  { id, asked }: RemediationRecord,
  { part, message, to, isWanted }: Notice,
): Promise<void> {
  const { threads, log } = deps;
  const { locationOf } = await threads.read(runId);
  const card = locationOf(cardPart(id));
  const permalink = card && permalinkOf(asked, card);
  const link = permalink && `${permalink}?thread_ts=${threadTs}&cid=${channelId}`;
  const direct = renderDirectNotice(message, { channelId, link });
  for (const person of to.slice(0, MAX_DIRECT_MESSAGES)) {
    const toPerson = { runId, job, channelId: person };
    await postIfWanted(deps, `direct-${part}-${person}`, toPerson, direct, isWanted).catch(
      (error: unknown) => {
        if (!(error instanceof SlackApiError)) throw error;
        log.warn(
          { event: 'person-not-notified', err: error, remediation: id, person },
          "Couldn't send a direct message about a fix",
        );
      },
    );
  }
}

/** Asks each approver in a direct message. A group whose members are unknown is mentioned in the thread instead. */
async function askDirectly(deps: NotifyDeps, target: InThread, shown: RemediationRecord): Promise<void> {
  if (deps.policy.notify !== 'direct') return;
  const { id } = shown;
  const { people, unknown } = await peopleIn(deps, shown, deps.policy.roles.approver);
  const isWanted = isWaiting(deps, id);
  const part = `asked-${id}`;
  if (unknown.length > 0)
    await postIfWanted(deps, part, target, renderApprovalRequest(shown, unknown), isWanted);
  const message = renderDirectRequest(shown);
  await sendDirectly(deps, target, shown, { part, message, to: people, isWanted });
}

/** Reminds the approvers of a plan that will expire soon, once. */
export async function showReminder(
  deps: NotifyDeps,
  { id, runId }: Extract<OutboxJob, { kind: 'reminder' }>,
  target: PostTarget,
): Promise<void> {
  const { remediations, threads, policy, clock, log } = deps;
  const stored = await remediations.read(id);
  const { root } = await threads.read(runId);
  if (!stored || !root || reminderLeadMs(policy) === 0) return;
  const { record } = stored;
  const inThread = { ...target, threadTs: target.threadTs ?? root.ts };
  const ids = [...new Set([...policy.roles.approver, ...policy.remind.alsoNotify])];
  const isDirect = policy.notify === 'direct';
  const { people, unknown } = isDirect
    ? await peopleIn(deps, record, ids)
    : { people: [], unknown: withoutVoters(record, ids) };
  const nowMs = await clock();
  const part = `reminder-${id}`;
  const isWanted = isWaiting(deps, id);
  try {
    await postIfWanted(deps, part, inThread, renderReminder(record, { asked: unknown, nowMs }), isWanted);
    const message = renderReminder(record, { asked: [], nowMs });
    await sendDirectly(deps, inThread, record, { part, message, to: people, isWanted });
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    if (target.job.attempt < MAX_REMINDER_ATTEMPTS) throw error;
    log.warn(
      { event: 'approvers-not-reminded', err: error, remediation: id },
      "Couldn't remind the approvers of a plan",
    );
  }
}

/** Whether a plan still waits for approval, decided at the turn of the notice. */
function isWaiting({ remediations, clock }: NotifyDeps, id: string): IsWanted {
  return async () => {
    const record = (await remediations.read(id))?.record;
    return record?.state === 'planned' && Date.parse(record.until ?? '') > (await clock());
  };
}

/** The approvers in the configuration who may still approve it: not its requester, and no one who has voted. */
function approversOf({ roles }: Policy, remediation: RemediationRecord): readonly string[] {
  return withoutVoters(remediation, roles.approver);
}

function withoutVoters(remediation: RemediationRecord, ids: readonly string[]): readonly string[] {
  const voters = involved(remediation);
  return ids.filter((id) => !voters.includes(id));
}

/** Everyone among these people and in these user groups who hasn't voted, and the groups whose members are unknown. */
async function peopleIn(
  { membersOf }: NotifyDeps,
  remediation: RemediationRecord,
  ids: readonly string[],
): Promise<{ readonly people: readonly string[]; readonly unknown: readonly string[] }> {
  const groups = await Promise.all(
    ids.filter((id) => id.startsWith('S')).map(async (id) => ({ id, members: await membersOf(id) })),
  );
  const all = [...ids.filter((id) => !id.startsWith('S')), ...groups.flatMap(({ members = [] }) => members)];
  return {
    people: withoutVoters(remediation, [...new Set(all)]),
    unknown: groups.flatMap(({ id, members }) => (members ? [] : [id])),
  };
}

function requesterOf({ requested }: RemediationRecord): readonly string[] {
  return requested ? [requested.by] : [];
}

/** Without mentions, unless they are wanted. */
function unnamed(message: Message, isMentioned: boolean): string {
  return (isMentioned ? message : withoutMentions(message)).text;
}
