import type { OutboxJob } from '../../queue/jobs.ts';
import { RetryLater } from '../../queue/workers.ts';
import type { PostDeps } from './post.ts';
import type { RequestOrigin } from '../../queue/request-origin.ts';
import type { MessageLocation } from '../../store/thread/threads.ts';
import { renderJoined } from '../render/replies/notices.ts';
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
  await respondPrivately(asked, renderJoined({ by: first.by, at: first.at, threadLink: link }), deps);
}

/** Slack's permalink of a message; undefined if the workspace's domain is unknown. */
export function permalinkOf(
  { teamDomain }: RequestOrigin,
  { channelId, ts }: MessageLocation,
): string | undefined {
  if (teamDomain === undefined) return undefined;
  return `https://${teamDomain}.slack.com/archives/${channelId}/p${ts.replace('.', '')}`;
}
