import { z } from 'zod';
import {
  allowOption,
  hostKeyText,
  hostPatternsOption,
  nameOption,
  nonEmptyText,
  sshAccess,
  sshKeyProblem,
  timeoutOption,
} from '../options.ts';

const HOST = '{host}';
/** The questions that may be asked as root. */
const ROOT_QUESTIONS = [
  'neighbors',
  'network-settings',
  'checksum-rules',
  'kernel-log',
  'file-sizes',
  'instance-disks',
  'nova-settings',
  'disk-errors',
  'open-files',
  'certificates',
  'kubeadm',
] as const;

const folder = nonEmptyText.regex(/^(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}){1,12}$/, {
  error: 'must be an absolute path of letters, digits, `_`, `.` and `-`, without hidden folders',
});
const ownAccess = {
  user: nonEmptyText
    .exactOptional()
    .meta({ description: 'The user for this. Default: `user` of the source.' }),
  key: nonEmptyText.exactOptional().meta({
    description:
      'A file with the private key for this, whose forced command on the hosts is `wrench-change`. Default: the key for reading.',
  }),
  agent: nonEmptyText.exactOptional().meta({
    description: 'The socket of an ssh agent with the key for this, instead of `key`.',
  }),
};

const allow = allowOption({
  rescue: z
    .strictObject({
      folder: folder.meta({
        description:
          'The folder on each host that copies are saved in, on a local disk: `/srv/wrench-rescue`.',
      }),
      ...ownAccess,
    })
    .exactOptional()
    .meta({
      description:
        'Allows copying a deleted base image out of a process that still has it open, into a folder on the same host.',
    }),
  truncate: z.strictObject(ownAccess).exactOptional().meta({
    description: 'Allows truncating console logs of instances, if all processes that write to them append.',
  }),
  archive: z
    .strictObject({
      host: nonEmptyText.meta({
        description: 'The controller on which `nova-manage` runs, one of the hosts of the source.',
      }),
      ...ownAccess,
      batchRows: z.int().min(1).max(100_000).default(1000).meta({
        description: 'How many rows one batch archives at most.',
      }),
      keepDays: z.int().min(1).max(3650).default(90).meta({
        description: 'Rows that were deleted in the last days are kept.',
      }),
      dumpFolder: folder.meta({
        description:
          'The folder on this host with the dumps of the database. Without a recent one, nothing is archived.',
      }),
      maxDumpAgeHours: z.int().min(1).max(720).default(24).meta({
        description: 'How old the newest dump may be.',
      }),
      maxLoadPerCpu: z.number().min(0.1).max(100).default(1).meta({
        description: 'No further batch starts while the load of this host per CPU is above this.',
      }),
    })
    .exactOptional()
    .meta({ description: "Allows moving rows of deleted instances to Nova's shadow tables, in batches." }),
});

/** The `ssh` source in `wrench.yaml`: hosts on which a fixed set of commands runs. */
export const sshConfig = z
  .strictObject({
    kind: z.literal('ssh').meta({
      description:
        'Hosts, over ssh. Wrench runs a fixed set of commands there, which change nothing without `allow`.',
    }),
    name: nameOption('ssh'),
    hosts: hostPatternsOption(
      'The hosts, by name, with patterns: `["cmp-[01:40]", "net-{a,b}"]`. Reports use these names. At most 10,000.',
    ),
    inventory: nonEmptyText.exactOptional().meta({
      description:
        'A file with the hosts, which is read again when it changes: one host per line, followed by its address if that differs, or an Ansible inventory ' +
        'in INI format, of which `ansible_host`, `ansible_port` and `ansible_user` are used.',
    }),
    groups: z.array(nonEmptyText).min(1).exactOptional().meta({
      description: 'The groups of the Ansible inventory to read. Default: all.',
    }),
    address: nonEmptyText
      .regex(/^[\w.{}:-]+$/, {
        error: 'must be a name or an address, with `{host}` for the name of the host',
      })
      .default(HOST)
      .meta({
        description: 'The address of hosts for which the inventory has none: `{host}.example.internal`.',
      }),
    ...sshAccess,
    hostKeys: z.record(nonEmptyText, z.array(hostKeyText).min(1)).exactOptional().meta({
      description:
        'Host keys, or their fingerprints, by the name of the host, in addition to `knownHosts`: `{ cmp-12: [SHA256:…] }`.',
    }),
    concurrency: z.int().min(1).max(500).default(50).meta({
      description:
        "The maximum number of hosts to connect to at once. Hosts that haven't responded after a second are not counted.",
    }),
    sudo: z.array(z.enum(ROOT_QUESTIONS)).default([]).meta({
      description:
        "What to read with `sudo -n`, if the user can't read it otherwise. deploy/hosts/sudoers has the lines for the hosts.",
    }),
    certificates: z
      .array(z.enum(['kubernetes', 'bosh']))
      .min(1)
      .exactOptional()
      .meta({
        description:
          'Whose certificates to read on these hosts: `kubernetes` for those of kubeadm, kubelet and their kubeconfigs, `bosh` for those of the jobs and ' +
          'the agent of a BOSH instance. Filters on the hosts print certificates only, never a private key. Default: none.',
      }),
    allow,
    timeoutMs: timeoutOption({
      description:
        'The timeout for one command, in milliseconds, and for connecting to a host, which may take at most 10 seconds.',
    }),
  })
  .superRefine((config, context) => {
    const problem = (option: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [option], message });
    const { hosts, inventory, groups, address } = config;
    if (!hosts && inventory === undefined) problem('hosts', 'is needed, or `inventory`');
    if (hosts && inventory !== undefined)
      problem('inventory', 'is not used together with `hosts`. Remove one of them');
    if (hosts?.some((host) => host.includes('/')))
      problem('hosts', 'with `/` in their names are listed in `inventory`, with their addresses');
    if (groups && inventory === undefined) problem('groups', 'is only used with `inventory`');
    if (
      !address.includes(HOST) &&
      (inventory !== undefined || (hosts && (hosts.length > 1 || /[[{]/.test(hosts[0] ?? ''))))
    )
      problem('address', 'needs `{host}`, or all hosts would have the same address');
    const wrongKey = sshKeyProblem(config);
    if (wrongKey) problem(...wrongKey);
    for (const [change, own] of Object.entries(config.allow ?? {}))
      if (own?.key !== undefined && own.agent !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['allow', change, 'agent'],
          message: 'is not used together with `key`. Remove one of them',
        });
  })
  .meta({ description: 'Links, bonds, logs and versions of hosts.' });

export type SshConfig = z.output<typeof sshConfig>;
