import type { PostDeps, PostTarget, Render } from './post.ts';
import { edit, postOnce } from './post.ts';
import type { Message } from '../render/message.ts';
import { withoutMentions } from '../render/without-mentions.ts';
import { sendOrFallBackToText } from './send-or-fall-back-to-text.ts';
import { SlackApiError } from './slack-call.ts';

/**
 * Posts a part once, as `postOnce` does, and notifies no one: people who work on a finding, or silenced it, are named by an edit.
 * @returns its `ts`.
 */
export async function postWithoutNotifying(
  deps: PostDeps,
  part: string,
  target: PostTarget,
  message: Message,
): Promise<string> {
  const unnamed = withoutMentions(message);
  const ts = await sendOrFallBackToText(deps, target, unnamed, (outgoing) =>
    postOnce(deps, part, target, outgoing),
  );
  if (unnamed !== message) await nameMentioned(deps, target, ts, () => message);
  return ts;
}

/** Edits a message that was posted without its mentions. A message that was deleted meanwhile stays deleted. */
export async function nameMentioned(
  deps: PostDeps,
  target: PostTarget,
  ts: string,
  render: Render,
): Promise<void> {
  await edit(deps, target, { channelId: target.channelId, ts }, render).catch((error: unknown) => {
    if (!(error instanceof SlackApiError)) throw error;
    deps.log.debug(
      { event: 'mentions-not-added', err: error, runId: target.runId },
      "Couldn't add the mentions to a message",
    );
  });
}
