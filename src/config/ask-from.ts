import { z } from 'zod';

/** The id of a channel or of a direct message, never a name. */
export const channelId = z.string().regex(/^[CDG][A-Z0-9]{2,}$/, {
  error: 'must be the id of a channel such as C0123ABC, not its name',
});

const groupId = z.string().regex(/^S[A-Z0-9]{2,}$/, {
  error: 'must be the id of a user group such as S0123ABC, not its name',
});

/** Who may ask, and where. An empty list would lock everybody out, so it is an error. */
export const askFrom = z
  .strictObject({
    channels: z
      .array(channelId)
      .min(1, { error: 'names no channel; leave the key out to allow every channel' })
      .exactOptional()
      .meta({
        description: 'Ids of the channels in which commands are accepted. Without it: every channel.',
      }),
    groups: z
      .array(groupId)
      .min(1, { error: 'names no user group; leave the key out to allow everybody' })
      .exactOptional()
      .meta({ description: 'Ids of user groups; one must include the person. Without it: everybody.' }),
  })
  .refine(({ channels, groups }) => channels !== undefined || groups !== undefined, {
    error: 'must name `channels`, `groups` or both',
  });

export type AskFrom = z.output<typeof askFrom>;
