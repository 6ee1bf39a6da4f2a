import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One real etcd and its life. Its data stays from one start to the next. */
export interface EtcdProcess {
  /** Resolves when it runs, which is before it answers. `more` settings are for this start only, and override the usual ones. */
  readonly start: (more?: readonly string[]) => Promise<void>;
  /** SIGKILL, as a host that dies. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP: the port still accepts connections, and nobody answers. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Resolves when it has ended by itself. */
  readonly ended: () => Promise<void>;
  readonly isUp: () => boolean;
  readonly pid: () => number | undefined;
  /** What it wrote to its log. */
  readonly log: () => Promise<string>;
}

/** `files` is what its data and its log are called in the folder. */
export function makeEtcdProcess(folder: string, files: string, settings: readonly string[]): EtcdProcess {
  const logFile = join(folder, `${files}.log`);
  let child: ChildProcess | undefined;
  let paused = false;
  const isAlive = (): boolean =>
    child !== undefined && child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  // A test run that ends early takes its servers with it.
  const onExit = (): void => void child?.kill('SIGKILL');

  const resume = (): void => {
    if (paused) child?.kill('SIGCONT');
    paused = false;
  };
  return {
    start: async (more = []) => {
      if (isAlive()) return;
      const log = openSync(logFile, 'a');
      const args = ['--data-dir', join(folder, files), ...settings, ...more];
      // Nothing of this machine's settings (ETCD_..., proxies) may reach it.
      const started = spawn('etcd', args, {
        stdio: ['ignore', log, log],
        env: { PATH: process.env['PATH'] },
      });
      closeSync(log);
      child = started;
      process.once('exit', onExit);
      await new Promise<void>((resolve, reject) => {
        started.once('spawn', resolve);
        started.once('error', () => reject(new Error('no etcd on PATH: apt-get install etcd-server')));
      });
    },
    kill: async () => {
      process.removeListener('exit', onExit);
      if (!isAlive()) return;
      const ended = new Promise((done) => child?.once('exit', done));
      child?.kill('SIGKILL');
      await ended;
      paused = false;
    },
    pause: () => {
      paused = child?.kill('SIGSTOP') ?? false;
    },
    resume,
    ended: async () => {
      if (isAlive()) await new Promise((done) => child?.once('exit', done));
    },
    isUp: () => isAlive() && !paused,
    pid: () => (isAlive() ? child?.pid : undefined),
    log: () => readFile(logFile, 'utf8').catch(() => ''),
  };
}
