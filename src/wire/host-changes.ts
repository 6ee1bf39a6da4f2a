import {
  command,
  HostArgumentError,
  type HostCommand,
  KIB,
  MIB,
  variable,
  wholeNumber,
} from './host-command.ts';

/**
 * Every command with which Wrench changes a host, and those that check right before and after it. The set is closed, like that of the questions.
 * `deploy/hosts/wrench-change` allows exactly these.
 */

/** Whether the user of the connection is root. Otherwise commands run with `sudo -n`. */
export interface AsUser {
  readonly isRoot: boolean;
}

/** A file that a process has open. */
export interface OpenDescriptor extends AsUser {
  readonly pid: number;
  readonly descriptor: number;
}

/** The copy of a deleted file. */
export interface RescueFile extends AsUser {
  readonly folder: string;
  readonly name: string;
  /** Of the remediation, which unfinished copies have in their names. */
  readonly id: string;
}

/** Of a copy: it can be stopped after each part. */
const PART_BLOCKS = 1024;
export const RESCUE_PART_BYTES = PART_BLOCKS * MIB;
const MAX_PARTS = 100_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** A disk that copies fewer bytes per second is too slow to wait for. */
const LEAST_BYTES_PER_SECOND = 10 * 1_000_000;
const MIN_COPY_MS = 10 * MINUTE_MS;
/** `nova-manage` may wait for locks of the database. */
const ARCHIVE_MS = 30 * MINUTE_MS;
export const MAX_ARCHIVED_ROWS = 100_000;
/** Files with more writers are unusual: nothing is changed. */
export const MAX_WRITERS = 20;

/** `/usr/bin/python3 -s /usr/bin/nova-manage db archive_deleted_rows …`, and not a shell whose command only mentions it. */
const ARCHIVER =
  '^([^[:blank:]]+[[:blank:]])?(-[^[:blank:]]+[[:blank:]])?[^[:blank:]]*nova-manage([[:blank:]][^[:blank:]]+)*' +
  '[[:blank:]]db[[:blank:]]archive_deleted_rows';

/** https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html (`pid_max`) */
const MAX_PID = 4_194_304;
const MAX_DESCRIPTOR = 1_073_741_816;
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const CONSOLE = new RegExp(`^/var/lib/nova/instances/(?:${UUID}|instance-[0-9a-f]{8})/console\\.log$`);
const FOLDER = /^(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}){1,12}$/;
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}$/;
const REMEDIATION = /^[a-z][0-9a-f]{8,40}$/;
const DAY = /^20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;

/** Whether it can be truncated: the current console log of an instance, at the path that Nova gives it. */
export function isConsolePath(path: string): boolean {
  return CONSOLE.test(path);
}

/** The name of a copy while it isn't complete and verified. */
export function partialNameOf({ name, id }: Pick<RescueFile, 'name' | 'id'>): string {
  return `${name}.partial-${id}`;
}

export const HOST_CHANGES = {
  /** `wrench-change 1 rescue truncate` if the key of this host can only make these changes; otherwise there is no such program. */
  changer: () => command(['wrench-change --version'], { maxBytes: KIB }),

  /** `/var/lib/nova/instances/_base/78e4… (deleted)` */
  openPath: (file: OpenDescriptor) =>
    change(file, ['readlink', variable(descriptorPath(file))], { maxBytes: 8 * KIB }),
  /** `1048576,2048,4711`: size, blocks of 512 bytes, inode. */
  openSize: (file: OpenDescriptor) =>
    change(file, ['stat -L -c %s,%b,%i', variable(descriptorPath(file))], { maxBytes: KIB }),
  /** `nfs`: the kind of file system that the open file is on. */
  openFileSystem: (file: OpenDescriptor) =>
    change(file, ['stat -L -f -c %T', variable(descriptorPath(file))], { maxBytes: KIB }),
  /** `ext2/ext3,1048576,4096`: the kind of file system, its free blocks and their size. Fails if it is not a folder. */
  rescueSpace: (file: AsUser & { readonly folder: string }) =>
    change(file, ['stat -f -c %T,%a,%S', variable(`${rescueFolder(file.folder)}/.`)], { maxBytes: KIB }),
  /** Which copies of this name exist: `f,1048576,1,4711,/srv/rescue/78e4…` and a NUL: type, size, links, inode. */
  rescuedFiles: (file: RescueFile) =>
    change(
      file,
      [
        'find',
        variable(rescueFolder(file.folder)),
        '-mindepth 1 -maxdepth 1 (',
        '-name',
        variable(fileName(file.name)),
        '-o -name',
        variable(partialName(file)),
        ') -printf',
        String.raw`%y,%s,%n,%i,%p\0`,
      ],
      { maxBytes: 64 * KIB },
    ),
  /** One part of the copy, of 1 GiB. `conv=excl` of the first fails if the file exists, also as a symbolic link; the others create none. */
  rescueCopy: (file: OpenDescriptor & RescueFile, { part }: { readonly part: number }) => {
    const skip = wholeNumber(part, 0, MAX_PARTS) * PART_BLOCKS;
    return change(
      file,
      [
        'dd',
        variable(`if=${descriptorPath(file)}`),
        variable(`of=${partialPath(file)}`),
        'bs=1048576 iflag=fullblock',
        variable(`skip=${skip}`),
        variable(`seek=${skip}`),
        `count=${PART_BLOCKS} status=none`,
        part === 0 ? 'conv=excl,sparse,fsync' : 'conv=nocreat,notrunc,sparse,fsync oflag=nofollow',
      ],
      { maxBytes: KIB, timeoutMs: timeToRead(RESCUE_PART_BYTES) },
    );
  },
  rescueSums: (
    file: OpenDescriptor & RescueFile,
    { bytes, of }: { readonly bytes: number; readonly of: 'partial' | 'final' },
  ) =>
    change(
      file,
      [
        'sha256sum',
        variable(descriptorPath(file)),
        variable(of === 'partial' ? partialPath(file) : finalPath(file)),
      ],
      { maxBytes: 8 * KIB, timeoutMs: timeToRead(2 * bytes) },
    ),
  /** Fails if there is a file of the final name: `link` never replaces one. https://man7.org/linux/man-pages/man2/link.2.html */
  rescueFinish: (file: RescueFile) =>
    change(file, ['ln -T', variable(partialPath(file)), variable(finalPath(file))], {
      maxBytes: KIB,
    }),
  /** Removes the first name of a copy that has got its final one. */
  rescueTidy: (file: RescueFile) => change(file, ['rm', variable(partialPath(file))], { maxBytes: KIB }),

  /** `d,…` and `f,6162317312,12035776,1,4711,/var/lib/…` and a NUL: type, size, blocks of 512 bytes, links, inode. Symbolic links are not followed. */
  consoleFile: (file: AsUser & { readonly path: string }) =>
    change(
      file,
      [
        'find',
        variable(consolePath(file.path).replace(/\/console\.log$/, '')),
        variable(consolePath(file.path)),
        '-maxdepth 0 -printf',
        String.raw`%y,%s,%b,%n,%i,%p\0`,
      ],
      { maxBytes: 8 * KIB },
    ),
  /** `/proc/31877/fd/14` and a NUL: who has it open, also through another mount. */
  consoleUsers: (file: AsUser & { readonly path: string }) =>
    change(
      file,
      [
        'find /proc -mindepth 3 -maxdepth 3 -path /proc/[0-9]*/fd/* -lname',
        variable(`*/${consolePath(file.path).split('/').slice(-2).join('/')}`),
        '-printf',
        String.raw`%p\0`,
      ],
      { maxBytes: MIB },
    ),
  /** `/proc/31877/fdinfo/14:flags:	0102001`, in octal. */
  descriptorFlags: (file: AsUser & { readonly users: readonly Omit<OpenDescriptor, 'isRoot'>[] }) => {
    if (file.users.length === 0 || file.users.length > MAX_WRITERS)
      throw new HostArgumentError(`not 1 to ${MAX_WRITERS} descriptors`);
    return change(
      file,
      [
        'grep -H ^flags:',
        ...file.users.map((one) => variable(descriptorPath(one).replace('/fd/', '/fdinfo/'))),
      ],
      { maxBytes: 64 * KIB },
    );
  },
  /** Creates no file, and doesn't follow a symbolic link. */
  truncateConsole: (file: AsUser & { readonly path: string }) =>
    change(
      file,
      [
        'dd if=/dev/null',
        variable(`of=${consolePath(file.path)}`),
        'oflag=nofollow conv=nocreat status=none',
      ],
      { maxBytes: KIB },
    ),

  /** `31877`: archives rows already. Exits with 1 if there is none. */
  archivers: () => command(['pgrep -f', variable(ARCHIVER)], { maxBytes: KIB }),
  /** One batch, as the user of Nova. */
  archiveRows: ({ before, maxRows }: { readonly before: string; readonly maxRows: number }): HostCommand => ({
    ...command(
      [
        'sudo -n -u nova nova-manage db archive_deleted_rows --before',
        variable(calendarDate(before)),
        '--max_rows',
        variable(String(wholeNumber(maxRows, 1, MAX_ARCHIVED_ROWS))),
        '--all-cells --verbose',
      ],
      { maxBytes: MIB },
    ),
    timeoutMs: ARCHIVE_MS,
  }),
  /** `1048576,2048,1764158400.0000000000,/var/backups/…` and a NUL, as of other files; without those that were written to within a minute. */
  dumps: (file: AsUser & { readonly folder: string }) =>
    change(
      file,
      [
        'find',
        variable(rescueFolder(file.folder)),
        '-maxdepth 2 -type f -size +0 -mmin +1 -printf',
        String.raw`%s,%b,%T@,%p\0`,
      ],
      { maxBytes: 4 * MIB },
    ),
} as const satisfies Readonly<Record<string, (...args: never) => HostCommand>>;

function change(
  { isRoot }: AsUser,
  words: Parameters<typeof command>[0],
  { maxBytes, timeoutMs }: { readonly maxBytes: number; readonly timeoutMs?: number },
): HostCommand {
  return {
    ...command(words, { sudo: !isRoot, maxBytes }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** Tens of gigabytes take an hour on a busy disk. */
function timeToRead(bytes: number): number {
  const size = wholeNumber(bytes, 0, Number.MAX_SAFE_INTEGER);
  return Math.min(MIN_COPY_MS + Math.ceil((size / LEAST_BYTES_PER_SECOND) * 1000), DAY_MS);
}

function descriptorPath({ pid, descriptor }: Pick<OpenDescriptor, 'pid' | 'descriptor'>): string {
  return `/proc/${wholeNumber(pid, 1, MAX_PID)}/fd/${wholeNumber(descriptor, 0, MAX_DESCRIPTOR)}`;
}

function rescueFolder(folder: string): string {
  return matching(FOLDER, folder, 'not the path of a folder, or with unusual characters');
}

function fileName(name: string): string {
  return matching(FILE_NAME, name, 'not a file name, or with unusual characters');
}

function partialName({ name, id }: RescueFile): string {
  return partialNameOf({
    name: fileName(name),
    id: matching(REMEDIATION, id, 'not the id of a remediation'),
  });
}

function partialPath(file: RescueFile): string {
  return `${rescueFolder(file.folder)}/${partialName(file)}`;
}

function finalPath({ folder, name }: RescueFile): string {
  return `${rescueFolder(folder)}/${fileName(name)}`;
}

function consolePath(path: string): string {
  return matching(CONSOLE, path, 'not the console log of an instance in /var/lib/nova/instances');
}

function calendarDate(day: string): string {
  return matching(DAY, day, 'not a date');
}

function matching(pattern: RegExp, text: string, otherwise: string): string {
  if (typeof text !== 'string' || !pattern.test(text)) throw new HostArgumentError(otherwise);
  return text;
}
