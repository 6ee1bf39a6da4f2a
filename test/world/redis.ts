import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real Redis of this test's own, on a unix socket, durable to the last command. */
export interface TestRedis {
  readonly url: string;
  /** SIGKILL, as a host that dies. What was acknowledged is still there after `start`. */
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
    child = spawn('redis-check-rdb', settings(folder, socket), { argv0: 'redis-server', stdio: 'ignore' });
    const failed = new Promise<never>((_, reject) => child?.once('error', reject));
    while (!existsSync(socket)) await Promise.race([failed, sleep(10)]);
  };
  await start();
  return {
    url: `unix://${socket}`,
    kill: () => end('SIGKILL'),
    start,
    close: async () => {
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function settings(folder: string, socket: string): string[] {
  return [
    ['--port', '0'],
    ['--unixsocket', socket],
    ['--appendonly', 'yes'],
    ['--appendfsync', 'always'],
    ['--save', ''],
    ['--maxmemory-policy', 'noeviction'],
    ['--dir', folder],
  ].flat();
}
