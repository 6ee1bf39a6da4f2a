import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * The longest that killed processes may take to disappear. They are gone within milliseconds unless the
 * machine is very busy.
 */
const GONE_WITHIN_MS = 30_000;

/**
 * Removes everything of an engine whose files are in this folder: processes, those of its containers,
 * mounts, cgroups, shim sockets and the folder. Synchronous, because it also runs when the process exits.
 * Never touches other engines.
 * @throws if a process or a mount cannot be removed
 */
export function sweepEngine(folder: string): void {
  killProcesses(folder);
  for (const path of mountsBelow(folder)) spawnSync('umount', ['-l', path]);
  const mounted = mountsBelow(folder);
  if (mounted.length > 0) throw new Error(`still mounted: ${mounted.join(', ')}`);
  removeShimSockets(folder);
  removeCgroups(cgroupOf(folder));
  rmSync(folder, { recursive: true, force: true });
}

/** Records that an engine in this folder belongs to this process. */
export function claimFolder(folder: string): void {
  writeFileSync(join(folder, OWNER), ownerText(process.pid) ?? '');
}

/** Stops the engines of processes that were killed before they could do so. */
export function sweepAbandoned(parent: string): void {
  for (const file of globSync(join(parent, `${ENGINE_FOLDER}*`, OWNER)))
    try {
      const owner = readFileSync(file, 'utf8');
      if (ownerText(Number(owner.split(' ')[0])) !== owner) sweepEngine(dirname(file));
    } catch {
      // Another process sweeps it at the same moment.
    }
}

/** The prefix of their folder names. */
export const ENGINE_FOLDER = 'wrench-docker-';
const OWNER = 'owner';

/** A process by its id and start time, because ids are reused. Undefined if there is none. */
function ownerText(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME]}`;
  } catch {
    return undefined;
  }
}

/** Position of `starttime` after the name of the program: proc_pid_stat(5). */
const START_TIME = 19;

/** The parent cgroup of this engine's containers only. */
export function cgroupOf(folder: string): string {
  return `/${basename(folder)}`;
}

/**
 * The dockerd, containerd and shims whose command line names the folder, and all their descendants (the
 * containers).
 */
export function processesOf(folder: string): readonly number[] {
  const parents = new Map<number, number>();
  const found = new Set<number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') continue;
      parents.set(pid, Number(parent));
      if (isPartOfEngine(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), folder)) found.add(pid);
    } catch {
      // It has ended since the folder was listed.
    }
  }
  const descends = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (found.has(at)) return true;
    return false;
  };
  return [...parents.keys()].filter(descends);
}

function isPartOfEngine(commandLine: string, folder: string): boolean {
  const [program = '', ...args] = commandLine.split('\0');
  return /^(dockerd|containerd)/.test(basename(program)) && args.some((arg) => arg.includes(folder));
}

/** Deepest first. */
function mountsBelow(folder: string): readonly string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
    .toReversed();
}

function killProcesses(folder: string): void {
  const endsAt = Date.now() + GONE_WITHIN_MS;
  for (let left = processesOf(folder); left.length > 0; left = processesOf(folder)) {
    if (Date.now() > endsAt) throw new Error(`these processes do not end: ${left.join(', ')}`);
    for (const pid of left)
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has exited by itself.
      }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

/** A killed shim leaves its socket in /run/containerd/s; its bundle names it. */
function removeShimSockets(folder: string): void {
  for (const file of globSync(join(folder, 'state/io.containerd.runtime.v2.task/*/*/address')))
    rmSync(readFileSync(file, 'utf8').trim().replace('unix://', ''), { force: true });
}

/** In one hierarchy (cgroup v2) or one per controller (v1). */
function removeCgroups(cgroup: string): void {
  const roots = ['/sys/fs/cgroup', ...globSync('/sys/fs/cgroup/*')];
  for (const root of roots) removeEmptyFolders(`${root}${cgroup}`);
}

/** The files in a cgroup disappear with its folder. */
function removeEmptyFolders(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name));
  try {
    rmdirSync(folder);
  } catch {
    // The kernel still counts a process that has just been killed. An empty cgroup does no harm.
  }
}
