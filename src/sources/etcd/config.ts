import { isIP } from 'node:net';
import { z } from 'zod';

const word = z.string().trim().min(1);

const address = z
  .url({ protocol: /^https?$/ })
  .refine((url) => !/^https?:\/\/[^/]*@/.test(url), { error: 'must not hold a user or a password' })
  .refine((url) => new URL(url).pathname === '/', { error: 'must be scheme, host and port alone' })
  .transform((url) => url.replace(/\/+$/, ''));

const endpoint = z.union([
  address.transform((url) => ({ url })),
  z.strictObject({
    url: address.meta({ description: 'What is dialled, `https://10.0.16.5:4001`.' }),
    servername: word
      .refine((name) => isIP(name) === 0, { error: 'must be a name, not an address' })
      .optional()
      .meta({
        description:
          'The name in its certificate, which is asked for with SNI and verified: ' +
          '`etcd-z1-0.cf-etcd.service.cf.internal`. Needed where an IP address is dialled that the certificate does not hold.',
      }),
  }),
]);

/** The `etcd` source in `wrench.yaml`: one cluster, by the v2 keys API and the v3 JSON gateway. */
export const etcdConfig = z
  .strictObject({
    kind: z
      .literal('etcd')
      .meta({ description: 'An etcd cluster: what services announced there, and its own health.' }),
    name: word.default('etcd').meta({ description: 'What this source is called in reports.' }),
    endpoints: z.array(endpoint).min(1).meta({
      description:
        'Client ports of its members, best of all of them: `https://host:port`, or `{ url, servername }`. The next is asked where one does not answer.',
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
        description: 'Shown to members that ask for a client certificate, as all of Cloud Foundry do.',
      }),
    auth: z
      .strictObject({
        username: word.meta({ description: 'The user.' }),
        password: word.meta({ description: 'Its password.', secret: true }),
      })
      .optional()
      .meta({
        description: 'A user, where authentication is enabled. It needs to read, and `maintain` needs root.',
      }),
    timeoutMs: z.int().min(1).max(600_000).default(10_000).meta({
      description:
        'Time for one request, in milliseconds. A cluster without a majority takes 5 to 7 s to say so: with less time it only does not respond.',
    }),
    maxBytes: z
      .int()
      .min(1_000)
      .max(1_000_000_000)
      .default(64_000_000)
      .meta({ description: 'More than this is not read of one answer, in bytes.' }),
    maintain: z
      .boolean()
      .default(false)
      .meta({ description: 'Allow to compact, to defragment and to disarm alarms, after approval.' }),
  })
  .meta({ description: 'Keys and members of an etcd cluster.' });

export type EtcdConfig = z.output<typeof etcdConfig>;
