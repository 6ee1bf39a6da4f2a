import type { CommandHandler, ListenerDeps } from '../access/answer-command.ts';
import type { Admitted } from '../access/pipeline.ts';
import { isDirect, postPrivately, postPublicly } from '../delivery/post-privately.ts';

/**
 * Runs a command that was not typed as a slash command, and posts its answer: the acknowledgement of a click, a form or a message can't carry it.
 */
export async function answerAsked<S>(
  commands: CommandHandler<S>,
  deps: Pick<ListenerDeps, 'client' | 'metrics' | 'log'>,
  admitted: Admitted<S>,
): Promise<undefined> {
  const { delivery } = admitted;
  const { outcome, message, inChannel } = await commands.answer(admitted);
  deps.metrics.commands.inc({ outcome });
  if (!message) return;
  // What everyone may see is in the thread of the mention. A private message there would be hidden until someone else replies.
  const { messageTs, threadTs = messageTs } = delivery;
  const isPublic = inChannel && !isDirect(delivery);
  const posting = isPublic
    ? postPublicly(deps, { ...delivery, ...(threadTs !== undefined && { threadTs }) }, message)
    : postPrivately(deps, delivery, message);
  // If this fails, the command took effect anyway.
  await posting.catch((error: unknown) =>
    deps.log.warn(
      { event: 'response-not-delivered', err: error, what: delivery.what },
      "Couldn't deliver the response to a click, a form or a message",
    ),
  );
}
