import { z } from 'zod';

/** Who ran a command, where and when: all that is needed to respond in the right place. Stored as `asked` in jobs and records. */
export const requestOriginSchema = z.strictObject({
  /** Slack user id; never a name. */
  by: z.string(),
  teamId: z.string(),
  teamDomain: z.string().exactOptional(),
  channelId: z.string(),
  /** The answer is posted in this thread of the channel. */
  threadTs: z.string().exactOptional(),
  /** As typed, cleaned: `/certs expiring --within 30d`. */
  as: z.string(),
  at: z.iso.datetime(),
  /** Takes responses even where the bot isn't a member: at most 5 within 30 minutes. https://docs.slack.dev/interactivity/handling-user-interaction */
  responseUrl: z.url().exactOptional(),
});

export type RequestOrigin = z.infer<typeof requestOriginSchema>;

/** Where the answer is posted: two requests in the same place share one answer. */
export function answerPlaceOf({
  channelId,
  threadTs,
}: Pick<RequestOrigin, 'channelId' | 'threadTs'>): string {
  return threadTs === undefined ? channelId : `${channelId} ${threadTs}`;
}
