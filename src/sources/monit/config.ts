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

const auth = userOption({
  username: 'The user name; on BOSH VMs always `vcap`.',
  password: 'The password. Unless processes may be restarted, a monit user marked `read-only` is enough.',
});

const host = z.strictObject({
  url: urlOption({ protocols: ['http', 'https'] }).meta({
    description: "The address of monit's HTTP interface: `http://10.0.16.5:2812`.",
  }),
  instance: nonEmptyText
    .regex(/^[^/\s]+\/[^/\s]+$/, { error: 'must be a group and an index or id, such as doppler_z2/0' })
    .meta({ description: 'The name of the machine: `doppler_z2/0`.' }),
  id: nonEmptyText
    .optional()
    .meta({ description: 'The UUID of the machine, if other systems identify it by that.' }),
  zone: nonEmptyText.optional().meta({ description: 'The availability zone of the machine.' }),
  addresses: z
    .array(nonEmptyText)
    .default([])
    .meta({ description: 'The addresses of the machine, as other systems see them.' }),
  auth: auth.optional().meta({ description: 'The user on this host. Default: the `auth` of the source.' }),
});

const processes = z.array(nonEmptyText);

const restart = z
  .strictObject({
    processes: processes.min(1).meta({
      description:
        'Names of processes: `[doppler]`. monit runs no drain scripts, so list no process that would lose work.',
    }),
  })
  .meta({ description: 'Allows restarting single processes.' });

/** The key up to version 0.6. */
export const oldRestart: OldKey<'restart', readonly string[], { restart: z.output<typeof restart> }> = {
  key: 'restart',
  toAllow: (processes) => (processes.length > 0 ? { restart: { processes: [...processes] } } : undefined),
};

const monit = z
  .strictObject({
    kind: z
      .literal('monit')
      .meta({ description: 'Machines with monit: the processes on them, without a BOSH director.' }),
    name: nameOption('monit'),
    hosts: z
      .array(host)
      .min(1)
      .refine((hosts) => new Set(hosts.map(({ instance }) => instance)).size === hosts.length, {
        error: 'must not list an instance twice',
      })
      .meta({ description: 'The machines.' }),
    auth: auth.optional().meta({ description: 'The user on all hosts without their own `auth`.' }),
    ca: caOption('the certificates of the monits, if they use https'),
    allow: allowOption({ restart: restart.exactOptional() }),
    restart: deprecatedOption(processes, 'allow.restart'),
    timeoutMs: timeoutOption(),
    actionSeconds: z
      .number()
      .positive()
      .max(3_600)
      .default(120)
      .meta({ description: 'The timeout for a restart, until the process runs again, in seconds.' }),
  })
  .refine((config) => config.auth !== undefined || config.hosts.every(({ auth }) => auth !== undefined), {
    message: 'is needed, or one for each host',
    path: ['auth'],
  })
  .meta({ description: 'Processes on machines whose monit can be reached.' });

/** The `monit` source in `wrench.yaml`: machines whose monit can be reached. */
export const monitConfig = acceptOldKey(monit, oldRestart);

export type MonitConfig = z.output<typeof monitConfig>;
export type MonitHost = MonitConfig['hosts'][number];
