import { ROOT, type Thread } from '../memory/threads.ts';
import type { OutboxJob } from '../queue/contracts.ts';
import { type Delivery, Later } from '../queue/work.ts';
import { ROOT_WORDS, rootNow, type Showing, showCard, showOffers } from './cards.ts';
import { attachOnce, edit, type Place, type Posting, postOnce } from './post.ts';
import { renderPlainFallback } from './render/fallback.ts';
import type { AskedQuestion, Message, Thread as Answer } from './render/message.ts';
import { renderBug, renderLooking, renderLost, renderProgress } from './render/notices.ts';
import { renderReport } from './render/report.ts';
import { respond } from './respond.ts';
import { safely } from './safely.ts';
import { SlackRefused } from './slack-call.ts';

/** While another delivery of the same run is being posted: an answer waits for it, anything less is stale by then. */
const TAKEN_MS = 200;

/** Shows one thing in Slack: root first, then its replies in order, each once. Thrown errors mean "again later". */
export async function deliver(posting: Showing, { data }: Delivery<OutboxJob>): Promise<void> {
  const taken = await posting.threads.take(data.runId);
  if (!taken && (data.kind === 'looking' || data.kind === 'progress')) return;
  if (!taken) throw new Later(TAKEN_MS);
  try {
    const thread = await posting.threads.read(data.runId);
    if (data.kind === 'looking') await showLooking(posting, thread, data);
    else if (data.kind === 'progress') await showProgress(posting, thread, data);
    else if (data.kind === 'card') await showCard(posting, thread, data);
    else await showAnswer(posting, thread, data);
  } finally {
    await taken.free();
  }
}

async function showLooking(posting: Posting, thread: Thread, job: OutboxJob): Promise<void> {
  if (thread.root || thread.answered || thread.elsewhere) return;
  try {
    await postOnce(posting, thread, ROOT, placeOf(job), renderLooking(questionOf(job)));
  } catch (error) {
    if (!(error instanceof SlackRefused)) throw error;
    await posting.threads.mark(job.runId, 'elsewhere');
  }
}

/** Progress is worth nothing later: whatever stands in its way, it is dropped. */
async function showProgress(
  posting: Posting,
  thread: Thread,
  job: Extract<OutboxJob, { kind: 'progress' }>,
): Promise<void> {
  if (!thread.root || thread.answered) return;
  await edit(posting, thread.root, renderProgress(job.progress, questionOf(job))).catch((error: unknown) =>
    posting.log.debug({ err: error, runId: job.runId }, 'progress was not shown'),
  );
}

type AnswerJob = Exclude<OutboxJob, { kind: 'looking' | 'progress' | 'card' }>;

async function showAnswer(posting: Showing, thread: Thread, job: AnswerJob): Promise<void> {
  if (thread.elsewhere) return showElsewhere(posting, thread, job);
  const { root, replies, attachments } = renderAnswer(job);
  const place = placeOf(job);
  try {
    if (job.kind === 'report') await posting.threads.keep(job.runId, ROOT_WORDS, JSON.stringify(root));
    const threadTs = await showRoot(posting, thread, place, await rootNow(posting, job.runId, root));
    await posting.threads.mark(job.runId, 'answered');
    for (const [at, reply] of replies.entries())
      await safely(posting, job, reply, (message) =>
        postOnce(posting, thread, `reply-${at}`, { ...place, threadTs }, message),
      );
    for (const [at, file] of attachments.entries())
      await attachOnce(posting, thread, `file-${at}`, { ...place, threadTs }, file).catch((error: unknown) =>
        withoutFile(posting, thread, { ...place, threadTs }, error),
      );
    if (job.kind === 'report') await showOffers(posting, thread, { ...place, threadTs });
  } catch (error) {
    if (!(error instanceof SlackRefused && error.shut)) throw error;
    await posting.threads.mark(job.runId, 'elsewhere');
    await showElsewhere(posting, thread, job);
  }
}

function renderAnswer(job: AnswerJob): Answer {
  if (job.kind === 'report') return renderReport(job.report, questionOf(job));
  const root = job.kind === 'bug' ? renderBug(job) : renderLost(job);
  return { root, replies: [], attachments: [] };
}

/** The verdict in the channel: edits "Looking…" where that is already there. */
async function showRoot(posting: Posting, thread: Thread, place: Place, message: Message): Promise<string> {
  const { runId } = place;
  if (thread.root) {
    const { root } = thread;
    if (thread.answered) return root.ts;
    try {
      await safely(posting, { runId }, message, (safe) => edit(posting, root, safe));
      return root.ts;
    } catch (error) {
      // Somebody deleted "Looking…", or Slack does not let it be edited: the answer is posted anew.
      if (!(error instanceof SlackRefused) || error.shut) throw error;
      await posting.threads.refused(runId, ROOT);
    }
  }
  const fresh = await posting.threads.read(runId);
  const ts = await safely(posting, { runId }, message, (safe) => postOnce(posting, fresh, ROOT, place, safe));
  return ts ?? fresh.root?.ts ?? '';
}

async function withoutFile(
  posting: Posting,
  thread: Thread,
  place: Place & { threadTs: string },
  error: unknown,
): Promise<void> {
  if (!(error instanceof SlackRefused)) throw error;
  posting.log.warn({ err: error, runId: place.runId }, 'the full list could not be attached');
  const words = `The full list could not be attached (${error.code}). The bot needs the scope files:write.`;
  await postOnce(posting, thread, 'no-file', place, plain(words));
}

/** The bot may not post where it was asked: through the asker's response_url, and failing that in a direct message. */
async function showElsewhere(posting: Posting, thread: Thread, job: AnswerJob): Promise<void> {
  if (thread.part('elsewhere') === 'posted') return;
  const message =
    job.kind === 'report' ? plain(renderPlainFallback(job.report).text) : renderAnswer(job).root;
  if (!(await respond(job.asked, message, posting.log))) {
    await postOnce(posting, thread, 'direct', { runId: job.runId, channelId: job.asked.by }, message);
  }
  await posting.threads.done(job.runId, 'elsewhere', { channelId: job.asked.channelId, ts: 'response_url' });
}

function questionOf({ runId, check, environment, asked }: OutboxJob): AskedQuestion {
  return { runId, check, environment, by: asked.by, at: asked.at, command: asked.as };
}

function plain(text: string): Message {
  return { text, blocks: [] };
}

function placeOf({ runId, asked }: OutboxJob): Place {
  return { runId, channelId: asked.channelId };
}
