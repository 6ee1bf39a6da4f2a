import { z } from 'zod';

const word = z.string().trim().min(1);

const auth = z.strictObject({
  username: word.meta({ description: 'The user; BOSH writes `vcap` everywhere.' }),
  password: word.meta({
    description: 'The password. If nothing may be restarted, a monit user marked `read-only` is enough.',
    secret: true,
  }),
});

const host = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/^https?:\/\/[^/]*@/.test(url), { error: 'must not contain a user or a password' })
    .transform((url) => url.replace(/\/+$/, ''))
    .meta({ description: "The address of monit's HTTP interface, `http://10.0.16.5:2812`." }),
  instance: word
    .regex(/^[^/\s]+\/[^/\s]+$/, { error: 'must be a group and an index or id, such as doppler_z2/0' })
    .meta({ description: 'The name of the machine, `doppler_z2/0`.' }),
  id: word.optional().meta({ description: 'Its UUID, if other systems identify it by that.' }),
  zone: word.optional().meta({ description: 'The availability zone that it is in.' }),
  addresses: z.array(word).default([]).meta({ description: 'Its addresses, as others see them.' }),
  auth: auth.optional().meta({ description: "The user of this host, if it is not the source's own `auth`." }),
});

/** The `monit` source in `wrench.yaml`: machines whose monit can be reached. */
export const monitConfig = z
  .strictObject({
    kind: z
      .literal('monit')
      .meta({ description: 'Machines with monit: the processes on them, without a BOSH director.' }),
    name: word.default('monit').meta({ description: 'What this source is called in reports.' }),
    hosts: z
      .array(host)
      .min(1)
      .refine((hosts) => new Set(hosts.map(({ instance }) => instance)).size === hosts.length, {
        error: 'must not name an instance twice',
      })
      .meta({ description: 'The machines.' }),
    auth: auth.optional().meta({ description: 'The user for all hosts without an `auth` of their own.' }),
    ca: word.optional().meta({
      description: "A PEM file with the authority that signed the monits' certificates, if they use https.",
    }),
    restart: z
      .array(word)
      .default([])
      .meta({
        description:
          'Names of processes that may be restarted, each alone and after approval: `[doppler]`. monit runs no drain scripts, ' +
          'so list none that would lose work. Default: none, so this source only reads.',
      }),
    timeoutMs: z
      .int()
      .min(1)
      .max(600_000)
      .default(10_000)
      .meta({ description: 'Timeout for one request, in milliseconds.' }),
    actionSeconds: z
      .number()
      .positive()
      .max(3_600)
      .default(120)
      .meta({ description: 'How long a restart may take until the process runs again, in seconds.' }),
  })
  .refine((config) => config.auth !== undefined || config.hosts.every(({ auth }) => auth !== undefined), {
    message: 'is needed, or one for each host',
    path: ['auth'],
  })
  .meta({ description: 'Processes on machines whose monit can be reached.' });

export type MonitConfig = z.output<typeof monitConfig>;
export type MonitHost = MonitConfig['hosts'][number];
