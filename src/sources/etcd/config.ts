import { isIP } from 'node:net';
import { z } from 'zod';
import {
  acceptOldKey,
  allowOption,
  caOption,
  clientCertificateOption,
  deprecatedOption,
  nameOption,
  nonEmptyText,
  type OldKey,
  timeoutOption,
  urlOption,
  userOption,
} from '../options.ts';

const address = urlOption({ protocols: ['http', 'https'], isOrigin: true });

const endpoint = z.union([
  address.transform((url) => ({ url })),
  z.strictObject({
    url: address.meta({ description: 'The address to connect to: `https://10.0.16.5:4001`.' }),
    servername: nonEmptyText
      .refine((name) => isIP(name) === 0, { error: 'must be a name, not an IP address' })
      .optional()
      .meta({
        description:
          'The name in its certificate, sent as SNI and verified: ' +
          '`etcd-z1-0.cf-etcd.service.cf.internal`. Needed when `url` has an IP address that the certificate does not list.',
      }),
  }),
]);

const maintenance = z
  .boolean()
  .meta({ description: 'Allows compacting, defragmenting and disarming alarms.' });

/** The key up to version 0.6. */
export const oldMaintain: OldKey<'maintain', boolean, { maintain: boolean }> = {
  key: 'maintain',
  toAllow: (maintain) => (maintain ? { maintain } : undefined),
};

const etcd = z
  .strictObject({
    kind: z
      .literal('etcd')
      .meta({ description: 'An etcd cluster: its health, and the services registered in it.' }),
    name: nameOption('etcd'),
    endpoints: z.array(endpoint).min(1).meta({
      description:
        'The client ports of the members, preferably of all: `https://host:port`, or `{ url, servername }`. If one does not respond, the next is tried.',
    }),
    ca: caOption('the certificates of the members'),
    clientCertificate: clientCertificateOption(
      'The client certificate for members that require one, as those of Cloud Foundry do.',
    ),
    auth: userOption().optional().meta({
      description:
        'The user, if authentication is enabled. Reading needs read permission; `allow.maintain` needs root.',
    }),
    timeoutMs: timeoutOption({
      description:
        'The timeout for one request, in milliseconds. A cluster without a quorum takes 5 to 7 s to report it; with a shorter timeout it only appears unresponsive.',
    }),
    maxBytes: z
      .int()
      .min(1_000)
      .max(1_000_000_000)
      .default(64_000_000)
      .meta({ description: 'The maximum size of a response, in bytes.' }),
    allow: allowOption({ maintain: maintenance.exactOptional() }),
    maintain: deprecatedOption(maintenance, 'allow.maintain'),
  })
  .meta({ description: 'Keys and members of an etcd cluster.' });

/** The `etcd` source in `wrench.yaml`: one cluster, by the v2 keys API and the v3 JSON gateway. */
export const etcdConfig = acceptOldKey(etcd, oldMaintain);

export type EtcdConfig = z.output<typeof etcdConfig>;
