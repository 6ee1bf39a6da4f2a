import { readFileSync } from 'node:fs';
import type { Catalogue } from '../catalogue.ts';
import { parseArguments } from '../check/arguments.ts';
import type { Config, ProcessSettings } from '../config.ts';
import type { RedisSettings } from '../queue/connection.ts';
import type { CheckJob } from '../queue/contracts.ts';
import { startLocalRedis } from '../queue/local-redis.ts';
import { questionIdOf } from '../queue/queues.ts';
import { type Log, makeLog } from '../telemetry/log.ts';
import { makeMetrics, type Metrics } from '../telemetry/metrics.ts';

/** What every role of one process shares. */
export interface Shared {
  readonly settings: ProcessSettings;
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly redis: RedisSettings;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A running role. */
export interface Role {
  readonly readiness: Readonly<Record<string, () => Promise<true | string> | true | string>>;
  /** Finishes or hands back what it is doing, then lets go of everything. */
  readonly close: () => Promise<void>;
}

export function share(
  settings: ProcessSettings,
  config: Config,
  catalogue: Catalogue,
  redis: RedisSettings,
): Shared {
  const log = makeLog({ level: settings.logLevel, secrets: [...settings.secrets, ...config.secrets] });
  return { settings, config, catalogue, redis, log, metrics: makeMetrics() };
}

/** Where Redis is by configuration; undefined where there is none and a private one is to be started. */
export function configuredRedis({ redisUrl }: ProcessSettings, { redis }: Config): RedisSettings | undefined {
  if (redis === undefined) return redisUrl === undefined ? undefined : { url: redisUrl };
  const { tls, username, password } = redis;
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && {
      tls: {
        ...(tls.ca !== undefined && { ca: readFileSync(tls.ca, 'utf8') }),
        ...(tls.servername !== undefined && { servername: tls.servername }),
      },
    }),
    ...('cluster' in redis
      ? { cluster: redis.cluster }
      : {
          sentinel: {
            name: redis.name,
            nodes: redis.sentinels,
            ...(redis.sentinelPassword !== undefined && { password: redis.sentinelPassword }),
          },
        }),
  };
}

/** The configured Redis, or a private one that lives as long as this process. */
export async function findRedis(
  settings: ProcessSettings,
  config: Config,
  onError: (error: Error) => void,
): Promise<{ readonly redis: RedisSettings; readonly close: () => Promise<void> }> {
  const redis = configuredRedis(settings, config);
  if (redis) return { redis, close: async () => undefined };
  const { url, close } = await startLocalRedis(settings.dataPath, onError);
  return { redis: { url }, close };
}

/** Two askers ask the same where the check reads their arguments the same: `30d` is `720h`. */
export function questionOf({ checks }: Catalogue): (job: CheckJob) => string {
  return ({ check: name, environment, args }) => {
    const check = checks.get(name);
    return questionIdOf(name, environment, check ? parseArguments(check, args) : args);
  };
}
