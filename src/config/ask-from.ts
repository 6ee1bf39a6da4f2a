import { z } from 'zod';

/** The id of a channel or of a direct message, not a name. */
export const channelId = z.string().regex(/^[CDG][A-Z0-9]{2,}$/, {
  error: 'must be the id of a channel such as C0123ABC, not its name',
});

const groupId = z.string().regex(/^S[A-Z0-9]{2,}$/, {
  error: 'must be the id of a user group such as S0123ABC, not its name',
});

/** Who may run commands, and in which channels. An empty list is an error, because it would lock everyone out. */
export const askFrom = z
  .strictObject({
    channels: z
      .array(channelId)
      .min(1, { error: 'must list at least one channel; remove the key to allow every channel' })
      .exactOptional()
      .meta({
        description:
          'Ids of channels, such as C0123ABC. Commands are accepted only there. Default: every channel.',
      }),
    groups: z
      .array(groupId)
      .min(1, { error: 'must list at least one user group; remove the key to allow everyone' })
      .exactOptional()
      .meta({
        description:
          'Ids of user groups, such as S0123ABC. Only their members may run commands. Default: everyone.',
      }),
  })
  .refine(({ channels, groups }) => channels !== undefined || groups !== undefined, {
    error: 'must contain `channels`, `groups` or both',
  });
