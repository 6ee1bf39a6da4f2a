import { z } from 'zod';

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

/** Redis by Sentinel or as a Cluster, as in the configuration. */
export const redisSchema = z.union([sentinel, cluster]);

/** Where Redis is. `url` takes `redis://`, `rediss://` and `unix:///path`. */
export type RedisSettings = { readonly url: string } | z.output<typeof redisSchema>;
