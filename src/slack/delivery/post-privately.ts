import type { WebClient } from '@slack/web-api';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { SlackDelivery } from '../access/delivery.ts';
import type { Message } from '../render/message.ts';
import { sendOrFallBackToText } from './send-or-fall-back-to-text.ts';

/** Posts a message that only the sender of a delivery sees, in the place it came from. Does nothing if the delivery names no place or sender. */
export async function postPrivately(
  deps: { readonly client: WebClient; readonly metrics: Metrics; readonly log: Log },
  { channelId, userId, threadTs, triggerId = '' }: SlackDelivery,
  message: Message,
): Promise<void> {
  if (channelId === undefined || userId === undefined) return;
  await sendOrFallBackToText(deps, { runId: triggerId }, message, ({ text, blocks }) =>
    deps.client.chat.postEphemeral({
      channel: channelId,
      user: userId,
      ...(threadTs !== undefined && { thread_ts: threadTs }),
      text,
      ...(blocks.length > 0 && { blocks }),
    }),
  );
}
