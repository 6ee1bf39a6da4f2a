import { loadCatalogue } from '../request/catalogue.ts';
import { readConfig, readEnvironment } from '../config/read-config.ts';
import { type HealthServer, serveHealth } from '../telemetry/health.ts';
import { findRedis, type Role, prepareShared } from './shared.ts';
import type { ErrorHandlerDeps } from './process-error-handlers.ts';
import { MissingSettings } from './missing-settings.ts';

export type RoleName = 'bot' | 'worker' | 'all';

interface Serving {
  /** Later calls wait for the first. */
  readonly close: (graceMs?: number) => Promise<void>;
}

/**
 * Starts one role, or both in one process. Each loads only its own modules.
 * Calls `installErrorHandlers` before anything can receive a request.
 */
export async function serve(
  name: RoleName,
  installErrorHandlers: (deps: ErrorHandlerDeps) => void,
): Promise<Serving> {
  const settings = readEnvironment();
  const catalogue = await loadCatalogue();
  const checks = catalogue.checks;
  const config = readConfig(settings.configPath, undefined, {
    sources: name === 'bot' ? 'skip' : 'read',
    checks,
  });
  if (name !== 'all' && !settings.redisUrl && !config.redis)
    throw new MissingSettings(
      `REDIS_URL isn't set. Bots and workers that run as separate processes need a shared Redis.`,
    );
  const found = await findRedis(settings, config, (error) =>
    shared.log.warn({ event: 'private-redis-failed', err: error }, 'Private Redis failed'),
  );
  const shared = prepareShared(settings, config, catalogue, found.redis);
  const roles: Role[] = [];
  let health: HealthServer | undefined;
  let closing: Promise<void> | undefined;
  const closeAll = async (graceMs: number) => {
    const until = Date.now() + graceMs;
    await health?.close();
    for (const role of roles) await role.close(Math.max(0, until - Date.now()));
    await found.close();
  };
  const close = (graceMs = Infinity) => (closing ??= closeAll(graceMs));
  installErrorHandlers({ log: shared.log, metrics: shared.metrics, close });
  try {
    if (name !== 'bot') roles.push(await (await import('./worker.ts')).startWorker(shared));
    if (name !== 'worker') roles.push(await (await import('./bot.ts')).startBot(shared));
    health = await serveHealth({
      port: settings.healthPort,
      host: settings.healthHost,
      readiness: Object.assign({}, ...roles.map(({ readiness }) => readiness)) as Role['readiness'],
      metrics: shared.metrics,
      log: shared.log,
      refresh: async () => {
        for (const { queue, state, jobs } of (await roles[0]?.depth()) ?? [])
          shared.metrics.queueDepth.set({ queue, state }, jobs);
      },
    });
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}
