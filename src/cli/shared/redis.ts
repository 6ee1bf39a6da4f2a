import type { Redact } from '../../text/redact.ts';
import { makeRedact } from '../../text/redact.ts';
import { type Config, type ProcessSettings, readConfig, readEnvironment } from '../../config/read-config.ts';
import { connectFailFast, type RedisConnection, waitUntilReady } from '../../queue/connection.ts';
import { findLocalRedis } from '../../queue/local-redis.ts';
import { configuredRedis } from '../../app/shared.ts';

/** The connection to Redis of one command at a terminal. */
export interface RedisSession {
  readonly connection: RedisConnection;
  readonly redact: Redact;
  readonly config: Config;
  readonly settings: ProcessSettings;
}

class RedisUnreachable extends Error {
  override readonly name = 'RedisUnreachable';
}

const CONNECT_WITHIN_MS = 5_000;

/** The exit code if Redis or a file couldn't be read: the result is unknown. */
export const EXIT_NOT_READ = 2;

/**
 * Runs `work` with the configured Redis, or with the private one of a Wrench that runs in this folder. `settings` defaults
 * to those of the process.
 * @returns what `work` returns, or {@link EXIT_NOT_READ} if Redis is unreachable; the reason is printed with `error`.
 * @throws {ConfigError}
 */
export async function withRedis(
  error: (text: string) => void,
  work: (session: RedisSession) => Promise<number>,
  settings: ProcessSettings = readEnvironment(),
): Promise<number> {
  const config = readConfig(settings.configPath, undefined, { sources: 'skip' });
  const redact = makeRedact([...settings.secrets, ...config.secrets]);
  const redis = configuredRedis(settings, config) ?? (await findLocalRedis(settings.dataPath));
  if (!redis) {
    error("wrench: No Redis: REDIS_URL isn't set, and Wrench isn't running in this folder\n");
    return EXIT_NOT_READ;
  }
  let last: Error | undefined;
  const connection = connectFailFast(redis, (failure) => (last = failure));
  try {
    await waitUntilReady(connection, CONNECT_WITHIN_MS);
    if (connection.status !== 'ready')
      throw new RedisUnreachable(last?.message ?? 'no connection within 5 s');
    return await work({ connection, redact, config, settings });
  } catch (caught) {
    if (!isRedisError(caught)) throw caught;
    error(`wrench: Couldn't reach Redis: ${redact(last?.message ?? caught.message)}\n`);
    return EXIT_NOT_READ;
  } finally {
    connection.disconnect();
  }
}

/** Errors of ioredis and Redis. Any other error is a bug. */
function isRedisError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (/^(RedisUnreachable|ReplyError|MaxRetriesPerRequestError|AbortError)$/.test(error.name) ||
      /Connection is closed|writeable|ECONN|EPIPE/.test(error.message))
  );
}
