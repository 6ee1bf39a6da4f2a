import type { Catalogue } from '../request/catalogue.ts';
import { readArguments } from '../check/arguments.ts';
import { makeRedact, type Redact } from '../text/redact.ts';
import type { Config, ProcessSettings } from '../config/read-config.ts';
import { startLocalRedis } from '../queue/local-redis.ts';
import type { Queues } from '../queue/queues.ts';
import type { RedisSettings } from '../queue/redis-settings.ts';
import type { DigestDefinition } from '../store/digests/digest-state.ts';
import type { Policy } from '../store/remediation/policy.ts';
import { type Log, makeLog } from '../telemetry/log.ts';
import type { Readiness } from '../telemetry/health.ts';
import { makeMetrics, type Metrics } from '../telemetry/metrics.ts';

/** What every role of one process shares. */
export interface Shared {
  readonly settings: ProcessSettings;
  readonly config: Config;
  readonly catalogue: Catalogue;
  readonly redis: RedisSettings;
  /** Redacts every secret of this process. All output passes through it. */
  readonly redact: Redact;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A running role. */
export interface Role {
  readonly readiness: Readiness;
  /** The number of jobs in each queue, while Redis is reachable. */
  readonly depth: Queues['depth'];
  /** Finishes or requeues running work, then closes all connections. `graceMs` limits the time to finish. */
  readonly close: (graceMs?: number) => Promise<void>;
}

export function prepareShared(
  settings: ProcessSettings,
  config: Config,
  catalogue: Catalogue,
  redis: RedisSettings,
): Shared {
  const secrets = [...settings.secrets, ...config.secrets];
  const log = makeLog({ level: settings.logLevel, secrets });
  return { settings, config, catalogue, redis, redact: makeRedact(secrets), log, metrics: makeMetrics() };
}

/** The Redis in the configuration; undefined if there is none and a private one must be started. */
export function configuredRedis({ redisUrl }: ProcessSettings, { redis }: Config): RedisSettings | undefined {
  return redis ?? (redisUrl === undefined ? undefined : { url: redisUrl });
}

/** The configured Redis, or a private one that runs as long as this process. */
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

/** The configuration of remediations and roles. */
export function policyOf({ remediations, roles }: Pick<Config, 'remediations' | 'roles'>): Policy {
  return { ...remediations, roles };
}

/** The digests of the configuration, with default arguments and environments filled in. */
export function digestDefinitionsOf(
  { digests, checks, defaultEnvironment }: Pick<Config, 'digests' | 'checks' | 'defaultEnvironment'>,
  catalogue: Catalogue,
): readonly DigestDefinition[] {
  return Object.entries(digests).map(([name, { cron, timeZone, channel, quiet, checks: asked }]) => ({
    name,
    cron,
    timeZone,
    channel,
    isQuiet: quiet,
    questions: asked.flatMap(({ check: named, environments, args }) => {
      const check = catalogue.checks.get(named);
      const flags = new Map(Object.entries(args));
      const written = check ? readArguments(check, { bare: [], flags }, checks[named]) : args;
      const where = environments ?? (defaultEnvironment === undefined ? [] : [defaultEnvironment]);
      return where.map((environment) => ({ check: named, environment, args: written }));
    }),
  }));
}
