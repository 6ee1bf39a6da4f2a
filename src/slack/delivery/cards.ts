import type { SavedReport, SavedReports } from '../../store/thread/saved-reports.ts';
import { disabledReason } from '../../store/remediation/policy.ts';
import { FINAL_STATES, type RemediationRecord } from '../../store/remediation/record.ts';
import { markPlanShown, withdrawPlan } from '../../store/remediation/transitions/approval.ts';
import type { MessageLocation } from '../../store/thread/threads.ts';
import type { StoredRemediation } from '../../store/remediation/remediation-store.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import { RetryLater } from '../../queue/workers.ts';
import { cardPart, firstTextName, firstTextOfCard, notify, type NotifyDeps } from './notify.ts';
import { attachOnce, edit, type PostTarget, postOnce, type Render, rewriteAfterLostEdit } from './post.ts';
import { putPart } from './put-part.ts';
import { withOutcomes } from '../render/remediation/outcome-lines.ts';
import type { Message } from '../render/message.ts';
import {
  countOpenFixes,
  type DisabledOffer,
  type Fixes,
  mostSevereFirst,
  renderOffers,
} from '../render/remediation/offers.ts';
import { isOneMessage } from '../render/report/one-finding.ts';
import { type PostedReport, renderRoot } from '../render/report/root.ts';
import { planFile } from '../render/remediation/plan.ts';
import { cardPlaceholder, renderCard } from '../render/remediation/card.ts';
import { renderCardNotPosted } from '../render/remediation/card-not-posted.ts';
import { neededApprovals } from '../render/remediation/words.ts';
import { SlackApiError } from './slack-call.ts';

/** Dependencies of showing remediations. */
export interface CardDeps extends NotifyDeps {
  readonly savedReports: SavedReports;
  /** Whether an answer of the run is queued or being posted. */
  readonly isAnswerQueued: (runId: string) => Promise<boolean>;
}

/** Part name of the message with the offers of a run. */
export const OFFERS_PART = 'offers';
/** A card waits for its thread. */
const RETRY_WITHOUT_THREAD_MS = 500;

/**
 * Shows the fixes of a report as they are now, each with a button while it can be requested: in the root of a report with one finding, otherwise in
 * the first reply. Edits the message if it is already posted.
 */
export async function showOffers(deps: CardDeps, target: PostTarget): Promise<void> {
  const { remediations, savedReports } = deps;
  const { runId } = target;
  if ((await remediations.listByRun(runId)).length === 0) return;
  const saved = await savedReports.read(runId);
  if (saved && isOneMessage(saved.report)) return updateRoot(deps, { ...target, isAwaited: true });
  await putPart(deps, OFFERS_PART, target, {
    placeholder: 'What can be done about it:',
    render: async () => {
      const fixes = fixesNow(deps, await remediations.listByRun(runId));
      return renderOffers(mostSevereFirst(fixes.remediations, saved?.report.findings ?? []), fixes);
    },
  });
}

function fixesNow({ policy }: CardDeps, offered: readonly RemediationRecord[]): Fixes {
  const disabled = offered.flatMap((one): DisabledOffer[] => {
    const because = one.state === 'offered' ? disabledReason(policy, one) : undefined;
    return because === undefined ? [] : [{ title: one.title, because }];
  });
  const remediations = offered.filter((one) => one.state !== 'offered' || !disabledReason(policy, one));
  return { remediations, disabled, now: new Date() };
}

/** Name of the saved text with the root of a digest, or of a report before any fix, as JSON. */
export const SAVED_ROOT = 'root';

/**
 * The root of a report with its fixes as they are now. `root` is that of a digest, or of a report that isn't saved: only the outcomes of fixes are
 * added. It is final if nothing is offered. A root that may be posted twice has no buttons for fixes.
 */
export async function currentRoot(
  deps: CardDeps,
  runId: string,
  root: Message,
  { hasButtons = true }: { readonly hasButtons?: boolean } = {},
): Promise<{ readonly message: Message; readonly isFinal: boolean }> {
  const offered = await deps.remediations.listByRun(runId);
  const fixes = fixesNow(deps, offered);
  const saved = await deps.savedReports.read(runId);
  const message = saved
    ? renderRoot(postedReport(runId, saved), { ...fixes, hasButtons })
    : withOutcomes(root, offered, countOpenFixes(fixes.remediations, new Date()));
  return { message, isFinal: offered.length === 0 };
}

function postedReport(runId: string, { report, tracked, asked }: SavedReport): PostedReport {
  return { report, tracked, asked: { runId, by: asked.by, at: asked.at, command: asked.as } };
}

/** The root as it is now; undefined if there is none, or it never changes. */
async function savedRoot(
  deps: CardDeps,
  runId: string,
): Promise<{ readonly root: MessageLocation; readonly render: Render } | undefined> {
  const { root, savedText } = await deps.threads.read(runId);
  const saved = savedText(SAVED_ROOT);
  if (saved === undefined || !root) return undefined;
  return {
    root,
    render: async () => (await currentRoot(deps, runId, JSON.parse(saved) as Message)).message,
  };
}

/** Shows the fixes in the channel too. A root that was deleted is ignored. */
async function updateRoot(deps: CardDeps, target: PostTarget): Promise<void> {
  const { runId } = target;
  const now = await savedRoot(deps, runId);
  if (!now) return;
  await edit(deps, target, now.root, now.render).catch((error: unknown) => {
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
  if (!stored || (stored.revision > revision && hasNewerJob(stored.record))) return;
  const { root, answered, elsewhere } = await threads.read(runId);
  try {
    if (elsewhere) throw new SlackApiError('not_in_channel', '');
    if (!root || !answered) {
      if (Date.now() - target.job.queuedAtMs < MAX_WAIT_FOR_THREAD_MS)
        throw new RetryLater(RETRY_WITHOUT_THREAD_MS);
      throw new SlackApiError('thread_not_found', '');
    }
    const shown = await showInThread(deps, { ...target, threadTs: target.threadTs ?? root.ts }, stored);
    await remediations.markCardShown(id, shown.revision);
    if (FINAL_STATES.has(shown.record.state)) await rewriteEnd(deps, target, shown.record);
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    if (!elsewhere && target.job.attempt < MAX_CARD_ATTEMPTS) throw error;
    const reported = await reportPrivately(deps, target, stored, error);
    await remediations.markCardShown(id, reported.revision);
  }
}

/** Of a fix that can be paused, not every step has a job. */
function hasNewerJob({ state, pausable }: RemediationRecord): boolean {
  return !FINAL_STATES.has(state) && !(pausable && state === 'applying');
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
  const { threads } = deps;
  const { record } = stored;
  const { id, runId, state } = record;
  const part = cardPart(id);
  const render = renderNow(deps, record);
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
  if (FINAL_STATES.has(state)) await showOffers(deps, target);
  // To plan a fix, the check ran again: what the root says may no longer be true.
  if (FINAL_STATES.has(state) || state === 'planned') await updateRoot(deps, target);
  await notify(deps, target, record);
  return shown;
}

function renderNow({ remediations, policy }: CardDeps, record: RemediationRecord): Render {
  const { approver: approvers } = policy.roles;
  return async () => renderCard((await remediations.read(record.id))?.record ?? record, { approvers });
}

/** No further edit replaces what a late one may put over the outcome. */
async function rewriteEnd(deps: CardDeps, target: PostTarget, record: RemediationRecord): Promise<void> {
  const { id, runId } = record;
  const card = (await deps.threads.read(runId)).locationOf(cardPart(id));
  if (card) await rewriteAfterLostEdit(deps, target, card, renderNow(deps, record));
  const now = await savedRoot(deps, runId);
  if (now) await rewriteAfterLostEdit(deps, target, now.root, now.render);
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
