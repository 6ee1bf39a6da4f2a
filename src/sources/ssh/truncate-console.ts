import type { HostWriter } from '../../ports/hosts.ts';
import { HOST_CHANGES, isConsolePath, MAX_WRITERS } from '../../wire/host-changes.ts';
import { isNoSuchFile, isPermissionDenied, linesOf, runForText } from './ask-host.ts';
import type { ChangedHost } from './change-access.ts';

/** https://man7.org/linux/man-pages/man5/proc_pid_fdinfo.5.html */
const O_ACCMODE = 0o3;
const O_APPEND = 0o2000;
/** Processes may open and close it meanwhile. */
const MAX_ATTEMPTS = 3;

interface ConsoleFile {
  readonly bytes: number;
  readonly diskBytes: number;
}

/** Truncates a console log. Right before, it verifies that every process that writes to it appends. */
export async function truncateConsole(
  host: ChangedHost,
  path: string,
): ReturnType<HostWriter['truncateConsole']> {
  if (!isConsolePath(path))
    throw host.fail('refused', `${path} is not the current console log of an instance`);
  const before = await readConsole(host, path);
  await assertAppended(host, path);
  await runForText(host, () => HOST_CHANGES.truncateConsole({ ...host, path }));
  const after = await readConsole(host, path);
  if (before.bytes > 0 && after.bytes >= before.bytes)
    throw host.fail('malformed', `${path} still has ${after.bytes} bytes after it was truncated`);
  return { freedBytes: Math.max(0, before.diskBytes - after.diskBytes) };
}

async function readConsole(host: ChangedHost, path: string): Promise<ConsoleFile> {
  const { text, stderr, exitCode } = await runForText(
    host,
    () => HOST_CHANGES.consoleFile({ ...host, path }),
    [0, 1],
  );
  if (exitCode !== 0 && isNoSuchFile(stderr)) throw host.fail('missing', `${path} no longer exists`);
  if (exitCode !== 0) throw host.fail('refused', linesOf(stderr)[0] ?? `couldn't read ${path}`);
  const [folder, file] = text
    .split('\0')
    .map((record) => /^(?<type>.),(?<bytes>\d+),(?<blocks>\d+),(?<links>\d+),\d+,/.exec(record)?.groups);
  if (!folder || !file) throw host.fail('malformed', 'the output has an unknown format');
  if (folder['type'] !== 'd' || file['type'] !== 'f')
    throw host.fail('refused', `${path} is not a regular file in a regular folder`);
  if (file['links'] !== '1') throw host.fail('refused', `${path} has several names (hard links)`);
  return { bytes: Number(file['bytes']), diskBytes: Number(file['blocks']) * 512 };
}

/**
 * @throws {SourceError} `refused` if a process writes at its own position: its next write would give the file its old size back, with a hole in front.
 */
async function assertAppended(host: ChangedHost, path: string): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const users = await readUsers(host, path);
    if (users.length === 0) return;
    if (users.length > MAX_WRITERS) throw host.fail('refused', `${users.length} processes have ${path} open`);
    const flags = await readFlags(host, users);
    const own = users.find(({ pid, descriptor }) => {
      const of = flags.get(`${pid}/${descriptor}`);
      return of !== undefined && (of & O_ACCMODE) !== 0 && (of & O_APPEND) === 0;
    });
    if (own)
      throw host.fail(
        'refused',
        `process ${own.pid} writes to ${path} without O_APPEND: with its next write, the file would get its old size back`,
      );
    if (flags.size === users.length) return;
  }
  throw host.fail('refused', `couldn't read how all processes have ${path} open`);
}

interface Descriptor {
  readonly pid: number;
  readonly descriptor: number;
}

async function readUsers(host: ChangedHost, path: string): Promise<readonly Descriptor[]> {
  const { text, stderr } = await runForText(host, () => HOST_CHANGES.consoleUsers({ ...host, path }), [0, 1]);
  if (isPermissionDenied(stderr))
    throw host.fail('refused', 'the user may not see which files other processes have open: it needs root');
  const users = text
    .split('\0')
    .filter((one) => one !== '')
    .map((one) => /^\/proc\/(?<pid>\d+)\/fd\/(?<descriptor>\d+)$/.exec(one)?.groups);
  return users.map((one) => {
    if (!one) throw host.fail('malformed', 'the output has an unknown format');
    return { pid: Number(one['pid']), descriptor: Number(one['descriptor']) };
  });
}

/** By `PID/DESCRIPTOR`. Of a process that has ended meanwhile there are none. */
async function readFlags(
  host: ChangedHost,
  users: readonly Descriptor[],
): Promise<ReadonlyMap<string, number>> {
  const { text, stderr } = await runForText(
    host,
    () => HOST_CHANGES.descriptorFlags({ ...host, users }),
    [0, 1, 2],
  );
  if (isPermissionDenied(stderr))
    throw host.fail('refused', 'the user may not see how other processes have files open: it needs root');
  return new Map(
    linesOf(text).flatMap((line) => {
      const { pid, descriptor, flags } =
        /^\/proc\/(?<pid>\d+)\/fdinfo\/(?<descriptor>\d+):flags:\s*(?<flags>[0-7]+)$/.exec(line)?.groups ??
        {};
      return flags === undefined ? [] : [[`${pid}/${descriptor}`, Number.parseInt(flags, 8)] as const];
    }),
  );
}
