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
    .min(1, { error: 'must list at least one source' })
    .meta({ description: 'The systems that checks read in this environment.' }),
  askFrom: askFrom.exactOptional().meta({
    description:
      'Who may run commands in this environment, and in which channels. Default: everyone, in every channel.',
  }),
});

const limits = z.strictObject({
  checkSeconds: z.number().positive().max(3_600).default(120).meta({
    description:
      'How long a check may run, in seconds. Sources that have not been read by then are reported as gaps.',
  }),
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
    .meta({ description: 'How many seconds after a worker dies another one takes over its checks.' }),
  stopSeconds: z.number().min(0).max(600).default(20).meta({
    description:
      'How many seconds running checks may continue when a worker stops. Then they return to the queue.',
  }),
  perPersonPerMinute: z.number().int().min(1).max(10_000).default(60).meta({
    description: 'How many commands, clicks and forms one person may send per minute. More are refused.',
  }),
});

const history = z.strictObject({
  days: z.number().int().min(1).max(400).default(30).meta({
    description:
      'How many days a finding that is gone is kept, so that the next digest can report it. A finding that may persist is kept 60 days longer. 1,000 findings take about 400 kB in Redis.',
  }),
});

const audit = z.strictObject({
  copyTo: z.string().exactOptional().meta({
    description:
      'A file to which the bot copies the audit as JSON lines, or `stdout`. Each bot needs its own file. The last audit head that it has seen is stored in `<file>.head`. Without a copy, the removal of entries at the end of the audit may go unnoticed.',
  }),
  channel: channelId.exactOptional().meta({
    description:
      'The id of a Slack channel, such as C0123ABC. The bot posts there when it can no longer copy the audit, or when entries are missing in Redis. If the channel is private, invite the bot.',
  }),
});

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, { error: 'must consist of letters, digits, `-` and `_`' });

/** The whole of `wrench.yaml`. */
export const configSchema = z.strictObject({
  environments: z
    .record(name, environmentSchema)
    .meta({ description: 'The environments, by name, and the sources of each.' }),
  channels: z.record(channelId, z.string()).default({}).meta({
    description:
      'The environment that commands in a Slack channel use, by the id of the channel: `C0123ABC: prod`.',
  }),
  defaultEnvironment: z.string().exactOptional().meta({
    description:
      'The environment that a command uses if neither `--env` nor `channels` says which. Default: the only environment, if there is just one.',
  }),
  limits: limits.prefault({}).meta({ description: 'Limits on concurrency, run time and request rate.' }),
  roles: rolesSchema.prefault({}).meta({
    description:
      'Who may request and approve fixes and read the audit: ids of people and user groups in Slack.',
  }),
  remediations: remediationsSchema
    .prefault({})
    .meta({ description: 'Which fixes are allowed, and how they are approved.' }),
  history: history.prefault({}).meta({ description: 'How long findings of earlier runs are kept.' }),
  audit: audit
    .prefault({})
    .meta({ description: 'Where the audit is copied, and where its problems are reported.' }),
  redis: redisSchema.exactOptional().meta({
    description: 'Redis with Sentinel, or Redis Cluster. For a single Redis, set `REDIS_URL` instead.',
  }),
  checks: z
    .record(
      z
        .string()
        .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, { error: 'must be the name of a check such as certs/expiring' }),
      z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)),
    )
    .prefault({})
    .meta({ description: 'Default arguments of checks, by check: `certs/expiring: { within: 14d }`.' }),
  digests: z.record(name, digestSchema).default({}).meta({
    description: 'Digests, by name: checks that run on a schedule and are reported in one message.',
  }),
  commands: z
    .record(
      z.string().regex(/^[a-z0-9-]+$/, { error: 'must be the name of a command such as certs' }),
      z.strictObject({
        askFrom: askFrom.exactOptional().meta({
          description:
            'Who may use this command, and in which channels. Default: everyone, in every channel.',
        }),
      }),
    )
    .default({})
    .meta({ description: 'Rules for commands, by name without the slash: `certs`.' }),
});
