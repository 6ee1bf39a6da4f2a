import { z } from 'zod';

/** Who asked, where and when: all that is needed to answer in the right place. */
export const requestOriginSchema = z.strictObject({
  /** Slack user id; never a name. */
  by: z.string(),
  teamId: z.string(),
  teamDomain: z.string().exactOptional(),
  channelId: z.string(),
  /** As typed, cleaned: `/certs expiring --within 30d`. */
  as: z.string(),
  at: z.iso.datetime(),
  /** Slack's way to answer where the bot is not a member: 5 uses within 30 minutes. */
  responseUrl: z.url().exactOptional(),
});

export type RequestOrigin = z.infer<typeof requestOriginSchema>;
