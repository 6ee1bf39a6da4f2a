import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MAX_WAIT_MS } from '../../timeouts.ts';
import { type EngineAsker, expectSuccess, makeEngineAsker } from './ask.ts';
import { type ContainerTimes, withTimes } from './container-times.ts';
import { cgroupOf, claimFolder, ENGINE_FOLDER, sweepAbandoned, sweepEngine } from './sweep.ts';

/** A real dockerd with its own containerd: no other engine of the machine is used or affected. */
export interface Daemon {
  readonly socket: string;
  readonly ask: EngineAsker;
  /** Backdates containers by id. The engine reads its records only at its start, so it is restarted. */
  readonly backdate: (times: ReadonlyMap<string, ContainerTimes>) => Promise<void>;
  /**
   * Starts it after `stop` or `kill`, and waits until it responds. Its containers kept running meanwhile.
   */
  readonly start: (settings?: readonly string[]) => Promise<void>;
  /** SIGTERM: it saves its state. Its containers keep running. */
  readonly stop: () => Promise<void>;
  /** SIGKILL. Its containers keep running. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP and SIGCONT: a paused engine accepts connections and does not respond. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Stops everything and removes all files and mounts; safe to call twice. */
  readonly close: () => Promise<void>;
}

export interface EngineOptions {
  /** Further options of dockerd. */
  readonly settings?: readonly string[];
  /**
   * The size of a disk in memory, for containers, images and volumes only. Default: they are on the
   * machine's own disk.
   */
  readonly diskBytes?: number;
}

const run = promisify(execFile);

/**
 * Starts an engine. Requires root.
 * @throws with the end of its log if it does not start; then nothing of it is left
 */
export async function startDaemon({ settings = [], diskBytes }: EngineOptions = {}): Promise<Daemon> {
  sweepAbandoned(tmpdir());
  // Short: the path of a unix socket has at most 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), ENGINE_FOLDER));
  claimFolder(folder);
  const file = (name: string): string => join(folder, name);
  const socket = file('docker.sock');
  const ask = makeEngineAsker(socket);
  let containerd: ChildProcess | undefined;
  let dockerd: ChildProcess | undefined;
  // A test run that ends early stops its engine too.
  const onExit = (): void => sweepEngine(folder);
  process.once('exit', onExit);

  const start = async (more: readonly string[] = []): Promise<void> => {
    dockerd = await launch(file('dockerd.log'), 'dockerd', [
      `--config-file=${file('daemon.json')}`,
      `--containerd=${file('containerd.sock')}`,
      `--data-root=${file('data')}`,
      `--exec-root=${file('exec')}`,
      `--pidfile=${file('dockerd.pid')}`,
      `--host=unix://${socket}`,
      `--cgroup-parent=${cgroupOf(folder)}`,
      '--exec-opt=native.cgroupdriver=cgroupfs',
      '--storage-driver=vfs',
      '--live-restore',
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      ...settings,
      ...more,
    ]);
    await untilAnswering(ask, dockerd);
  };
  const close = async (): Promise<void> => {
    process.removeListener('exit', onExit);
    dockerd?.kill('SIGCONT');
    if (isAlive(dockerd)) await removeContainers(ask).catch(() => undefined);
    await end(dockerd, 'SIGTERM');
    await end(containerd, 'SIGTERM');
    sweepEngine(folder);
  };
  try {
    await mkdir(file('state'));
    await mkdir(file('data'));
    if (diskBytes !== undefined)
      await run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes},mode=0711`, 'tmpfs', file('data')]);
    // Ignores this machine's settings (/etc/docker/daemon.json).
    await writeFile(file('daemon.json'), '{}');
    await writeFile(file('containerd.toml'), containerdConfig(folder));
    containerd = await launch(file('containerd.log'), 'containerd', [`--config=${file('containerd.toml')}`]);
    await start();
  } catch (error) {
    const logs = await Promise.all(
      ['dockerd.log', 'containerd.log'].map((name) => readFile(file(name), 'utf8').catch(() => '')),
    );
    await close();
    throw new Error(`dockerd did not start:\n${logs.map((log) => log.slice(-4_000)).join('\n')}`, {
      cause: error,
    });
  }
  const stop = (): Promise<void> => end(dockerd, 'SIGTERM');
  return {
    socket,
    ask,
    backdate: async (times) => {
      await stop();
      for (const [id, one] of times) await writeTimes(file(`data/containers/${id}/config.v2.json`), one);
      await start();
    },
    start,
    stop,
    kill: async () => {
      await end(dockerd, 'SIGKILL');
      await Promise.all([socket, file('dockerd.pid')].map((path) => rm(path, { force: true })));
    },
    pause: () => void dockerd?.kill('SIGSTOP'),
    resume: () => void dockerd?.kill('SIGCONT'),
    close,
  };
}

function containerdConfig(folder: string): string {
  return `version = 2
root = "${folder}/content"
state = "${folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${folder}/containerd.sock"
[ttrpc]
  address = "${folder}/containerd.sock.ttrpc"
`;
}

async function launch(logFile: string, program: string, args: readonly string[]): Promise<ChildProcess> {
  const log = openSync(logFile, 'a');
  // Ignores this machine's settings (DOCKER_..., proxies). Debian installs dockerd in /usr/sbin.
  const env = { PATH: `${process.env['PATH']}:/usr/local/sbin:/usr/sbin:/sbin` };
  const child = spawn(program, args, { stdio: ['ignore', log, log], env });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', () => reject(new Error(`no ${program} on PATH: apt-get install docker.io`)));
  });
  return child;
}

async function untilAnswering(ask: EngineAsker, dockerd: ChildProcess): Promise<void> {
  for (const endsAt = Date.now() + MAX_WAIT_MS; Date.now() < endsAt; await sleep(50)) {
    if (!isAlive(dockerd)) throw new Error('dockerd has ended');
    const answer = await ask('GET', '/_ping').catch(() => undefined);
    if (answer?.status === 200) return;
  }
  throw new Error('dockerd does not answer');
}

async function removeContainers(ask: EngineAsker): Promise<void> {
  const all = expectSuccess('list', await ask('GET', '/containers/json?all=1'));
  const ids = (all as readonly { readonly Id: string }[]).map(({ Id }) => Id);
  await Promise.all(ids.map((id) => ask('DELETE', `/containers/${id}?force=1`)));
}

async function end(child: ChildProcess | undefined, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (!child || !isAlive(child)) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  await ended;
}

function isAlive(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function writeTimes(file: string, times: ContainerTimes): Promise<void> {
  const config = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify(withTimes(config, times)));
}
