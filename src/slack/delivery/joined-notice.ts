import type { OutboxJob } from '../../queue/jobs.ts';
import { RetryLater } from '../../queue/workers.ts';
import type { PostDeps } from './post.ts';
import type { RequestOrigin } from '../../queue/request-origin.ts';
import type { MessageLocation } from '../../store/thread/threads.ts';
import { renderJoined } from '../render/replies/notices.ts';
import { postPrivately } from './post-privately.ts';
import { respondPrivately } from './respond.ts';

/** How long to wait for the thread before trying again. */
const RETRY_AFTER_MS = 500;
/** Slack accepts answers to a command for 30 minutes. */
const GIVE_UP_MS = 25 * 60_000;

/** Sends the link to the thread to a person who requested the same check in the same channel, once the thread exists. */
export async function sendJoinedNotice(
  deps: PostDeps,
  { runId, asked, first }: Extract<OutboxJob, { kind: 'joined' }>,
): Promise<void> {
  const thread = await deps.threads.read(runId);
  if (thread.elsewhere || Date.now() - Date.parse(asked.at) > GIVE_UP_MS) return;
  if (!thread.root && thread.isClosed) return;
  if (!thread.root) throw new RetryLater(RETRY_AFTER_MS);
  const link = permalinkOf(asked, thread.root);
  if (link === undefined) return;
  const message = renderJoined({ by: first.by, at: first.at, threadLink: link });
  // A mention has no response_url.
  if (await respondPrivately(asked, message, deps)) return;
  const { channelId, threadTs, by: userId } = asked;
  await postPrivately(
    deps,
    { channelId, userId, ...(threadTs !== undefined && { threadTs }) },
    message,
  ).catch((error: unknown) =>
    deps.log.warn(
      { event: 'joined-notice-not-delivered', err: error, runId },
      "Couldn't deliver the link to a running check",
    ),
  );
}

/** Slack's permalink of a message; undefined if the workspace's domain is unknown. */
export function permalinkOf(
  { teamDomain }: RequestOrigin,
  { channelId, ts }: MessageLocation,
): string | undefined {
  if (teamDomain === undefined) return undefined;
  return `https://${teamDomain}.slack.com/archives/${channelId}/p${ts.replace('.', '')}`;
}
