import type { PostedThread } from '../../store/thread/threads.ts';
import { disabledReason } from '../../store/remediation/policy.ts';
import { FINAL_STATES, type RemediationRecord } from '../../store/remediation/record.ts';
import { remainingFindings } from '../../store/remediation/remaining.ts';
import { markPlanShown, withdrawPlan } from '../../store/remediation/transitions/approval.ts';
import type { StoredRemediation } from '../../store/remediation/remediation-store.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import { RetryLater } from '../../queue/workers.ts';
import { cardPart, firstTextName, firstTextOfCard, notify, type NotifyDeps } from './notify.ts';
import { attachOnce, edit, type PostTarget, postOnce } from './post.ts';
import { putPart } from './put-part.ts';
import { withFixes } from '../render/remediation/fixes.ts';
import type { RootContent } from '../render/report/root-findings.ts';
import type { Message } from '../render/message.ts';
import { renderOffers, type DisabledOffer } from '../render/remediation/offers.ts';
import { planFile } from '../render/remediation/plan.ts';
import { cardPlaceholder, renderCard } from '../render/remediation/card.ts';
import { renderCardNotPosted } from '../render/remediation/card-not-posted.ts';
import { neededApprovals } from '../render/remediation/words.ts';
import { SlackApiError } from './slack-call.ts';

/** Dependencies of showing remediations. */
export interface CardDeps extends NotifyDeps {
  /** Whether an answer of the run is queued or being posted. */
  readonly isAnswerQueued: (runId: string) => Promise<boolean>;
}

/** Part name of the message with the offers of a run. */
export const OFFERS_PART = 'offers';
/** A card waits for its thread. */
const RETRY_WITHOUT_THREAD_MS = 500;

/**
 * Shows the end of a report's thread: fixes with a button each, and fixes that the configuration disables. Edits the message if it is already posted.
 */
export async function showOffers(deps: CardDeps, target: PostTarget): Promise<void> {
  const { remediations } = deps;
  const { runId } = target;
  if ((await remediations.listByRun(runId)).length === 0) return;
  await putPart(deps, OFFERS_PART, target, {
    placeholder: 'What can be done about it:',
    render: async () => currentOffers(deps, await remediations.listByRun(runId)),
  });
}

function currentOffers({ policy }: CardDeps, offered: readonly RemediationRecord[]): Message {
  const disabled = offered.flatMap((one): DisabledOffer[] => {
    const because = one.state === 'offered' ? disabledReason(policy, one) : undefined;
    return because === undefined ? [] : [{ title: one.title, because }];
  });
  const open = offered.filter((one) => one.state !== 'offered' || !disabledReason(policy, one));
  return renderOffers(open, { disabled });
}

/**
 * The root of a report with the outcome of its fixes. The report's own message is kept, because every edit starts from it. It is final if
 * the report offers nothing. `content` is absent for a digest, and for a report of an older version.
 */
export async function currentRoot(
  deps: CardDeps,
  runId: string,
  root: Message,
  content?: RootContent,
): Promise<{ readonly message: Message; readonly isFinal: boolean }> {
  const { remediations, policy } = deps;
  const offered = await remediations.listByRun(runId);
  const open = offered.filter((one) => one.state === 'offered' && disabledReason(policy, one) === undefined);
  const report = content && { content, ...remainingFindings(content.findings ?? [], offered) };
  // Without its findings, it can't be known what remains of a report.
  const known = report && !content.findings ? { ...report, isAllFixed: false } : report;
  return { message: withFixes(root, offered, open.length, known), isFinal: offered.length === 0 };
}

/** Names of the saved texts with the report's own root message, and with what it says, as JSON. */
export const SAVED_ROOT = 'root';
export const SAVED_CONTENT = 'root-content';

/** Shows the outcome in the channel too. A root that was deleted is ignored. */
async function updateRoot(deps: CardDeps, thread: PostedThread, target: PostTarget): Promise<void> {
  const saved = thread.savedText(SAVED_ROOT);
  const { root } = thread;
  if (saved === undefined || !root) return;
  const { runId } = target;
  const content = thread.savedText(SAVED_CONTENT);
  const said = content === undefined ? undefined : (JSON.parse(content) as RootContent);
  const render = async () => (await currentRoot(deps, runId, JSON.parse(saved) as Message, said)).message;
  await edit(deps, target, root, render).catch((error: unknown) => {
    if (!(error instanceof SlackApiError)) throw error;
    deps.log.debug(
      { event: 'root-not-edited', err: error, runId },
      "Couldn't edit the first message of a thread",
    );
  });
}

/**
 * Shows a remediation in its current state; a newer job shows a newer revision. If Slack refuses the card, it is retried, then reported privately to
 * the requester. A plan that no one can see is withdrawn.
 */
export async function showCard(
  deps: CardDeps,
  { id, runId, revision }: Extract<OutboxJob, { kind: 'card' }>,
  target: PostTarget,
): Promise<void> {
  const { remediations, threads } = deps;
  const stored = await remediations.read(id);
  if (!stored || (stored.revision > revision && !FINAL_STATES.has(stored.record.state))) return;
  const { root, answered, elsewhere } = await threads.read(runId);
  try {
    if (elsewhere) throw new SlackApiError('not_in_channel', '');
    if (!root || !answered) {
      if (Date.now() - target.job.queuedAtMs < MAX_WAIT_FOR_THREAD_MS)
        throw new RetryLater(RETRY_WITHOUT_THREAD_MS);
      throw new SlackApiError('thread_not_found', '');
    }
    const shown = await showInThread(deps, { ...target, threadTs: root.ts }, stored);
    await remediations.markCardShown(id, shown.revision);
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    if (!elsewhere && target.job.attempt < MAX_CARD_ATTEMPTS) throw error;
    const reported = await reportPrivately(deps, target, stored, error);
    await remediations.markCardShown(id, reported.revision);
  }
}

/** Attempts at a card that Slack refuses: someone may be about to invite the bot. */
const MAX_CARD_ATTEMPTS = 3;
/** How long a card waits for its thread before it is reported privately. */
const MAX_WAIT_FOR_THREAD_MS = 600_000;

/**
 * The card of a fix that needs approval is posted once there is a plan to approve, or if it ends without one. Until then, the message with the offers
 * shows that it is being planned.
 * @returns what is shown: a new revision if showing the plan created one.
 */
async function showInThread(
  deps: CardDeps,
  target: PostTarget & { readonly threadTs: string },
  stored: StoredRemediation,
): Promise<StoredRemediation> {
  const { remediations, threads, policy } = deps;
  const { record } = stored;
  const { id, runId, state } = record;
  const part = cardPart(id);
  const { approver: approvers } = policy.roles;
  const render = async () => renderCard((await remediations.read(id))?.record ?? record, { approvers });
  const placeholder = firstTextOfCard(deps, record) ?? cardPlaceholder(record);
  const put = () => putPart(deps, part, target, { placeholder, render });
  const isPosted = (await threads.read(runId)).locationOf(part) !== undefined;
  // The button is removed first: no one should click an offer that is in progress.
  if (!isPosted) await showOffers(deps, target);
  if (!isPosted && state === 'planning' && neededApprovals(record) > 0) return stored;
  if (!isPosted) await threads.saveText(runId, firstTextName(id), state);
  await put();
  const shown = await recordShown(deps, stored);
  if (shown.record.until !== record.until) await put();
  await attachPlan(deps, target, record);
  if (FINAL_STATES.has(state)) {
    await showOffers(deps, target);
    await updateRoot(deps, await threads.read(runId), target);
  }
  await notify(deps, target, record);
  return shown;
}

/** The time to approve starts once its plan is posted. */
async function recordShown(
  { remediations, policy }: CardDeps,
  stored: StoredRemediation,
): Promise<StoredRemediation> {
  const { id, state, shownAt } = stored.record;
  if (state !== 'planned' || shownAt !== undefined) return stored;
  const result = await remediations.transition(id, markPlanShown(policy));
  return result.kind === 'changed' ? result : stored;
}

/** Sends the requester a direct message that the plan was withdrawn, or how the remediation ended. @returns what was reported. */
async function reportPrivately(
  deps: CardDeps,
  target: PostTarget,
  stored: StoredRemediation,
  { code }: SlackApiError,
): Promise<StoredRemediation> {
  const { remediations, log } = deps;
  const { id, asked, requested } = stored.record;
  const because = `its plan couldn't be posted in <#${asked.channelId}> (${code})`;
  const withdrawal = await remediations.transition(id, withdrawPlan(because));
  const current = withdrawal.kind === 'changed' ? withdrawal : (withdrawal.current ?? stored);
  const now = current.record;
  log.warn(
    { event: 'card-not-shown', remediation: id, state: now.state, code },
    "Couldn't show a remediation in its channel",
  );
  if (!FINAL_STATES.has(now.state)) return current;
  const to = requested?.by ?? asked.by;
  const direct = { runId: target.runId, job: target.job, channelId: to };
  const message = renderCardNotPosted(now, {
    channelId: asked.channelId,
    code,
    isWithdrawn: withdrawal.kind === 'changed',
  });
  try {
    await postOnce(deps, `direct-${id}-${now.state}`, direct, message);
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    log.error(
      { event: 'requester-not-notified', err: error, remediation: id },
      "Couldn't notify the requester either",
    );
  }
  return current;
}

async function attachPlan(
  deps: CardDeps,
  target: PostTarget & { readonly threadTs: string },
  remediation: RemediationRecord,
): Promise<void> {
  const file = remediation.state === 'planned' ? planFile(remediation) : undefined;
  if (!file) return;
  await attachOnce(deps, `plan-${remediation.id}`, target, file).catch((error: unknown) => {
    if (!(error instanceof SlackApiError)) throw error;
    deps.log.warn(
      { event: 'plan-not-attached', err: error, remediation: remediation.id },
      "Couldn't attach a long plan",
    );
  });
}
