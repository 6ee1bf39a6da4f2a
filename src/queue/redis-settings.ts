import { z } from 'zod';

const server = z.strictObject({
  host: z.string().min(1).meta({ description: 'Host name or IP address.' }),
  port: z.number().int().min(1).max(65_535).meta({ description: 'Port.' }),
});

const access = {
  username: z.string().exactOptional().meta({ description: 'Redis ACL user.' }),
  password: z.string().exactOptional().meta({ description: 'Redis password.', secret: true }),
  tls: z
    .strictObject({
      ca: z.string().exactOptional().meta({
        description:
          'PEM file with the CA certificates of the servers, if they are not signed by a public CA.',
      }),
      servername: z.string().exactOptional().meta({
        description: 'Host name in the certificates of the servers, if it differs from `host`.',
      }),
    })
    .exactOptional()
    .meta({
      description: 'Connects with TLS. `{}` is enough if a public CA signs the certificates.',
    }),
};

const sentinel = z.strictObject({
  sentinels: z.array(server).min(1).meta({ description: 'The Sentinels to connect to.' }),
  name: z.string().min(1).meta({ description: 'Name of the primary in the Sentinels, such as `mymaster`.' }),
  sentinelPassword: z
    .string()
    .exactOptional()
    .meta({ description: 'Password of the Sentinels.', secret: true }),
  ...access,
});

const cluster = z.strictObject({
  cluster: z
    .array(server)
    .min(1)
    .meta({ description: 'Nodes of the cluster to connect to first. They report the others.' }),
  ...access,
});

/** `redis` in wrench.yaml: Sentinel or Cluster. */
export const redisSchema = z.union([sentinel, cluster]);

/** How to connect to Redis. `url` is `redis://`, `rediss://` or `unix:///path`. */
export type RedisSettings = { readonly url: string } | z.output<typeof redisSchema>;
