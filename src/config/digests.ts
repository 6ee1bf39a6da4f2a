import { z } from 'zod';
import { channelId } from './ask-from.ts';

const EXAMPLE = '`{ check: certs/expiring, environments: [prod] }`';

const question = z.strictObject(
  {
    check: z
      .string()
      .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, { error: 'must be the name of a check such as certs/expiring' })
      .meta({ description: 'The name of a check.' }),
    environments: z
      .array(z.string())
      .min(1, { error: 'lists no environment; leave it out for the default one' })
      .exactOptional()
      .meta({ description: 'The environments to check. Default: `defaultEnvironment`.' }),
    args: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
      .prefault({})
      .meta({ description: 'Arguments of the check, by name. Default: those under `checks`.' }),
  },
  { error: `write it as ${EXAMPLE}` },
);

/** One digest of `wrench.yaml`. */
export const digestSchema = z.strictObject({
  cron: z.string().meta({
    description:
      'When it runs, as five cron fields: `30 7 * * 1-5`. A time that daylight saving skips runs right after the gap, and one that occurs twice runs once.',
  }),
  timeZone: z
    .string()
    .default('UTC')
    .meta({ description: 'The IANA time zone of `cron`, such as Europe/Berlin.' }),
  channel: channelId.meta({
    description: 'The id of the Slack channel where it is posted, C0123ABC. The bot must be in that channel.',
  }),
  quiet: z.boolean().default(false).meta({
    description: 'Whether it is posted only when something is new or worse, or can no longer be checked.',
  }),
  checks: z
    .array(question)
    .min(1, { error: 'lists no check' })
    .max(50, { error: 'lists more than 50 checks' })
    .meta({ description: 'What it checks, in this order.' }),
});
