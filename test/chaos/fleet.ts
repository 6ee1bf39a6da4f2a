import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerOrders } from './worker-orders.ts';

/** Worker processes, each with a number; one that was killed is started anew under the same number. */
export interface Fleet {
  /** Starts one, and waits until it takes jobs. */
  readonly start: () => Promise<number>;
  /** Which one has this process id; none where it has died. */
  readonly numberOf: (pid: number) => number | undefined;
  /** SIGKILL, as a machine that dies. */
  readonly kill: (number: number) => Promise<void>;
  readonly restart: (number: number) => Promise<void>;
  /** Those that run now: one may have died by itself. */
  readonly running: () => readonly number[];
  readonly close: () => Promise<void>;
}

const PROGRAM = join(import.meta.dirname, 'worker.ts');

export function openFleet(orders: WorkerOrders): Fleet {
  const workers = new Map<number, ChildProcess>();
  let last = 0;
  const launch = async (number: number): Promise<void> => {
    const log = openSync(join(orders.lab.folder, `worker-${number}.log`), 'a');
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(orders)], {
      stdio: ['ignore', log, log, 'ipc'],
      env: { PATH: process.env['PATH'] ?? '' },
    });
    closeSync(log);
    workers.set(number, child);
    const ended = once(child, 'exit').then(() => 'ended');
    if ((await Promise.race([once(child, 'message'), ended])) === 'ended' && child.signalCode === null)
      throw new Error(`worker ${number} ended at its start; its log is in ${orders.lab.folder}`);
  };
  const kill = async (number: number) => {
    const child = workers.get(number);
    if (!child || !isRunning(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    start: async () => {
      last += 1;
      await launch(last);
      return last;
    },
    numberOf: (pid) => [...workers].find(([, child]) => child.pid === pid && isRunning(child))?.[0],
    kill,
    restart: launch,
    running: () => [...workers].filter(([, child]) => isRunning(child)).map(([number]) => number),
    close: async () => {
      await Promise.all([...workers.keys()].map(kill));
    },
  };
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
