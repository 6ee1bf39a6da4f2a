import { ROOT_PART, type PostedThread } from '../../store/thread/threads.ts';
import type { SavedReport } from '../../store/thread/saved-reports.ts';
import { RetryLater } from '../../queue/workers.ts';
import { SAVED_ROOT, currentRoot, type CardDeps, showOffers } from './cards.ts';
import {
  attachOnce,
  edit,
  LATE_EDIT_MS,
  type PostTarget,
  type PostDeps,
  postOnce,
  PROGRESS_EDIT,
  type Render,
} from './post.ts';
import { nameMentioned, postWithoutNotifying } from './post-without-notifying.ts';
import type { Message, ThreadContent } from '../render/message.ts';
import { withoutMentions } from '../render/without-mentions.ts';
import { sendOrFallBackToText } from './send-or-fall-back-to-text.ts';
import { SlackApiError } from './slack-call.ts';

/** Attempts at a file that cannot be uploaded: about 15 seconds. */
const MAX_FILE_ATTEMPTS = 15;

interface ThreadOptions {
  /** The people that the root may mention when it is posted. Others are named by an edit, which notifies no one. */
  readonly mayMention: readonly string[];
  /** Whether fixes may be offered. */
  readonly hasOffers: boolean;
  /** The report to save, from which the root is rendered again after each fix. */
  readonly report?: SavedReport;
  /** Nothing will follow: fixes are not mentioned even if the run has some, and the run is closed. */
  readonly isComplete?: boolean;
  /** Called once the root is in the channel, again at each retry. */
  readonly afterRoot?: () => Promise<void>;
}

/**
 * Shows a thread: its root in the channel, or in the thread of the request, then the fixes, the other replies and the files, each once. A thrown error
 * means that the job is retried.
 * Closes the run if it offers nothing.
 */
export async function showThread(
  deps: CardDeps,
  target: PostTarget,
  { root, replies, attachments }: ThreadContent,
  { mayMention, hasOffers, report, isComplete = false, afterRoot }: ThreadOptions,
): Promise<void> {
  const { threads, savedReports } = deps;
  const { runId } = target;
  const { answered } = await threads.read(runId);
  // An answer that is queued again, perhaps as lost, does not replace the one in the channel.
  if (report && !answered) await savedReports.save(runId, report);
  const rootNow = async (options?: Parameters<typeof currentRoot>[3]) =>
    isComplete ? { message: root, isFinal: true } : currentRoot(deps, runId, root, options);
  const render = async () => (await rootNow()).message;
  const { message, isFinal } = await rootNow({ hasButtons: false });
  if (!isFinal && !answered) await threads.saveText(runId, SAVED_ROOT, JSON.stringify(root));
  const unnamed = withoutMentions(message, mayMention);
  const rootTs = await showRoot(deps, { ...target, isAwaited: true }, unnamed);
  await afterRoot?.();
  if (unnamed !== message) await nameMentioned(deps, target, rootTs, render);
  // Slack has no threads in threads.
  const inThread = { ...target, threadTs: target.threadTs ?? rootTs };
  await threads.mark(runId, 'answered');
  if (hasOffers) await showOffers(deps, inThread);
  for (const [at, reply] of replies.entries())
    await postWithoutNotifying(deps, `reply-${at}`, inThread, reply);
  for (const [at, file] of attachments.entries())
    await attachOnce(deps, `file-${at}`, inThread, file).catch((error: unknown) =>
      reportMissingFile(deps, inThread, error),
    );
  await rewriteAfterProgress(deps, target, render);
  if (isFinal) await threads.close(runId);
}

/** Shows the verdict in the channel, in place of the progress message if that was posted. @returns its `ts`. */
async function showRoot(deps: PostDeps, target: PostTarget, message: Message): Promise<string> {
  const thread = await deps.threads.read(target.runId);
  if (thread.root && thread.answered) return thread.root.ts;
  if (thread.root && (await editRoot(deps, target, thread, message))) return thread.root.ts;
  const isMaybe = thread.part(ROOT_PART) === 'maybe';
  const ts = await sendOrFallBackToText(deps, target, message, (outgoing) =>
    postOnce(deps, ROOT_PART, target, outgoing),
  );
  // Slack may have dropped the post as a duplicate of the progress message.
  const { root } = await deps.threads.read(target.runId);
  if (root && isMaybe && (await deps.dropsDuplicates())) await edit(deps, target, root, () => message);
  return ts;
}

/** If the reply to a progress edit was lost, Slack may apply that edit after the answer. So the answer is written again afterwards. */
async function rewriteAfterProgress(deps: PostDeps, target: PostTarget, render: Render): Promise<void> {
  const { threads } = deps;
  const { root, savedText } = await threads.read(target.runId);
  const sinceMs = Number(savedText(PROGRESS_EDIT) ?? '');
  if (!root || sinceMs === 0) return;
  const leftMs = sinceMs + LATE_EDIT_MS - Date.now();
  if (leftMs > 0) throw new RetryLater(leftMs);
  // The channel has had the answer. If its message is gone or no longer editable by now, there is nothing to correct.
  await edit(deps, target, root, render, { isForced: true }).catch((error: unknown) => {
    if (!(error instanceof SlackApiError)) throw error;
    deps.log.debug(
      { event: 'report-not-rewritten', err: error, runId: target.runId },
      "Couldn't rewrite a report after a late progress edit",
    );
  });
  await threads.saveText(target.runId, PROGRESS_EDIT, '');
}

/** @returns false if the message was deleted or can't be edited: then the answer must be posted. */
async function editRoot(
  deps: PostDeps,
  target: PostTarget,
  { root }: PostedThread,
  message: Message,
): Promise<boolean> {
  if (!root) return false;
  try {
    await edit(deps, target, root, () => message);
    return true;
  } catch (error) {
    if (!(error instanceof SlackApiError) || error.channelInaccessible) throw error;
    await deps.threads.forget(target.runId, ROOT_PART);
    return false;
  }
}

async function reportMissingFile(
  deps: PostDeps,
  target: PostTarget & { threadTs: string },
  error: unknown,
): Promise<void> {
  const isRefused = error instanceof SlackApiError;
  if (error instanceof RetryLater || (!isRefused && target.job.attempt < MAX_FILE_ATTEMPTS)) throw error;
  deps.log.warn(
    { event: 'list-not-attached', err: error, runId: target.runId },
    "Couldn't attach the full list",
  );
  // Files go to another host of Slack, which may be unreachable for long. Fixes must not wait for it.
  const notice = isRefused
    ? `The full list couldn't be attached (${error.code}). The bot needs the scope files:write.`
    : "The full list couldn't be attached: the upload to Slack failed.";
  await postOnce(deps, 'no-file', target, { text: notice, blocks: [] });
}
