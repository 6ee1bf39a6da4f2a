import type { WebClient } from '@slack/web-api';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { SlackDelivery } from '../access/delivery.ts';
import type { Message } from '../render/message.ts';
import { sendOrFallBackToText } from './send-or-fall-back-to-text.ts';

const NO_UNFURL = { unfurl_links: false, unfurl_media: false } as const;

/** Whether a delivery is from the direct messages of the bot and a person: everything in them is private. */
export function isDirect({ channelId = '' }: Pick<SlackDelivery, 'channelId'>): boolean {
  return channelId.startsWith('D');
}

/** The place and the sender of a delivery. */
type PrivateTarget = Pick<SlackDelivery, 'channelId' | 'userId' | 'threadTs' | 'triggerId'>;

/**
 * Posts a message that only the sender of a delivery sees, in the place it came from; in direct messages an ordinary one, which stays. Does
 * nothing if the delivery names no place or sender.
 */
export async function postPrivately(
  deps: { readonly client: WebClient; readonly metrics: Metrics; readonly log: Log },
  { channelId, userId, threadTs, triggerId = '' }: PrivateTarget,
  message: Message,
): Promise<void> {
  if (channelId === undefined || userId === undefined) return;
  await sendOrFallBackToText(deps, { runId: triggerId }, message, ({ text, blocks }) => {
    const body = {
      channel: channelId,
      ...(threadTs !== undefined && { thread_ts: threadTs }),
      text,
      ...(blocks.length > 0 && { blocks }),
    };
    return isDirect({ channelId })
      ? deps.client.chat.postMessage({ ...body, ...NO_UNFURL })
      : deps.client.chat.postEphemeral({ ...body, user: userId });
  });
}

/** Posts a message for everyone in the place that a delivery came from. */
export async function postPublicly(
  deps: { readonly client: WebClient; readonly metrics: Metrics; readonly log: Log },
  { channelId, threadTs, triggerId = '' }: Omit<PrivateTarget, 'userId'>,
  message: Message,
): Promise<void> {
  if (channelId === undefined) return;
  await sendOrFallBackToText(deps, { runId: triggerId }, message, ({ text, blocks }) =>
    deps.client.chat.postMessage({
      channel: channelId,
      ...(threadTs !== undefined && { thread_ts: threadTs }),
      text,
      ...(blocks.length > 0 && { blocks }),
      ...NO_UNFURL,
    }),
  );
}
