import { isIP } from 'node:net';
import { z } from 'zod';

const word = z.string().trim().min(1);

const address = z
  .url({ protocol: /^https?$/ })
  .refine((url) => !/^https?:\/\/[^/]*@/.test(url), { error: 'must not contain a user or a password' })
  .refine((url) => new URL(url).pathname === '/', { error: 'must be only a scheme, host and port' })
  .transform((url) => url.replace(/\/+$/, ''));

const endpoint = z.union([
  address.transform((url) => ({ url })),
  z.strictObject({
    url: address.meta({ description: 'The address to connect to: `https://10.0.16.5:4001`.' }),
    servername: word
      .refine((name) => isIP(name) === 0, { error: 'must be a name, not an address' })
      .optional()
      .meta({
        description:
          'The name in its certificate, sent as SNI and verified: ' +
          '`etcd-z1-0.cf-etcd.service.cf.internal`. Needed when `url` has an IP address that the certificate does not list.',
      }),
  }),
]);

/** The `etcd` source in `wrench.yaml`: one cluster, by the v2 keys API and the v3 JSON gateway. */
export const etcdConfig = z
  .strictObject({
    kind: z
      .literal('etcd')
      .meta({ description: 'An etcd cluster: the services registered in it, and its health.' }),
    name: word.default('etcd').meta({ description: 'What this source is called in reports.' }),
    endpoints: z.array(endpoint).min(1).meta({
      description:
        'Client ports of its members, preferably all of them: `https://host:port`, or `{ url, servername }`. If one does not respond, the next is tried.',
    }),
    ca: word.optional().meta({
      description: "A PEM file with the authority that signed the members' certificates.",
    }),
    clientCertificate: z
      .strictObject({
        cert: word.meta({ description: 'A PEM file with the certificate.' }),
        key: word.meta({ description: 'A PEM file with its key.' }),
      })
      .optional()
      .meta({
        description: 'The client certificate for members that require one, as those of Cloud Foundry do.',
      }),
    auth: z
      .strictObject({
        username: word.meta({ description: 'The user.' }),
        password: word.meta({ description: 'Its password.', secret: true }),
      })
      .optional()
      .meta({
        description:
          'The user, if authentication is enabled. It needs permission to read; `maintain` needs root.',
      }),
    timeoutMs: z.int().min(1).max(600_000).default(10_000).meta({
      description:
        'Timeout for one request, in milliseconds. A cluster without a quorum takes 5 to 7 s to report that: with a shorter timeout it only appears unresponsive.',
    }),
    maxBytes: z
      .int()
      .min(1_000)
      .max(1_000_000_000)
      .default(64_000_000)
      .meta({ description: 'The largest response that is read, in bytes.' }),
    maintain: z
      .boolean()
      .default(false)
      .meta({ description: 'Allows compacting, defragmenting and disarming alarms, after approval.' }),
  })
  .meta({ description: 'Keys and members of an etcd cluster.' });

export type EtcdConfig = z.output<typeof etcdConfig>;
