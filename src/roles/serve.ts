import { loadCatalogue } from '../catalogue.ts';
import { readConfig, readEnvironment } from '../config.ts';
import { serveHealth } from '../telemetry/health.ts';
import { findRedis, type Role, share } from './common.ts';
import { MissingSettings } from './missing-settings.ts';

export type RoleName = 'bot' | 'worker' | 'all';

export interface Serving {
  /** Where `/healthz`, `/readyz` and `/metrics` are. */
  readonly healthPort: number;
  readonly port?: number;
  readonly close: () => Promise<void>;
}

/** Starts one role, or both in one process. Each loads only its own half of the house. */
export async function serve(name: RoleName): Promise<Serving> {
  const settings = readEnvironment();
  const catalogue = await loadCatalogue();
  const checks = catalogue.checks;
  const config = readConfig(settings.configPath, undefined, {
    sources: name === 'bot' ? 'withheld' : 'read',
    checks,
  });
  if (name !== 'all' && !settings.redisUrl && !config.redis)
    throw new MissingSettings(`a ${name} on its own needs a Redis that the others can reach: set REDIS_URL`);
  const found = await findRedis(settings, config, (error) =>
    shared.log.warn({ err: error }, 'private Redis'),
  );
  const shared = share(settings, config, catalogue, found.redis);
  const roles: (Role & { readonly port?: number })[] = [];
  const close = async () => {
    for (const role of roles) await role.close();
    await found.close();
  };
  try {
    if (name !== 'bot') roles.push(await (await import('./worker.ts')).startWorker(shared));
    if (name !== 'worker') roles.push(await (await import('./bot.ts')).startBot(shared));
    const health = await serveHealth({
      port: settings.healthPort,
      readiness: Object.assign({}, ...roles.map(({ readiness }) => readiness)) as Role['readiness'],
      metrics: shared.metrics,
      refresh: async () => {
        for (const { queue, state, jobs } of (await roles[0]?.depth()) ?? [])
          shared.metrics.queueDepth.set({ queue, state }, jobs);
      },
    });
    const port = roles.find((role) => role.port !== undefined)?.port;
    return {
      healthPort: health.port,
      ...(port !== undefined && { port }),
      close: async () => {
        await health.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
