import { z } from 'zod';
import { appliedSilenceSchema, claimSchema } from '../../check/tracked-finding.ts';
import type { OutboxJob } from '../../queue/jobs.ts';
import { renderFindingStatus, statusPlaceholder } from '../render/findings/status.ts';
import type { PostDeps, PostTarget } from './post.ts';
import { putPart } from './put-part.ts';
import { SlackApiError } from './slack-call.ts';

const STATUS_PART = 'status';
/** Name of the saved text with the latest status, as JSON. */
const LATEST_STATUS = 'status';
/** Attempts at a status that Slack refuses. */
const MAX_ATTEMPTS = 4;

const savedStatus = z.object({
  findingId: z.string(),
  summary: z.string(),
  claim: claimSchema.exactOptional(),
  silence: appliedSilenceSchema.exactOptional(),
  by: z.string(),
  at: z.string(),
});

const parseStatus = (json: string) => savedStatus.parse(JSON.parse(json));

/**
 * Shows in the thread of a finding who works on it, or who silenced it: one message per finding and thread, edited for each later state. It is posted
 * without a mention, so no one is notified. An earlier state never replaces a later one, whichever process is faster. If nothing is shown and there
 * is nothing to show, nothing is posted.
 */
export async function showFindingStatus(
  deps: PostDeps,
  job: Extract<OutboxJob, { kind: 'finding-status' }>,
  target: PostTarget,
): Promise<void> {
  const { threads, log } = deps;
  const { runId, asked, threadTs, findingId, summary, claim, silence, at } = job;
  const own = JSON.stringify({
    findingId,
    summary,
    ...(claim && { claim }),
    ...(silence && { silence }),
    by: asked.by,
    at,
  });
  const inThread: PostTarget = { ...target, threadTs, isAwaited: true };
  try {
    const latest = parseStatus(await threads.saveNewest(runId, LATEST_STATUS, own, Date.parse(at)));
    const isEmpty = !latest.claim && !latest.silence;
    if (isEmpty && (await threads.read(runId)).part(STATUS_PART) === 'unposted') return;
    await putPart(deps, STATUS_PART, inThread, {
      placeholder: statusPlaceholder(latest),
      render: async () => {
        const saved = (await threads.read(runId)).savedText(LATEST_STATUS);
        return renderFindingStatus(saved === undefined ? latest : parseStatus(saved));
      },
    });
  } catch (error) {
    if (!(error instanceof SlackApiError)) throw error;
    if (!error.channelInaccessible && target.job.attempt < MAX_ATTEMPTS) throw error;
    log.warn(
      { event: 'finding-status-not-shown', err: error, runId, finding: findingId, code: error.code },
      "Couldn't show the status of a finding in its thread",
    );
  }
}
