import { z } from 'zod';
import { filesConfig } from '../sources/files/config.ts';
import { vaultConfig } from '../sources/vault/config.ts';
import { tlsConfig } from '../sources/tls/config.ts';

const server = z.strictObject({
  host: z.string().min(1).meta({ description: 'A host name or an address.' }),
  port: z.number().int().min(1).max(65_535).meta({ description: 'A port.' }),
});

const access = {
  username: z.string().exactOptional().meta({ description: 'The user of Redis, where it has users.' }),
  password: z.string().exactOptional().meta({ description: 'The password of Redis.', secret: true }),
  tls: z
    .strictObject({
      ca: z.string().exactOptional().meta({
        description: 'A PEM file with the authorities that sign the servers, where the public ones do not.',
      }),
      servername: z.string().exactOptional().meta({
        description: 'The name that the certificates of the servers are for, where it is not their host.',
      }),
    })
    .exactOptional()
    .meta({
      description: 'Talks TLS to Redis; `{}` is enough where a public authority signs its certificates.',
    }),
};

const sentinel = z.strictObject({
  sentinels: z.array(server).min(1).meta({ description: 'The Sentinels.' }),
  name: z.string().min(1).meta({ description: 'The name by which the Sentinels know the primary.' }),
  sentinelPassword: z
    .string()
    .exactOptional()
    .meta({ description: 'The password of the Sentinels themselves.', secret: true }),
  ...access,
});

const cluster = z.strictObject({
  cluster: z
    .array(server)
    .min(1)
    .meta({ description: 'Some of the nodes of the Cluster; the others are found through them.' }),
  ...access,
});

const environment = z.strictObject({
  sources: z
    .array(z.discriminatedUnion('kind', [tlsConfig, filesConfig, vaultConfig]))
    .min(1, { error: 'there must be at least one source' })
    .meta({ description: 'The systems that checks of this environment read.' }),
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
});

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, { error: 'must be made of letters, digits, `-` and `_`' });

/** The whole of `wrench.yaml`. */
export const configSchema = z.strictObject({
  environments: z
    .record(name, environment)
    .meta({ description: 'The environments by name, each with its sources.' }),
  channels: z
    .record(
      z.string().regex(/^[CDG][A-Z0-9]{2,}$/, {
        error: 'must be the id of a channel such as C0123ABC, not its name',
      }),
      z.string(),
    )
    .default({})
    .meta({ description: 'Which environment is meant in which Slack channel, by the id of the channel.' }),
  defaultEnvironment: z.string().exactOptional().meta({
    description: 'The environment where nothing else says which. Where there is only one, it is that one.',
  }),
  limits: limits.prefault({}).meta({ description: 'How much is done at once, and for how long.' }),
  redis: z.union([sentinel, cluster]).exactOptional().meta({
    description: 'Redis by Sentinel or as a Cluster. A single Redis is named by REDIS_URL instead.',
  }),
  checks: z
    .record(
      z
        .string()
        .regex(/^[a-z0-9-]+\/[a-z0-9-]+$/, { error: 'must be the name of a check such as certs/expiring' }),
      z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    )
    .default({})
    .meta({ description: "A workspace's own default arguments, by check." }),
});

export type ParsedConfig = z.output<typeof configSchema>;
export type SourceConfig = ParsedConfig['environments'][string]['sources'][number];
export type RedisConfig = NonNullable<ParsedConfig['redis']>;
