import { compareDigest, snapshotOf } from '../../check/compare-digest.ts';
import { type DigestSnapshot, digestSnapshotSchema } from '../../check/digest-run.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import { RetryLater } from '../../queue/workers.ts';
import type { Digests } from '../../store/digests/digests.ts';
import { renderDigestNotPosted } from '../render/digest/digest-not-posted.ts';
import { renderDigest } from '../render/digest/digest.ts';
import type { CardDeps } from './cards.ts';
import { type PostTarget, postOnce, rootPlaceOf } from './post.ts';
import { showThread } from './show-thread.ts';
import { SlackApiError } from './slack-call.ts';

/** Dependencies of showing digests. */
export interface DigestDeps extends CardDeps {
  readonly digests: Digests;
  /** The channel for notices that a digest could not be posted. */
  readonly auditChannel?: string;
}

type DigestOutboxJob = Extract<OutboxJob, { kind: 'digest' }>;

/** Attempts at a digest that Slack refuses for another reason than its channel. */
const MAX_ATTEMPTS = 4;
/** How long to wait while another run of the digest is being posted. */
const RETRY_WHILE_OTHER_MS = 1_000;
/** Name of the saved text with the snapshot that the run is compared with, as JSON. */
const COMPARED_WITH = 'compared-with';

/**
 * Posts one run of a digest in its channel: its root and its thread, each once. The run is compared with the message that was posted last. This is
 * decided once, so that a retry posts the same. If Slack refuses, or there is no news, the next run is compared with the same message.
 */
export async function showDigest(deps: DigestDeps, job: DigestOutboxJob, target: PostTarget): Promise<void> {
  const { threads, digests, metrics } = deps;
  const { runId, run } = job;
  const { isClosed, root } = await threads.read(runId);
  // The process that posted the root may have died before it left the lane.
  if (isClosed || root) await deps.channelOrder.leave(...rootPlaceOf(runId, target.channelId));
  if (isClosed) return;
  const decision = await digests.beginPosting(run.name, runId);
  if (decision === 'wait') throw new RetryLater(RETRY_WHILE_OTHER_MS);
  if (decision !== 'go' && !root) {
    if (decision === 'replaced') metrics.digestPosts.inc({ outcome: 'replaced' });
    return drop(deps, target);
  }
  const posted = await comparedWith(deps, job, target);
  const changes = compareDigest(posted, run);
  if (!changes.isWorthPosting) {
    await digests.recordNotPosted(run.name, runId);
    metrics.digestPosts.inc({ outcome: 'quiet' });
    return drop(deps, target);
  }
  try {
    await showThread(deps, target, renderDigest(run, changes), {
      mayMention: [],
      // A message without news has no thread.
      hasOffers: changes.hasNews,
      isComplete: !changes.hasNews,
      afterRoot: async () => {
        if (decision !== 'go') return;
        const snapshot = { ...snapshotOf(run, posted), channel: target.channelId };
        await digests.recordPosted(run.name, runId, snapshot);
        metrics.digestPosts.inc({ outcome: 'posted' });
      },
    });
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    if (!error.channelInaccessible && target.job.attempt < MAX_ATTEMPTS) throw error;
    await giveUp(deps, job, target, error);
  }
}

/**
 * What the run is compared with. The first attempt decides it. If the last message was posted in another channel, no one has seen it in this one, and
 * the digest starts over.
 */
async function comparedWith(
  { threads, digests }: DigestDeps,
  { runId, run }: DigestOutboxJob,
  { channelId }: PostTarget,
): Promise<DigestSnapshot | undefined> {
  const saved = (await threads.read(runId)).savedText(COMPARED_WITH);
  if (saved === '') return undefined;
  const known = saved === undefined ? undefined : digestSnapshotSchema.safeParse(JSON.parse(saved)).data;
  if (known) return known;
  const last = await digests.lastPosted(run.name);
  const posted = last && (last.channel ?? channelId) === channelId ? last : undefined;
  await threads.saveText(runId, COMPARED_WITH, posted ? JSON.stringify(posted) : '');
  return posted;
}

/**
 * Gives up after Slack has refused. If the root isn't in the channel, the next run covers everything. Only the first refusal of a kind gets a notice.
 */
async function giveUp(
  deps: DigestDeps,
  { run, runId }: DigestOutboxJob,
  target: PostTarget,
  error: SlackApiError,
): Promise<void> {
  const { threads, digests, metrics, log } = deps;
  const { code } = error;
  if ((await threads.read(runId)).root) {
    log.error(
      { event: 'slack-digest-part-refused', err: error, runId, digest: run.name },
      "Slack refused a part of a digest's thread",
    );
    return drop(deps, target);
  }
  log.error(
    { event: 'slack-digest-refused', err: error, runId, digest: run.name, channel: target.channelId },
    'Slack refused a digest',
  );
  const before = await digests.undelivered(run.name);
  if (before?.code !== code) await postNotice(deps, run.name, target, code);
  await digests.recordNotPosted(run.name, runId, { at: new Date().toISOString(), code });
  metrics.digestPosts.inc({ outcome: 'refused' });
  await drop(deps, target);
}

async function postNotice(deps: DigestDeps, name: string, target: PostTarget, code: string): Promise<void> {
  const { auditChannel, log } = deps;
  if (auditChannel === undefined || auditChannel === target.channelId) return;
  const message = renderDigestNotPosted(name, target.channelId, code);
  const { runId, job } = target;
  await postOnce(deps, 'notice', { runId, job, channelId: auditChannel }, message).catch((error: unknown) => {
    if (!(error instanceof SlackApiError)) throw error;
    log.error(
      { event: 'digest-notice-not-posted', err: error, runId, digest: name },
      "Couldn't post the notice about a digest either",
    );
  });
}

/** Nothing more is posted for this run. */
async function drop({ threads, channelOrder }: DigestDeps, { runId, channelId }: PostTarget): Promise<void> {
  await channelOrder.leave(...rootPlaceOf(runId, channelId));
  await threads.close(runId);
}
