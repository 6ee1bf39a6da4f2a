import { ROOT, type Thread } from '../../store/thread/threads.ts';
import type { OutboxJob } from '../../queue/contracts.ts';
import { type Delivery, Later } from '../../queue/work.ts';
import { ROOT_WORDS, rootNow, type Showing, showCard, showOffers } from './cards.ts';
import { tellJoined } from './joined.ts';
import {
  attachOnce,
  edit,
  editProgress,
  type IsWanted,
  type Place,
  type Posting,
  postOnce,
  postProgress,
  rootPlaceOf,
  PROGRESS_EDIT,
} from './post.ts';
import { renderPlainFallback } from '../render/report/fallback.ts';
import type { PendingRequest, Message, ThreadContent as Answer } from '../render/message.ts';
import { renderBug, renderChecking, renderLost, renderProgress } from '../render/replies/notices.ts';
import { renderReport } from '../render/report/report.ts';
import { respond } from './respond.ts';
import { safely } from './safely.ts';
import { SlackRefused } from './slack-call.ts';

/** Shows one thing in Slack: the root first, then its replies in order, each once. Thrown errors mean "again later". */
export async function deliver(
  posting: Showing,
  { data, attempt, queuedAtMs }: Delivery<OutboxJob>,
): Promise<void> {
  const place = {
    runId: data.runId,
    channelId: data.asked.channelId,
    from: { attempt, queuedAtMs, askedAtMs: Date.parse(data.asked.at) },
  };
  if (data.kind === 'checking') return showChecking(posting, data, place);
  if (data.kind === 'progress') return showProgress(posting, data, place);
  if (data.kind === 'card') return showCard(posting, data, { ...place, isAwaited: true });
  if (data.kind === 'joined') return tellJoined(posting, data);
  return showAnswer(posting, data, { ...place, isAnswer: true });
}

/** Posts the progress message if there is no answer yet. The answer replaces it later. */
async function showChecking(posting: Showing, job: OutboxJob, place: Place): Promise<void> {
  try {
    await postProgress(posting, ROOT, place, renderChecking(questionOf(job)), isAwaited(posting, job));
  } catch (error) {
    if (!(error instanceof SlackRefused)) throw error;
    // Any other refusal is about this message. The answer has its own tries and simpler forms.
    if (error.shut) await posting.threads.mark(job.runId, 'elsewhere');
    else posting.log.warn({ err: error, runId: job.runId }, 'Slack refused a progress message');
  }
}

/** Progress is worth nothing later: whatever stands in its way, it is dropped. */
async function showProgress(
  posting: Showing,
  job: Extract<OutboxJob, { kind: 'progress' }>,
  place: Place,
): Promise<void> {
  const { root } = await posting.threads.read(job.runId);
  if (!root) return;
  const message = renderProgress(job.progress, questionOf(job));
  await editProgress(posting, place, root, message, isAwaited(posting, job));
}

function isAwaited({ isAnswerQueued }: Showing, { runId }: OutboxJob): IsWanted {
  return async ({ answered, elsewhere }) => !answered && !elsewhere && !(await isAnswerQueued(runId));
}

/** How often an answer is tried that Slack refuses. */
const TRIES = 4;
/** How often a file is tried that cannot be uploaded: about a quarter of a minute. */
const FILE_TRIES = 15;

type AnswerJob = Extract<OutboxJob, { kind: 'report' | 'bug' | 'lost' }>;

async function showAnswer(posting: Showing, job: AnswerJob, place: Place): Promise<void> {
  const { threads } = posting;
  const { runId } = job;
  const { settled, elsewhere, answered, root: posted } = await threads.read(runId);
  // Whoever posted the root may have died before it left.
  if (settled || elsewhere || posted) await posting.line.leave(...rootPlaceOf(runId, place.channelId));
  if (settled) return;
  if (elsewhere) return showElsewhere(posting, job, place);
  const { root, replies, attachments } = renderAnswer(job);
  try {
    const { message, isFinal } = await rootNow(posting, runId, root);
    // An answer that is queued again, perhaps as lost, does not replace the one in the channel.
    if (!isFinal && !answered) await threads.keep(runId, ROOT_WORDS, JSON.stringify(root));
    const inThread = { ...place, threadTs: await showRoot(posting, place, message) };
    await threads.mark(runId, 'answered');
    for (const [at, reply] of replies.entries())
      await safely(posting, job, reply, (safe) => postOnce(posting, `reply-${at}`, inThread, safe));
    for (const [at, file] of attachments.entries())
      await attachOnce(posting, `file-${at}`, inThread, file).catch((error: unknown) =>
        withoutFile(posting, inThread, error),
      );
    if (job.kind === 'report') await showOffers(posting, inThread);
    await outlastProgress(posting, place, message);
    if (isFinal) await threads.settle(runId);
  } catch (error) {
    if (!(error instanceof SlackRefused)) throw error;
    // An operator may be about to fix the cause, but the asker's response_url accepts answers for half an hour only.
    if (!error.shut && place.from.attempt < TRIES) throw error;
    if (!error.shut)
      posting.log.error(
        { err: error, runId },
        'Slack refused an answer in its channel; sending it another way',
      );
    await threads.mark(runId, 'elsewhere');
    await showElsewhere(posting, job, place, error.shut ? undefined : error.code);
  }
}

function renderAnswer(job: AnswerJob): Answer {
  if (job.kind === 'report') return renderReport(job.report, questionOf(job));
  const root = job.kind === 'bug' ? renderBug(job) : renderLost(job);
  return { root, replies: [], attachments: [] };
}

/** Shows the verdict in the channel, in place of the progress message if that was posted. @returns its `ts`. */
async function showRoot(posting: Posting, place: Place, message: Message): Promise<string> {
  const thread = await posting.threads.read(place.runId);
  if (thread.root && thread.answered) return thread.root.ts;
  if (thread.root && (await editRoot(posting, place, thread, message))) return thread.root.ts;
  const isMaybe = thread.part(ROOT) === 'maybe';
  const ts = await safely(posting, place, message, (safe) => postOnce(posting, ROOT, place, safe));
  // Slack may have dropped the post as a repetition of the progress message.
  const { root } = await posting.threads.read(place.runId);
  if (root && isMaybe && (await posting.dropsRepeats()))
    await safely(posting, place, message, (safe) => edit(posting, place, root, safe));
  return ts;
}

/** Slack makes an edit whose reply was lost within this time, or never. */
const LATE_EDIT_MS = 60_000;

/** If the reply to a progress edit was lost, Slack may make that edit after the answer's. Then the answer is written again, once that is over. */
async function outlastProgress(posting: Posting, place: Place, message: Message): Promise<void> {
  const { threads } = posting;
  const { root, kept } = await threads.read(place.runId);
  const sinceMs = Number(kept(PROGRESS_EDIT) ?? '');
  if (!root || sinceMs === 0) return;
  const leftMs = sinceMs + LATE_EDIT_MS - Date.now();
  if (leftMs > 0) throw new Later(leftMs);
  // The channel has had the answer. If its message is gone or no longer editable by now, there is nothing to correct.
  await safely(posting, place, message, (safe) => edit(posting, place, root, safe, { isForced: true })).catch(
    (error: unknown) => {
      if (!(error instanceof SlackRefused)) throw error;
      posting.log.debug({ err: error, runId: place.runId }, 'an answer could not be written again');
    },
  );
  await threads.keep(place.runId, PROGRESS_EDIT, '');
}

/** @returns false if the message was deleted or cannot be edited: then the answer must be posted. */
async function editRoot(
  posting: Posting,
  place: Place,
  { root }: Thread,
  message: Message,
): Promise<boolean> {
  if (!root) return false;
  try {
    await safely(posting, place, message, (safe) => edit(posting, place, root, safe));
    return true;
  } catch (error) {
    if (!(error instanceof SlackRefused) || error.shut) throw error;
    await posting.threads.forget(place.runId, ROOT);
    return false;
  }
}

async function withoutFile(
  posting: Posting,
  place: Place & { threadTs: string },
  error: unknown,
): Promise<void> {
  const isRefused = error instanceof SlackRefused;
  if (error instanceof Later || (!isRefused && place.from.attempt < FILE_TRIES)) throw error;
  posting.log.warn({ err: error, runId: place.runId }, 'the full list could not be attached');
  // Files go to another host of Slack, which may be unreachable for long. Fixes must not wait for it.
  const words = isRefused
    ? `The full list could not be attached (${error.code}). The bot needs the scope files:write.`
    : 'The full list could not be attached: the upload to Slack failed.';
  await postOnce(posting, 'no-file', place, plain(words));
}

/** The bot may not post where it was asked: through the asker's response_url, and failing that in a direct message. */
async function showElsewhere(posting: Posting, job: AnswerJob, place: Place, code?: string): Promise<void> {
  const { threads } = posting;
  const { runId, asked } = job;
  if ((await threads.read(runId)).where('elsewhere')) return;
  const message =
    job.kind === 'report' ? plain(renderPlainFallback(job.report, code).text) : renderAnswer(job).root;
  if (!(await respond(asked, message, posting)))
    await postOnce(posting, 'direct', { ...place, channelId: asked.by }, message);
  await threads.note(runId, 'elsewhere', { channelId: asked.channelId, ts: 'response_url' });
  await threads.settle(runId);
}

function questionOf({ runId, check, environment, asked }: OutboxJob): PendingRequest {
  return { runId, check, environment, by: asked.by, at: asked.at, command: asked.as };
}

function plain(text: string): Message {
  return { text, blocks: [] };
}
