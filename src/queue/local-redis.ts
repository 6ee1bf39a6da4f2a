import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LocalRedis {
  /** `unix:///…`; only this user can connect. */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Redis couldn't be started. The message says what to do. */
export class NoRedis extends Error {
  override readonly name = 'NoRedis';
}

/** Programs that can be a Redis server. Debian's `redis-tools` has no `redis-server`, but its checker is the same binary under another name. */
export const REDIS_PROGRAMS: readonly (readonly [program: string, argv0: string])[] = [
  ['redis-server', 'redis-server'],
  ['valkey-server', 'valkey-server'],
  ['redis-check-rdb', 'redis-server'],
];

/**
 * Starts a private Redis on a unix socket, durable to the last command (AOF, `appendfsync always`, `noeviction`), keeping its data in `folder`.
 * A folder has one owner at a time; a Redis that a killed owner left running is stopped first. A Redis that exits is started again.
 * @throws {NoRedis} if no program is installed or the folder belongs to a running process.
 */
export async function startLocalRedis(folder: string, onError: (error: Error) => void): Promise<LocalRedis> {
  const data = resolve(folder, 'redis');
  await mkdir(data, { recursive: true, mode: 0o700 });
  const owner = join(data, 'owner.json');
  await takeOver(owner);
  // The path of a socket is limited to 107 bytes, and the path of the folder may be longer.
  const socketFolder = await mkdtemp(join(tmpdir(), 'wrench-'));
  const socket = join(socketFolder, 'redis.sock');
  let closing = false;
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    // A process group of its own, so that Ctrl-C does not stop it before Wrench has saved its state.
    child = await spawnRedis(data, socket, true);
    const now: Owner = { pid: process.pid, redisPid: child.pid ?? 0, socketFolder };
    await writeFile(owner, JSON.stringify(now));
    child.once('exit', (code) => {
      if (closing) return;
      onError(new Error(`the private Redis exited with ${code}; restarting it`));
      setTimeout(() => void start().catch(onError), RESTART_MS);
    });
  };
  const close = async () => {
    if (closing) return;
    closing = true;
    if (child) await stop(child);
    await rm(owner, { force: true });
    await rm(socketFolder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return { url: `unix://${socket}`, close };
}

/** The address of the private Redis that a running process has in `folder`; undefined if no process owns the folder. */
export async function findLocalRedis(folder: string): Promise<Pick<LocalRedis, 'url'> | undefined> {
  const owner = await readOwner(join(resolve(folder, 'redis'), 'owner.json'));
  if (!owner || !isAlive(owner.pid)) return undefined;
  const socket = join(owner.socketFolder, 'redis.sock');
  return existsSync(socket) ? { url: `unix://${socket}` } : undefined;
}

const RESTART_MS = 200;
const STARTS_WITHIN_MS = 10_000;

/** The owner of the folder, and what to stop and remove if it was killed. */
interface Owner {
  readonly pid: number;
  readonly redisPid: number;
  readonly socketFolder: string;
}

async function readOwner(owner: string): Promise<Owner | undefined> {
  return readFile(owner, 'utf8').then(
    (text) => JSON.parse(text) as Owner,
    () => undefined,
  );
}

async function takeOver(owner: string): Promise<void> {
  const before = await readOwner(owner);
  if (!before) return;
  if (before.pid !== process.pid && isAlive(before.pid))
    throw new NoRedis(
      `The folder of ${owner} is in use by process ${before.pid}. Set WRENCH_DATA to another folder.`,
    );
  await rm(before.socketFolder, { recursive: true, force: true });
  if (!(await isRedis(before.redisPid))) return;
  process.kill(before.redisPid, 'SIGTERM');
  for (let waited = 0; isAlive(before.redisPid) && waited < STARTS_WITHIN_MS; waited += 50) await sleep(50);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The process id may belong to another program by now. */
async function isRedis(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return /redis|valkey/.test(words);
}

/** Durable to the last command, on a socket that only this user can use, without eviction. */
function settingsFor(data: string, socket: string): readonly string[] {
  return [
    ['--port', '0'],
    ['--unixsocket', socket],
    ['--unixsocketperm', '700'],
    ['--appendonly', 'yes'],
    ['--appendfsync', 'always'],
    ['--save', ''],
    ['--maxmemory-policy', 'noeviction'],
    ['--dir', data],
    ['--loglevel', 'warning'],
  ].flat();
}

/**
 * Starts the first Redis there is among `REDIS_PROGRAMS`, on a unix socket and with its data in `data`, and waits until the socket exists.
 * If `detached`, Ctrl-C doesn't reach it.
 * @throws {NoRedis} if none is installed, or it does not start.
 */
export async function spawnRedis(data: string, socket: string, detached: boolean): Promise<ChildProcess> {
  // A socket left by a killed server would look like that of a started one.
  await rm(socket, { force: true });
  for (const [program, argv0] of REDIS_PROGRAMS) {
    const child = spawn(program, settingsFor(data, socket), { argv0, stdio: 'ignore', detached });
    if (await hasStarted(child, socket)) return child;
  }
  throw new NoRedis(
    'Redis is not installed. Set REDIS_URL, or install Redis (Debian and Ubuntu: apt-get install redis-tools).',
  );
}

/** False if there is no such program. */
async function hasStarted(child: ChildProcess, socket: string): Promise<boolean> {
  const ended = new Promise<false | Error>((done) => {
    child.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'ENOENT' ? false : error));
    child.once('exit', (code) => done(new NoRedis(`Redis exited with ${code} while starting`)));
  });
  for (let waited = 0; waited < STARTS_WITHIN_MS; waited += 10) {
    const state = await Promise.race([ended, sleep(10, undefined)]);
    if (state === false) return false;
    if (state instanceof Error) throw state;
    if (existsSync(socket)) return true;
  }
  await stop(child);
  throw new NoRedis(`Redis didn't start within ${STARTS_WITHIN_MS / 1_000} s`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await ended;
}
