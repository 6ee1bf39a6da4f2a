import { z } from 'zod';

/** Who ran a command, where and when: all that is needed to respond in the right place. Stored as `asked` in jobs and records. */
export const requestOriginSchema = z.strictObject({
  /** Slack user id; never a name. */
  by: z.string(),
  teamId: z.string(),
  teamDomain: z.string().exactOptional(),
  channelId: z.string(),
  /** As typed, cleaned: `/certs expiring --within 30d`. */
  as: z.string(),
  at: z.iso.datetime(),
  /** Takes responses even where the bot isn't a member: at most 5 within 30 minutes. https://docs.slack.dev/interactivity/handling-user-interaction */
  responseUrl: z.url().exactOptional(),
});

export type RequestOrigin = z.infer<typeof requestOriginSchema>;
