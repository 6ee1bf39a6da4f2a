import type { Redact } from '../../text/redact.ts';
import { makeRedact } from '../../text/redact.ts';
import { type Config, type ProcessSettings, readConfig, readEnvironment } from '../../config/read-config.ts';
import { connectImpatiently, type RedisConnection, waitUntilReady } from '../../queue/connection.ts';
import { findLocalRedis } from '../../queue/local-redis.ts';
import { configuredRedis } from '../../app/shared.ts';

/** Redis, as a command at a shell asks it once. */
export interface Reached {
  readonly connection: RedisConnection;
  readonly redact: Redact;
  readonly config: Config;
  readonly settings: ProcessSettings;
}

/** Redis is not there, or does not answer; the message says which. */
class NotReached extends Error {
  override readonly name = 'NotReached';
}

const WITHIN_MS = 5_000;

/** How a shell learns that Redis, or a file, could not be read: what was asked for is not known. */
export const NOT_READ = 2;

/**
 * Does something with the Redis of the configuration, or with the private one of a Wrench that runs in this folder.
 * @returns what `work` returns, or {@link NOT_READ} where Redis could not be asked; `error` is told why.
 * @throws {ConfigError}
 */
export async function withRedis(
  error: (text: string) => void,
  work: (reached: Reached) => Promise<number>,
): Promise<number> {
  const settings = readEnvironment();
  const config = readConfig(settings.configPath, undefined, { sources: 'withheld' });
  const redact = makeRedact([...settings.secrets, ...config.secrets]);
  const redis = configuredRedis(settings, config) ?? (await findLocalRedis(settings.dataPath));
  if (!redis) {
    error('wrench: nothing is running here and no REDIS_URL is set\n');
    return NOT_READ;
  }
  let last: Error | undefined;
  const connection = connectImpatiently(redis, (met) => (last = met));
  try {
    await waitUntilReady(connection, WITHIN_MS);
    if (connection.status !== 'ready') throw new NotReached(last?.message ?? 'no connection in 5 s');
    return await work({ connection, redact, config, settings });
  } catch (met) {
    if (!isOfRedis(met)) throw met;
    error(`wrench: Redis does not answer: ${redact(last?.message ?? met.message)}\n`);
    return NOT_READ;
  } finally {
    connection.disconnect();
  }
}

/** What ioredis and Redis itself say. A bug of ours stays one. */
function isOfRedis(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (/^(NotReached|ReplyError|MaxRetriesPerRequestError|AbortError)$/.test(error.name) ||
      /Connection is closed|writeable|ECONN|EPIPE/.test(error.message))
  );
}
