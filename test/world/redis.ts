import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnRedis } from '../../src/queue/local-redis.ts';

/** A real Redis for one test, on a unix socket, durable to the last command. */
export interface TestRedis {
  readonly url: string;
  /** Where it stores its data: everything ever written to it. */
  readonly folder: string;
  /** SIGKILL, like a host that fails. Acknowledged writes are still there after `start`. */
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startRedis(): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-redis-'));
  const socket = join(folder, 'redis.sock');
  let child: ChildProcess | undefined;
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child?.once('exit', done));
    child.kill(signal);
    await ended;
    await rm(socket, { force: true });
  };
  const start = async () => {
    child = await spawnRedis(folder, socket, false);
  };
  await start();
  return {
    url: `unix://${socket}`,
    folder,
    kill: () => end('SIGKILL'),
    start,
    close: async () => {
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
