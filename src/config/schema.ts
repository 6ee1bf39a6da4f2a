import { z } from 'zod';
import { sourceSchemas } from '../sources/schemas.ts';
import { redisSchema } from '../queue/redis-settings.ts';
import { remediationsSchema, rolesSchema } from '../store/remediation/policy.ts';
import { askFrom, channelId } from './ask-from.ts';
import { digestSchema } from './digests.ts';

/** One environment of `wrench.yaml`. */
export const environmentSchema = z.strictObject({
  sources: z
    .array(z.discriminatedUnion('kind', sourceSchemas))
    .min(1, { error: 'there must be at least one source' })
    .meta({ description: 'The systems that checks of this environment read.' }),
  askFrom: askFrom.exactOptional().meta({
    description:
      'Who may ask about this environment, and in which channels. Default: everybody, in every channel.',
  }),
});

const limits = z.strictObject({
  checkSeconds: z
    .number()
    .positive()
    .max(3_600)
    .default(120)
    .meta({ description: 'How many seconds a check may look; what is not seen by then is shown as a gap.' }),
  checksAtOnce: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(10)
    .meta({ description: 'How many checks one worker runs at once.' }),
  takeOverSeconds: z
    .number()
    .min(1)
    .max(600)
    .default(30)
    .meta({ description: 'How many seconds after its worker died a check is taken up by another.' }),
  stopSeconds: z.number().min(0).max(600).default(20).meta({
    description:
      'How many seconds running checks may go on when a worker is asked to stop; then they are handed back.',
  }),
  perPersonPerMinute: z.number().int().min(1).max(10_000).default(60).meta({
    description: 'How many commands, clicks and forms one person may send per minute. Others are refused.',
  }),
});

const history = z.strictObject({
  days: z.number().int().min(1).max(400).default(30).meta({
    description:
      'How many days a finding that is gone is kept, so that the next digest can report it. One that may still be there is kept 60 days longer. A thousand findings take about 400 kB in Redis.',
  }),
});

const audit = z.strictObject({
  copyTo: z.string().exactOptional().meta({
    description:
      'A file to which the bot copies the audit as JSON lines, or `stdout`. Each bot needs its own file. The last head seen is kept in `<file>.head`. Without a copy, the removal of entries at the end of the audit may go unnoticed.',
  }),
  channel: channelId.exactOptional().meta({
    description:
      'The id of a Slack channel, C0123ABC. The bot posts there when it can no longer copy the audit, or when entries are missing in Redis. It must be in the channel if that is private.',
  }),
});

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, { error: 'must be made of letters, digits, `-` and `_`' });

/** The whole of `wrench.yaml`. */
export const configSchema = z.strictObject({
  environments: z
    .record(name, environmentSchema)
    .meta({ description: 'The environments by name, each with its sources.' }),
  channels: z
    .record(channelId, z.string())
    .default({})
    .meta({ description: 'Which environment is meant in which Slack channel, by the id of the channel.' }),
  defaultEnvironment: z.string().exactOptional().meta({
    description: 'The environment where nothing else says which. Where there is only one, it is that one.',
  }),
  limits: limits.prefault({}).meta({ description: 'How much is done at once, and for how long.' }),
  roles: rolesSchema.prefault({}).meta({
    description: 'Who may do what about remediations: ids of people and user groups of Slack.',
  }),
  remediations: remediationsSchema
    .prefault({})
    .meta({ description: 'Which fixes are allowed, and how they are approved.' }),
  history: history.prefault({}).meta({ description: 'How long the findings of earlier runs are kept.' }),
  audit: audit.prefault({}).meta({ description: 'Where the audit is kept besides Redis.' }),
  redis: redisSchema.exactOptional().meta({
    description: 'Redis by Sentinel or as a Cluster. A single Redis is named by REDIS_URL instead.',
  }),
  checks: z
    .record(
      z
        .string()
        .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, { error: 'must be the name of a check such as certs/expiring' }),
      z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)),
    )
    .prefault({})
    .meta({ description: "A workspace's own default arguments, by check." }),
  digests: z
    .record(name, digestSchema)
    .default({})
    .meta({ description: 'Checks that run on a schedule and are reported in one message, by name.' }),
  commands: z
    .record(
      z.string().regex(/^[a-z0-9-]+$/, { error: 'must be the name of a command such as certs' }),
      z.strictObject({
        askFrom: askFrom.exactOptional().meta({
          description:
            'Who may use this command, and in which channels. Default: everybody, in every channel.',
        }),
      }),
    )
    .default({})
    .meta({ description: 'Rules for commands, by name without the slash: `certs`.' }),
});
