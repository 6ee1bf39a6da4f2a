import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Started, RoleOptions } from './role-options.ts';

/** Processes of one role, each with a number; one that was killed is restarted under the same number. */
export interface Fleet {
  /** Starts one, and waits until it takes jobs. */
  readonly start: () => Promise<number>;
  /** The number of the process with this id; undefined if it has died. */
  readonly numberOf: (pid: number) => number | undefined;
  /** SIGKILL, like a machine that fails. */
  readonly kill: (number: number) => Promise<void>;
  readonly restart: (number: number) => Promise<void>;
  /** Those that are running; one may have exited by itself. */
  readonly running: () => readonly number[];
  /** The addresses of the running ones. */
  readonly ports: () => readonly Started[];
  /**
   * Each exit that was not caused from outside, in words. Such a process is restarted, as a supervisor
   * would do.
   */
  readonly crashes: readonly string[];
  /** When a process was killed, in milliseconds since the epoch. */
  readonly deaths: readonly number[];
  readonly close: () => Promise<void>;
}

export type Program = 'worker' | 'bot';

/** @param clocksAheadMs how far the clock of each process is ahead, starting with the first. */
export function openFleet(
  program: Program,
  options: Omit<RoleOptions, 'clockAheadMs'>,
  clocksAheadMs: readonly number[] = [],
): Fleet {
  const children = new Map<number, ChildProcess>();
  const started = new Map<number, Started>();
  const crashes: string[] = [];
  const deaths: number[] = [];
  let isClosing = false;
  let last = 0;
  const launch = async (number: number): Promise<void> => {
    const log = openSync(join(options.system.folder, `${program}-${number}.log`), 'a');
    const path = join(import.meta.dirname, `${program}.ts`);
    const own: RoleOptions = { ...options, clockAheadMs: clocksAheadMs[number - 1] ?? 0 };
    const child = spawn(process.execPath, [path, JSON.stringify(own)], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { PATH: process.env['PATH'] ?? '' },
    });
    closeSync(log);
    children.set(number, child);
    started.delete(number);
    const ended = once(child, 'exit').then(() => undefined);
    const message = await Promise.race([once(child, 'message'), ended]);
    if (message) {
      started.set(number, message[0] as Started);
      void ended.then(() => afterExit(number, child));
    } else if (child.signalCode === null)
      throw new Error(`${program} ${number} exited at its start; its log is in ${options.system.folder}`);
  };
  const afterExit = (number: number, { exitCode, signalCode }: ChildProcess): void => {
    started.delete(number);
    if (signalCode === 'SIGKILL') deaths.push(Date.now());
    // Only the tests send SIGKILL: this fleet, or a gate at which a worker is to be killed.
    if (isClosing || signalCode === 'SIGKILL') return;
    crashes.push(`${program} ${number} exited with ${signalCode ?? exitCode}`);
    launch(number).catch((error: unknown) =>
      crashes.push(`${program} ${number} did not come back: ${String(error)}`),
    );
  };
  const kill = async (number: number) => {
    const child = children.get(number);
    if (!child || !isRunning(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    start: async () => {
      last += 1;
      const number = last;
      await launch(number);
      return number;
    },
    numberOf: (pid) => [...children].find(([, child]) => child.pid === pid && isRunning(child))?.[0],
    kill,
    restart: async (number) => {
      // It may have crashed just before the kill, and has already been restarted.
      const child = children.get(number);
      if (!child || !isRunning(child)) await launch(number);
    },
    running: () => [...children].filter(([, child]) => isRunning(child)).map(([number]) => number),
    ports: () => [...started.values()],
    crashes,
    deaths,
    close: async () => {
      isClosing = true;
      await Promise.all([...children.keys()].map(kill));
    },
  };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
