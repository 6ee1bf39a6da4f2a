import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { connectBlocking } from '../../src/queue/connection.ts';
import { startRedis, type TestRedis } from './redis.ts';

/** The Redis of a test file. */
export interface UsedRedis extends Pick<TestRedis, 'kill' | 'start'> {
  readonly url: string;
  /** A new connection. It waits for Redis, and is closed after the test. */
  readonly connect: () => Redis;
  /** Closes all connections now. */
  readonly disconnect: () => void;
}

/**
 * Gives the tests of a file their own Redis, which is empty before each test. Call it before other hooks,
 * which may then use it.
 */
export function useRedis(): UsedRedis {
  let server: TestRedis;
  let own: Redis;
  let connections: Redis[] = [];
  const open = () => connectBlocking({ url: server.url }, () => undefined) as Redis;
  const disconnect = () => {
    for (const connection of connections) connection.disconnect();
    connections = [];
  };
  beforeAll(async () => {
    server = await startRedis();
    own = open();
  });
  beforeEach(async () => {
    await own.flushall();
  });
  afterEach(disconnect);
  afterAll(async () => {
    own.disconnect();
    await server.close();
  });
  return {
    get url() {
      return server.url;
    },
    connect: () => {
      const connection = open();
      connections.push(connection);
      return connection;
    },
    disconnect,
    kill: () => server.kill(),
    start: () => server.start(),
  };
}
