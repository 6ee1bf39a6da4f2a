import { z } from 'zod';
import { channelId } from './ask-from.ts';

const EXAMPLE = '`{ check: certs/expiring, environments: [prod] }`';

const digestCheck = z.strictObject(
  {
    check: z
      .string()
      .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, { error: 'must be the name of a check such as certs/expiring' })
      .meta({ description: 'The name of a check.' }),
    environments: z
      .array(z.string())
      .min(1, { error: 'must list at least one environment; remove the key for the default environment' })
      .exactOptional()
      .meta({ description: 'The environments to check. Default: `defaultEnvironment`.' }),
    args: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
      .prefault({})
      .meta({ description: 'Arguments of the check, by name. Default: those under `checks`.' }),
  },
  { error: `must be a map such as ${EXAMPLE}` },
);

/** One digest of `wrench.yaml`. */
export const digestSchema = z.strictObject({
  cron: z.string().meta({
    description:
      'When the digest runs, as five cron fields: `30 7 * * 1-5`. A time that daylight saving skips runs right after the gap; a time that occurs twice runs once.',
  }),
  timeZone: z
    .string()
    .default('UTC')
    .meta({ description: 'The IANA time zone of `cron`, such as Europe/Berlin.' }),
  channel: channelId.meta({
    description: 'The id of the Slack channel to post in, such as C0123ABC. Invite the bot to it.',
  }),
  quiet: z.boolean().default(false).meta({
    description: 'Post only if something is new or worse, or can no longer be checked.',
  }),
  checks: z
    .array(digestCheck)
    .min(1, { error: 'must list at least one check' })
    .max(50, { error: 'must list at most 50 checks' })
    .meta({ description: 'The checks to run, in this order.' }),
});
