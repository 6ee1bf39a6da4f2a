import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One real etcd. Its data is kept between starts. */
export interface EtcdProcess {
  /**
   * Resolves when it runs, which is before it responds. `more` settings apply to this start only, and
   * override the others.
   */
  readonly start: (more?: readonly string[]) => Promise<void>;
  /** SIGKILL, like a host that fails. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP: the port still accepts connections without responding. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Resolves when it has exited by itself. */
  readonly ended: () => Promise<void>;
  readonly isUp: () => boolean;
  readonly pid: () => number | undefined;
  /** The content of its log. */
  readonly log: () => Promise<string>;
}

/** `files` is the prefix of its data and log in the folder. */
export function makeEtcdProcess(folder: string, files: string, settings: readonly string[]): EtcdProcess {
  const logFile = join(folder, `${files}.log`);
  let child: ChildProcess | undefined;
  let paused = false;
  const isAlive = (): boolean =>
    child !== undefined && child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  // A test run that ends early stops its servers too.
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
      // Ignores this machine's settings (ETCD_..., proxies).
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
