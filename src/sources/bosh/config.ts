import { z } from 'zod';
import {
  acceptOldKey,
  allowOption,
  caOption,
  deprecatedOption,
  nameOption,
  nonEmptyText,
  type OldKey,
  timeoutOption,
  urlOption,
  userOption,
} from '../options.ts';

const clientAuth = z.strictObject({
  client: z
    .strictObject({
      id: nonEmptyText.meta({ description: 'The id of the client in UAA.' }),
      secret: nonEmptyText.meta({ description: 'The secret of the client.', secret: true }),
    })
    .meta({ description: 'Log in to UAA as a client (`client_credentials`).' }),
});

const basicAuth = z.strictObject({
  basic: userOption().meta({ description: 'Log in as a user of the director itself, if it has no UAA.' }),
});

const auth = z.union([clientAuth, basicAuth]);

const address = urlOption({ protocols: ['https'] });

const pattern = nonEmptyText.regex(/^[\w.*-]+$/, {
  error: 'must be the name of an instance group; `*` matches any part',
});

const groups = z.array(pattern).min(1).meta({
  description:
    'Instance groups whose instances may be restarted: `doppler*`. `*` matches any part of a name.',
});

const restarting = {
  auth: auth.meta({
    description:
      'A second credential, used only for restarts: a UAA client with the admin scope of one team (preferred), or with `bosh.admin`.',
  }),
  skipDrain: z.array(pattern).default([]).meta({
    description:
      'Instance groups that are restarted without running their drain scripts. On cells and databases this loses work.',
  }),
};

const restart = z
  .strictObject({ groups, ...restarting })
  .meta({ description: 'Allows restarting single instances.' });

const act = z.strictObject({ restart: groups, ...restarting });

/** The key up to version 0.6. */
export const oldAct: OldKey<'act', z.output<typeof act>, { restart: z.output<typeof restart> }> = {
  key: 'act',
  toAllow: ({ restart: groups, ...rest }) => ({ restart: { groups, ...rest } }),
};

const bosh = z
  .strictObject({
    kind: z
      .literal('bosh')
      .meta({ description: 'A BOSH director: the processes on the VMs of its deployments.' }),
    name: nameOption('bosh'),
    url: address.meta({ description: 'The address: `https://10.0.0.6:25555`.' }),
    ca: caOption('the certificates of the director and UAA'),
    uaa: address.optional().meta({
      description:
        'The address of UAA, `https://10.0.0.6:8443`, if the one that the director reports is unreachable.',
    }),
    deployments: z
      .array(nonEmptyText)
      .min(1)
      .optional()
      .meta({ description: 'The deployments to check: `[cf]`. Default: all that the credential can read.' }),
    auth: auth.meta({
      description: 'How to log in for reading: `client` (the scope `bosh.read` is enough) or `basic`.',
    }),
    allow: allowOption({ restart: restart.exactOptional() }),
    act: deprecatedOption(act, 'allow.restart'),
    timeoutMs: timeoutOption(),
    taskSeconds: z
      .number()
      .positive()
      .max(3_600)
      .default(60)
      .meta({ description: 'The timeout for a task that only reads, in seconds.' }),
    actionSeconds: z
      .number()
      .positive()
      .max(86_400)
      .default(900)
      .meta({ description: 'The timeout for a restart, including drain scripts, in seconds.' }),
  })
  .meta({ description: 'Deployments of a BOSH director.' });

/** The `bosh` source in `wrench.yaml`: a BOSH director, its deployments and their instances. */
export const boshConfig = acceptOldKey(bosh, oldAct);

export type BoshConfig = z.output<typeof boshConfig>;
export type BoshAuth = BoshConfig['auth'];
