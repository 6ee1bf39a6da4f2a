import type { MessageLocation } from '../../store/thread/threads.ts';
import { edit, type PostDeps, postOnce, type PostTarget, type Render } from './post.ts';
import { SlackApiError } from './slack-call.ts';

/**
 * Shows a part of a thread by editing its message. A new one is posted as a placeholder without buttons and edited immediately: if Slack's
 * reply is lost it may be posted twice, and the copy that is never edited must stay true and offer nothing. A deleted one is posted again.
 */
export async function putPart(
  deps: PostDeps,
  part: string,
  target: PostTarget,
  { placeholder, render }: { readonly placeholder: string; readonly render: Render },
): Promise<void> {
  const { threads } = deps;
  const post = async (): Promise<MessageLocation> => ({
    channelId: target.channelId,
    ts: await postOnce(deps, part, target, { text: placeholder, blocks: [] }),
  });
  const show = (where: MessageLocation) => edit(deps, target, where, render);
  try {
    await show((await threads.read(target.runId)).locationOf(part) ?? (await post()));
  } catch (error) {
    if (!(error instanceof SlackApiError && NOT_EDITABLE.has(error.code))) throw error;
    await threads.forget(target.runId, part);
    await show(await post());
  }
}

/** The message was deleted, or Slack does not allow this edit. */
const NOT_EDITABLE = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'block_mismatch',
]);
