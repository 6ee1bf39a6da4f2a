import { ROOT_PART, type PostedThread } from '../../store/thread/threads.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import { type JobAttempt, RetryLater } from '../../queue/workers.ts';
import { SAVED_ROOT, currentRoot, type CardDeps, showCard, showOffers } from './cards.ts';
import { sendJoinedNotice } from './joined-notice.ts';
import {
  attachOnce,
  edit,
  editProgress,
  type IsWanted,
  type PostTarget,
  type PostDeps,
  postOnce,
  postProgress,
  rootPlaceOf,
  PROGRESS_EDIT,
} from './post.ts';
import { renderPlainFallback } from '../render/report/fallback.ts';
import type { PendingRequest, Message, ThreadContent } from '../render/message.ts';
import { renderBug, renderChecking, renderLost, renderProgress } from '../render/replies/notices.ts';
import { renderReport } from '../render/report/report.ts';
import { respondInChannel } from './respond.ts';
import { sendOrFallBackToText } from './send-or-fall-back-to-text.ts';
import { SlackApiError } from './slack-call.ts';

/** Handles one job of the outbox: shows it in Slack, the root first, then its replies in order, each once. A thrown error means that the job is retried. */
export async function handleOutboxJob(
  deps: CardDeps,
  { data, attempt, queuedAtMs }: JobAttempt<OutboxJob>,
): Promise<void> {
  const target = {
    runId: data.runId,
    channelId: data.asked.channelId,
    job: { attempt, queuedAtMs, askedAtMs: Date.parse(data.asked.at) },
  };
  if (data.kind === 'checking') return showChecking(deps, data, target);
  if (data.kind === 'progress') return showProgress(deps, data, target);
  if (data.kind === 'card') return showCard(deps, data, { ...target, isAwaited: true });
  if (data.kind === 'joined') return sendJoinedNotice(deps, data);
  return showAnswer(deps, data, { ...target, isAnswer: true });
}

/** Posts the progress message if there is no answer yet. The answer replaces it later. */
async function showChecking(deps: CardDeps, job: OutboxJob, target: PostTarget): Promise<void> {
  try {
    await postProgress(
      deps,
      ROOT_PART,
      target,
      renderChecking(pendingRequestOf(job)),
      isStillWanted(deps, job),
    );
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    // Any other refusal is about this message. The answer has its own tries and simpler forms.
    if (error.channelInaccessible) await deps.threads.mark(job.runId, 'elsewhere');
    else deps.log.warn({ err: error, runId: job.runId }, 'Slack refused a progress message');
  }
}

/** Progress is not worth a retry: if it cannot be shown now, it is dropped. */
async function showProgress(
  deps: CardDeps,
  job: Extract<OutboxJob, { kind: 'progress' }>,
  target: PostTarget,
): Promise<void> {
  const { root } = await deps.threads.read(job.runId);
  if (!root) return;
  const message = renderProgress(job.progress, pendingRequestOf(job));
  await editProgress(deps, target, root, message, isStillWanted(deps, job));
}

function isStillWanted({ isAnswerQueued }: CardDeps, { runId }: OutboxJob): IsWanted {
  return async ({ answered, elsewhere }) => !answered && !elsewhere && !(await isAnswerQueued(runId));
}

/** Attempts at an answer that Slack refuses. */
const MAX_ANSWER_ATTEMPTS = 4;
/** Attempts at a file that cannot be uploaded: about 15 seconds. */
const MAX_FILE_ATTEMPTS = 15;

type AnswerJob = Extract<OutboxJob, { kind: 'report' | 'bug' | 'lost' }>;

async function showAnswer(deps: CardDeps, job: AnswerJob, target: PostTarget): Promise<void> {
  const { threads } = deps;
  const { runId } = job;
  const { isClosed, elsewhere, answered, root: posted } = await threads.read(runId);
  // The process that posted the root may have died before it left the lane.
  if (isClosed || elsewhere || posted) await deps.channelOrder.leave(...rootPlaceOf(runId, target.channelId));
  if (isClosed) return;
  if (elsewhere) return showElsewhere(deps, job, target);
  const { root, replies, attachments } = renderAnswer(job);
  try {
    const { message, isFinal } = await currentRoot(deps, runId, root);
    // An answer that is queued again, perhaps as lost, does not replace the one in the channel.
    if (!isFinal && !answered) await threads.saveText(runId, SAVED_ROOT, JSON.stringify(root));
    const inThread = { ...target, threadTs: await showRoot(deps, target, message) };
    await threads.mark(runId, 'answered');
    for (const [at, reply] of replies.entries())
      await sendOrFallBackToText(deps, job, reply, (outgoing) =>
        postOnce(deps, `reply-${at}`, inThread, outgoing),
      );
    for (const [at, file] of attachments.entries())
      await attachOnce(deps, `file-${at}`, inThread, file).catch((error: unknown) =>
        reportMissingFile(deps, inThread, error),
      );
    if (job.kind === 'report') await showOffers(deps, inThread);
    await rewriteAfterProgress(deps, target, message);
    if (isFinal) await threads.close(runId);
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    // An operator may be about to fix the cause, but the asker's response_url accepts answers for half an hour only.
    if (!error.channelInaccessible && target.job.attempt < MAX_ANSWER_ATTEMPTS) throw error;
    if (!error.channelInaccessible)
      deps.log.error({ err: error, runId }, 'Slack refused an answer in its channel; sending it another way');
    await threads.mark(runId, 'elsewhere');
    await showElsewhere(deps, job, target, error.channelInaccessible ? undefined : error.code);
  }
}

function renderAnswer(job: AnswerJob): ThreadContent {
  if (job.kind === 'report') return renderReport(job.report, pendingRequestOf(job));
  const root = job.kind === 'bug' ? renderBug(job) : renderLost(job);
  return { root, replies: [], attachments: [] };
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
  // Slack may have dropped the post as a repetition of the progress message.
  const { root } = await deps.threads.read(target.runId);
  if (root && isMaybe && (await deps.dropsDuplicates()))
    await sendOrFallBackToText(deps, target, message, (outgoing) => edit(deps, target, root, outgoing));
  return ts;
}

/** Slack applies an edit whose reply was lost within this time, or never. */
const LATE_EDIT_MS = 60_000;

/** If the reply to a progress edit was lost, Slack may apply that edit after the answer. So the answer is written again afterwards. */
async function rewriteAfterProgress(deps: PostDeps, target: PostTarget, message: Message): Promise<void> {
  const { threads } = deps;
  const { root, savedText } = await threads.read(target.runId);
  const sinceMs = Number(savedText(PROGRESS_EDIT) ?? '');
  if (!root || sinceMs === 0) return;
  const leftMs = sinceMs + LATE_EDIT_MS - Date.now();
  if (leftMs > 0) throw new RetryLater(leftMs);
  // The channel has had the answer. If its message is gone or no longer editable by now, there is nothing to correct.
  await sendOrFallBackToText(deps, target, message, (outgoing) =>
    edit(deps, target, root, outgoing, { isForced: true }),
  ).catch((error: unknown) => {
    if (!(error instanceof SlackApiError)) throw error;
    deps.log.debug({ err: error, runId: target.runId }, 'an answer could not be written again');
  });
  await threads.saveText(target.runId, PROGRESS_EDIT, '');
}

/** @returns false if the message was deleted or cannot be edited: then the answer must be posted. */
async function editRoot(
  deps: PostDeps,
  target: PostTarget,
  { root }: PostedThread,
  message: Message,
): Promise<boolean> {
  if (!root) return false;
  try {
    await sendOrFallBackToText(deps, target, message, (outgoing) => edit(deps, target, root, outgoing));
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
  deps.log.warn({ err: error, runId: target.runId }, 'the full list could not be attached');
  // Files go to another host of Slack, which may be unreachable for long. Fixes must not wait for it.
  const notice = isRefused
    ? `The full list could not be attached (${error.code}). The bot needs the scope files:write.`
    : 'The full list could not be attached: the upload to Slack failed.';
  await postOnce(deps, 'no-file', target, withoutBlocks(notice));
}

/** Answers if the bot may not post in the channel: through the command's response_url or, if that fails, in a direct message. */
async function showElsewhere(
  deps: PostDeps,
  job: AnswerJob,
  target: PostTarget,
  code?: string,
): Promise<void> {
  const { threads } = deps;
  const { runId, asked } = job;
  if ((await threads.read(runId)).locationOf('elsewhere')) return;
  const message =
    job.kind === 'report'
      ? withoutBlocks(renderPlainFallback(job.report, code).text)
      : renderAnswer(job).root;
  if (!(await respondInChannel(asked, message, deps)))
    await postOnce(deps, 'direct', { ...target, channelId: asked.by }, message);
  await threads.recordPart(runId, 'elsewhere', { channelId: asked.channelId, ts: 'response_url' });
  await threads.close(runId);
}

function pendingRequestOf({ runId, check, environment, asked }: OutboxJob): PendingRequest {
  return { runId, check, environment, by: asked.by, at: asked.at, command: asked.as };
}

function withoutBlocks(text: string): Message {
  return { text, blocks: [] };
}
