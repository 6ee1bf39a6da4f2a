import type { HostFiles, HostLog } from '../ports/hosts.ts';
import {
  type AsRoot,
  choose,
  command,
  HostArgumentError,
  type HostCommand,
  JOURNAL,
  KIB,
  MIB,
  since,
  variable,
} from './host-command.ts';

/** Where Nova keeps instances, unless `instances_path` or `state_path` say otherwise. */
export const INSTANCES_PATH = '/var/lib/nova/instances';

const NOVA_SETTING_FILES = [
  '/usr/share/nova/nova-dist.conf',
  '/etc/nova/nova.conf',
  '/etc/nova/nova-compute.conf',
  '/etc/nova/nova.conf.d',
  '/etc/kolla/nova-compute/nova.conf',
  '/var/lib/config-data/puppet-generated/nova_libvirt/etc/nova/nova.conf',
];
/** With their names in older versions: https://opendev.org/openstack/nova/src/branch/master/nova/conf/imagecache.py */
export const NOVA_SETTING_KEYS: readonly string[] = [
  'instances_path',
  'state_path',
  'my_ip',
  'host',
  'manager_interval',
  'image_cache_manager_interval',
  'subdirectory_name',
  'image_cache_subdirectory_name',
  'base_dir_name',
  'remove_unused_base_images',
  'remove_unused_original_minimum_age_seconds',
  'remove_unused_resized_minimum_age_seconds',
  'images_type',
  'libvirt_images_type',
];
const BLANKS = '[[:blank:]]*';
const NOVA_SETTING_LINES = [
  String.raw`^${BLANKS}\[`,
  String.raw`^${BLANKS}\(${NOVA_SETTING_KEYS.join(String.raw`\|`)}\)${BLANKS}[=:]`,
];

/** Without `disk.config`, which is a CD, and `disk.info`. `disk.local`, `disk.swap` and `disk.eph0` may have a base image too. */
const DISKS = `find -H ${INSTANCES_PATH} -mindepth 2 -maxdepth 2 -name disk* ! -name disk.config* ! -name disk.info ( -type f -o -type l ) -print0 -exec`;
/** They may have backing files too, if `force_raw_images` is off. */
const BASE_IMAGES = `find -H ${INSTANCES_PATH} -mindepth 2 -maxdepth 2 -path ${INSTANCES_PATH}/_base*/* -type f -print0 -exec`;
/** The limits that Nova sets, because guests can write headers: https://bugs.launchpad.net/nova/+bug/1449062 */
const QEMU_IMG = 'prlimit --as=1073741824 --cpu=30 qemu-img info';

const OPEN_FILES: Readonly<Record<HostFiles, string>> = {
  'console-logs': '*/console.log*',
  'image-cache': '*/_base*/*',
};

export type NovaLog = Exclude<HostLog, 'dhcp' | 'kernel' | 'archive-job'>;

const COMPUTE = {
  journal:
    '_SYSTEMD_UNIT=nova-compute.service _SYSTEMD_UNIT=openstack-nova-compute.service + SYSLOG_IDENTIFIER=nova-compute + CONTAINER_NAME=nova_compute',
  files: [
    '/var/log/nova/nova-compute.log',
    '/var/log/kolla/nova/nova-compute.log',
    '/var/log/containers/nova/nova-compute.log',
    '/var/log/nova/nova-compute.log.1',
    '/var/log/kolla/nova/nova-compute.log.1',
    '/var/log/containers/nova/nova-compute.log.1',
  ],
};
const API = {
  journal:
    '_SYSTEMD_UNIT=nova-api.service _SYSTEMD_UNIT=openstack-nova-api.service + SYSLOG_IDENTIFIER=nova-api SYSLOG_IDENTIFIER=nova-api-wsgi + CONTAINER_NAME=nova_api',
  files: [
    '/var/log/nova/nova-api.log',
    '/var/log/nova/nova-api-wsgi.log',
    '/var/log/kolla/nova/nova-api.log',
    '/var/log/kolla/nova/nova-api-wsgi.log',
    '/var/log/containers/nova/nova-api.log',
    '/var/log/nova/nova-api.log.1',
    '/var/log/nova/nova-api-wsgi.log.1',
    '/var/log/kolla/nova/nova-api.log.1',
    '/var/log/kolla/nova/nova-api-wsgi.log.1',
    '/var/log/containers/nova/nova-api.log.1',
  ],
};
/** Patterns for `grep -E` and PCRE. No word has a blank. */
const NOVA_LOGS: Readonly<
  Record<NovaLog, { readonly pattern: string; readonly journal: string; readonly files: readonly string[] }>
> = {
  'image-cache': { pattern: '[Bb]ase.files?:|ephemeral.file|swap.file', ...COMPUTE },
  'service-reports': {
    pattern: 'reporting.service.status|unable.to.report.status|model.server.went.away',
    ...COMPUTE,
  },
  'slow-requests': { pattern: 'status:.[0-9]+.len:.[0-9-]+.*time:.[1-9]|bytes.in.[0-9]{4,}.msecs', ...API },
};

export const NOVA_MANAGE_FILES = ['/var/log/nova/nova-manage.log', '/var/log/kolla/nova/nova-manage.log'];

const INSTANCE_FILE = /^\/var\/lib\/nova\/instances(?:\/[A-Za-z0-9_+:@%,=-][A-Za-z0-9_.+:@%,=-]*){1,8}$/;

/** Whether a command may ask for this file: an absolute path below `/var/lib/nova/instances`, without hidden names and unusual characters. */
export function isInstanceFile(path: string): boolean {
  return path.length <= 512 && INSTANCE_FILE.test(path);
}

/** What a line of the log has. */
export function novaLogPattern(log: NovaLog): RegExp {
  return new RegExp(NOVA_LOGS[log].pattern);
}

/** The files that may have the log. */
export function novaLogFiles(log: NovaLog): readonly string[] {
  return NOVA_LOGS[log].files;
}

/** Questions about instances and their files, and about Nova. A part of `HOST_COMMANDS`. */
export const NOVA_COMMANDS = {
  /** For each disk: its path, a NUL, and the JSON of `qemu-img info`, which is absent if that failed. It opens no backing files. */
  instanceDisks: ({ sudo }: AsRoot) =>
    command([`${DISKS} ${QEMU_IMG} -U --output=json {} ;`], { sudo, maxBytes: 10 * MIB }),
  /** Of versions before 2.11, which lock nothing: https://wiki.qemu.org/ChangeLog/2.11 */
  instanceDisksOfOldQemu: ({ sudo }: AsRoot) =>
    command([`${DISKS} ${QEMU_IMG} --output=json {} ;`], { sudo, maxBytes: 10 * MIB }),

  /** The same about base images. */
  baseImages: ({ sudo }: AsRoot) =>
    command([`${BASE_IMAGES} ${QEMU_IMG} -U --output=json {} ;`], { sudo, maxBytes: 10 * MIB }),
  baseImagesOfOldQemu: ({ sudo }: AsRoot) =>
    command([`${BASE_IMAGES} ${QEMU_IMG} --output=json {} ;`], { sudo, maxBytes: 10 * MIB }),

  /** `1048576,2048,1764158400,/var/lib/nova/…`: size, blocks of 512 bytes, time of change. */
  fileStates: ({ paths }: { readonly paths: readonly string[] }) => {
    if (paths.length === 0 || !paths.every(isInstanceFile))
      throw new HostArgumentError('not paths below /var/lib/nova/instances, or with unusual characters');
    return command(['stat -L -c %s,%b,%Y,%n --', ...paths.map(variable)], { maxBytes: MIB });
  },

  novaSettings: ({ sudo }: AsRoot) =>
    command(['grep -RHan', ...NOVA_SETTING_LINES.map((line) => `-e ${line}`), ...NOVA_SETTING_FILES], {
      sudo,
      maxBytes: MIB,
    }),

  computeNodes: () => command([`cat ${INSTANCES_PATH}/compute_nodes`], { maxBytes: MIB }),

  /** `/var/log/libvirt/qemu/instance-0000091c.log:2026-11-26T09:31:55.201Z: block I/O error in device …` */
  diskErrors: ({ sudo }: AsRoot) =>
    command(['grep -rHa -e block.I/O.error /var/log/libvirt/qemu /var/log/kolla/libvirt/qemu'], {
      sudo,
      maxBytes: 16 * MIB,
    }),

  /** What `/proc/PID/fd` names as files is behind all symbolic links. */
  instancesPath: () => command([`readlink -f ${INSTANCES_PATH}`], { maxBytes: 4 * KIB }),
  /**
   * `/proc/1/fd` and a NUL, if the files of other users are visible. For each open file `/proc/31877/fd/14,/var/lib/nova/…/console.log` and a NUL, and
   * on one line each: its flags, its size with blocks, and the name of the program. `-execdir` runs in `/proc/31877/fd`.
   */
  openFiles: ({ sudo, files }: AsRoot & { readonly files: HostFiles }) =>
    command(
      [
        'find /proc -mindepth 1 -maxdepth 3 -path /proc/*/* ! -path /proc/*/fd ! -path /proc/*/fd/* -prune',
        String.raw`-o -path /proc/1/fd -printf %p\0`,
        String.raw`-o -path /proc/[0-9]*/fd/* -lname ${choose(OPEN_FILES, files)} -printf %p,%l\0`,
        '-execdir grep -ha ^flags: ../fdinfo/{} ; -execdir stat -L -c %s,%b {} ; -execdir cat ../comm ;',
      ],
      { sudo, maxBytes: 10 * MIB },
    ),

  /** `/proc/loadavg:0.20 0.18 0.12 1/80 11206` and `/sys/devices/system/cpu/online:0-7` */
  load: () => command(['grep -Ha . /proc/loadavg /sys/devices/system/cpu/online'], { maxBytes: 64 * KIB }),

  /** Newest first, in UTC, filtered by the host. */
  novaJournal: ({ log, withinSeconds }: { readonly log: NovaLog; readonly withinSeconds: number }) => {
    const { pattern, journal } = choose(NOVA_LOGS, log);
    return command([JOURNAL, since(withinSeconds), '-g', pattern, journal], { maxBytes: 8 * MIB });
  },
  /** Of versions that can't filter. */
  novaJournalUnfiltered: ({
    log,
    withinSeconds,
  }: {
    readonly log: NovaLog;
    readonly withinSeconds: number;
  }) => command([JOURNAL, since(withinSeconds), choose(NOVA_LOGS, log).journal], { maxBytes: 8 * MIB }),
  /** Oldest first, each line behind the name of its file. */
  novaLogFiles: ({ log }: { readonly log: NovaLog }) => {
    const { pattern, files } = choose(NOVA_LOGS, log);
    return command(['grep -HaE -e', pattern, ...files], { maxBytes: 8 * MIB });
  },
  /** What systemd and the job wrote: a timer's unit is named by the operator. */
  archiveJournal: ({ withinSeconds }: { readonly withinSeconds: number }) =>
    command([JOURNAL, since(withinSeconds), '-u *nova*archive*'], { maxBytes: 8 * MIB }),
  novaManageJournal: ({ withinSeconds }: { readonly withinSeconds: number }) =>
    command([JOURNAL, since(withinSeconds), '-t nova-manage'], { maxBytes: 8 * MIB }),
  novaManageFiles: () => command(['grep -Ha .', ...NOVA_MANAGE_FILES], { maxBytes: 8 * MIB }),
} as const satisfies Readonly<Record<string, (argument: never) => HostCommand>>;
