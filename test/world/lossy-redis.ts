import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';

/** A proxy to a Redis that can lose a reply: the command was executed, but its sender cannot know. */
export interface LossyRedis {
  readonly url: string;
  /** Drops the next reply to an executed command and closes its connection, once. */
  readonly loseNextAnswer: () => void;
  readonly close: () => Promise<void>;
}

/** @param url of a Redis on a unix socket. */
export async function startLossyRedis(url: string): Promise<LossyRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-lossy-'));
  const path = join(folder, 'redis.sock');
  const open = new Set<Socket>();
  let isLosing = false;
  const server = createServer((client) => {
    const redis = createConnection(url.slice('unix://'.length));
    const cut = () => {
      client.destroy();
      redis.destroy();
    };
    for (const socket of [client, redis]) {
      open.add(socket);
      socket.on('error', cut).on('close', () => {
        open.delete(socket);
        cut();
      });
    }
    client.on('data', (commands) => redis.write(commands));
    redis.on('data', (answers) => {
      if (!isLosing || answers.includes('NOSCRIPT')) return client.write(answers);
      isLosing = false;
      return cut();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    url: `unix://${path}`,
    loseNextAnswer: () => {
      isLosing = true;
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Makes a connection run each script twice and return the second reply, like a client that sends a script
 * again because its first reply was lost. `between` runs before the second time.
 */
export function runScriptsTwice(connection: Redis, between?: () => Promise<unknown>): Redis {
  type Run = (...words: unknown[]) => Promise<unknown>;
  const twice =
    (run: Run) =>
    async (...words: unknown[]) => {
      await run(...words);
      await between?.();
      return run(...words);
    };
  return Object.assign(connection, {
    eval: twice(connection.eval.bind(connection) as Run),
    evalsha: twice(connection.evalsha.bind(connection) as Run),
  });
}
