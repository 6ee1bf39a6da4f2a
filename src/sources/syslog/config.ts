import { z } from 'zod';
import {
  hostKeyText,
  nameOption,
  nonEmptyText,
  sshAccess,
  sshKeyProblem,
  timeoutOption,
  timeZoneOption,
} from '../options.ts';

const MIB = 1024 * 1024;
/** The commands that read files over ssh read no others. */
const ON_HOST = /^\/var\/log(?:\/|$)/;

const ssh = z
  .strictObject({
    host: nonEmptyText.meta({ description: 'The name or address of the host with the files.' }),
    ...sshAccess,
    hostKeys: z.array(hostKeyText).exactOptional().meta({
      description: 'Its host keys, or their fingerprints, in addition to `knownHosts`.',
    }),
  })
  .superRefine((access, context) => {
    const [option, message] = sshKeyProblem(access) ?? [];
    if (option !== undefined && message !== undefined)
      context.addIssue({ code: 'custom', path: [option], message });
  })
  .exactOptional()
  .meta({
    description: 'Read the files on another host, below `/var/log`. Default: on the machine of the worker.',
  });

export const syslogConfig = z
  .strictObject({
    kind: z.literal('syslog').meta({ description: 'Log files of switches, DHCP servers and systems.' }),
    name: nameOption('syslog'),
    contains: z
      .array(z.enum(['switch', 'dhcp', 'system']))
      .min(1)
      .meta({
        description:
          'What is in the files: messages of switches (`switch`), of DHCP servers (`dhcp`), of hosts (`system`).',
        examples: [['switch']],
      }),
    paths: z
      .array(nonEmptyText.startsWith('/', { error: 'must be an absolute path' }))
      .min(1)
      .meta({
        description:
          'Files, glob patterns, or folders with all files in them. Rotated files next to them (`.1`, `-20261125`, `.gz`, `.zst`) are read too. ' +
          'A path that matches nothing is reported.',
        examples: [['/var/log/switches', '/var/log/dnsmasq.log']],
      }),
    timezone: timeZoneOption(
      'The time zone of lines that have none, or a name with several meanings such as `CST`. Default: UTC.',
    ),
    ssh,
    switchPorts: nonEmptyText.exactOptional().meta({
      description:
        'A file on the machine of the worker with what is connected to each switch port: a line `SWITCH PORT HOST` each, or CSV with these columns. `#` begins a comment.',
    }),
    maxBytes: z
      .int()
      .min(MIB)
      .max(1024 * MIB)
      .default(64 * MIB)
      .meta({
        description:
          'The maximum number of bytes that one check reads. The report says how far back it has read.',
      }),
    timeoutMs: timeoutOption({
      defaultMs: 30_000,
      description: 'How long one check may read, in milliseconds. The report says how far back it has read.',
    }),
  })
  .refine(({ paths, ssh: access }) => !access || paths.every((path) => ON_HOST.test(path)), {
    error: 'must be below /var/log, because other files are not read over ssh',
    path: ['paths'],
  })
  .meta({ description: 'Logs of switches, DHCP servers and systems in files.' });

export type SyslogConfig = z.output<typeof syslogConfig>;
