import { ROOT_PART } from '../../store/thread/threads.ts';
import type { OutboxJob, RunOutboxJob } from '../../queue/jobs.ts';
import { type JobAttempt, RetryLater } from '../../queue/workers.ts';
import { type CardDeps, showCard } from './cards.ts';
import { type DigestDeps, showDigest } from './digest.ts';
import { showFindingStatus } from './finding-status.ts';
import { sendJoinedNotice } from './joined-notice.ts';
import { sendRunningNotice } from './running-notice.ts';
import { showReminder } from './notify.ts';
import {
  editProgress,
  type IsWanted,
  type PostTarget,
  type PostDeps,
  postOnce,
  postProgress,
  rootPlaceOf,
} from './post.ts';
import { renderPlainFallback } from '../render/report/fallback.ts';
import type { PendingRequest, Message, ThreadContent } from '../render/message.ts';
import { renderBug, renderChecking, renderLost, renderProgress } from '../render/replies/notices.ts';
import { renderReport } from '../render/report/report.ts';
import { withoutMentions } from '../render/without-mentions.ts';
import { respondInChannel } from './respond.ts';
import { showThread } from './show-thread.ts';
import { SlackApiError } from './slack-call.ts';

/** Handles one job of the outbox: shows it in Slack, the root first, then its replies in order, each once. A thrown error means that the job is retried. */
export async function handleOutboxJob(
  deps: DigestDeps,
  { data, attempt, queuedAtMs }: JobAttempt<OutboxJob>,
): Promise<void> {
  const target = {
    runId: data.runId,
    channelId: data.asked.channelId,
    ...(data.asked.threadTs !== undefined && { threadTs: data.asked.threadTs }),
    job: { attempt, queuedAtMs, askedAtMs: Date.parse(data.asked.at) },
  };
  if (data.kind === 'checking')
    return showChecking(deps, data, target, renderChecking(pendingRequestOf(data)));
  if (data.kind === 'progress') return showProgress(deps, data, target);
  if (data.kind === 'card') return showCard(deps, data, { ...target, isAwaited: true });
  if (data.kind === 'reminder') return showReminder(deps, data, { ...target, isAwaited: true });
  if (data.kind === 'digest') return showDigest(deps, data, { ...target, isAnswer: true });
  if (data.kind === 'finding-status') return showFindingStatus(deps, data, target);
  if (data.kind === 'joined') return sendJoinedNotice(deps, data);
  return showAnswer(deps, data, { ...target, isAnswer: true });
}

/** Posts the progress message if there is no answer yet. The answer replaces it later. */
async function showChecking(
  deps: CardDeps,
  job: RunOutboxJob,
  target: PostTarget,
  message: Message,
): Promise<void> {
  try {
    await postProgress(deps, ROOT_PART, { ...target, isAwaited: true }, message, isStillWanted(deps, job));
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    // Any other refusal is about this message. The answer has its own attempts and simpler forms.
    if (error.channelInaccessible) {
      await deps.threads.mark(job.runId, 'elsewhere');
      await sendRunningNotice(deps, job);
    } else
      deps.log.warn(
        { event: 'slack-progress-refused', err: error, runId: job.runId },
        'Slack refused a progress message',
      );
  }
}

/** Progress isn't worth a retry: if it can't be shown now, it is dropped. */
async function showProgress(
  deps: CardDeps,
  job: Extract<RunOutboxJob, { kind: 'progress' }>,
  target: PostTarget,
): Promise<void> {
  const { root } = await deps.threads.read(job.runId);
  const message = renderProgress(job.progress, pendingRequestOf(job));
  if (root) return editProgress(deps, target, root, message, isStillWanted(deps, job));
  await showChecking(deps, job, { ...target, onlyNow: true }, message).catch((error: unknown) => {
    if (!(error instanceof RetryLater)) throw error;
  });
}

function isStillWanted({ isAnswerQueued }: CardDeps, { runId }: OutboxJob): IsWanted {
  return async ({ answered, elsewhere }) => !answered && !elsewhere && !(await isAnswerQueued(runId));
}

/** Attempts at an answer that Slack refuses. */
const MAX_ANSWER_ATTEMPTS = 4;
type AnswerJob = Extract<RunOutboxJob, { kind: 'report' | 'bug' | 'lost' }>;

async function showAnswer(deps: CardDeps, job: AnswerJob, target: PostTarget): Promise<void> {
  const { threads } = deps;
  const { runId } = job;
  const { isClosed, elsewhere, root: posted } = await threads.read(runId);
  // The process that posted the root may have died before it left the lane.
  if (isClosed || elsewhere || posted) await deps.channelOrder.leave(...rootPlaceOf(runId, target.channelId));
  if (isClosed) return;
  if (elsewhere) return showElsewhere(deps, job, target);
  try {
    await showThread(deps, target, renderAnswer(job), {
      mayMention: [job.asked.by],
      hasOffers: job.kind === 'report',
      ...(job.kind === 'report' && {
        report: { report: job.report, tracked: job.tracked ?? [], asked: job.asked },
      }),
    });
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    // An operator may be about to fix the cause, but the command's response_url accepts answers for half an hour only.
    if (!error.channelInaccessible && target.job.attempt < MAX_ANSWER_ATTEMPTS) throw error;
    if (!error.channelInaccessible)
      deps.log.error(
        { event: 'slack-report-refused', err: error, runId },
        'Slack refused a report in its channel; sending it another way',
      );
    await threads.mark(runId, 'elsewhere');
    await showElsewhere(deps, job, target, error.channelInaccessible ? undefined : error.code);
  }
}

function renderAnswer(job: AnswerJob): ThreadContent {
  if (job.kind === 'report') return renderReport(job.report, pendingRequestOf(job), job.tracked);
  const root = job.kind === 'bug' ? renderBug(job) : renderLost(job);
  return { root, replies: [], attachments: [] };
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
      ? withoutMentions(withoutBlocks(renderPlainFallback(job.report, code, job.tracked).text))
      : renderAnswer(job).root;
  const { threadTs: _, ...outsideThread } = target;
  if (!(await respondInChannel(asked, message, deps)))
    await postOnce(deps, 'direct', { ...outsideThread, channelId: asked.by }, message);
  await threads.recordPart(runId, 'elsewhere', { channelId: asked.channelId, ts: 'response_url' });
  await threads.close(runId);
}

function pendingRequestOf({ runId, check, environment, asked }: RunOutboxJob): PendingRequest {
  return { runId, check, environment, by: asked.by, at: asked.at, command: asked.as };
}

function withoutBlocks(text: string): Message {
  return { text, blocks: [] };
}
