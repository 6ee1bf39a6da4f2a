import type { ProcessSettings } from '../../src/config/read-config.ts';
import { type Role, type Shared, prepareShared } from '../../src/app/shared.ts';
import { serveHealth } from '../../src/telemetry/health.ts';
import { makeFakeCatalogue } from './fake-system.ts';
import { moveClock } from './move-clock.ts';
import { configOf, type Started, type RoleOptions } from './role-options.ts';
import { watchSteps } from './steps.ts';

/** Starts one role as a process of a fleet, with its health port, and reports both ports to its parent. */
export async function serveRole(
  program: 'worker' | 'bot',
  start: (shared: Shared) => Promise<Role & { readonly port?: number }>,
  secrets: Partial<ProcessSettings> = {},
): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '') as RoleOptions;
  const { redisUrl, slackApiUrl, system, clockAheadMs } = options;
  moveClock(clockAheadMs);
  watchSteps(system.folder, program);
  const settings: ProcessSettings = {
    slackApiUrl,
    port: 0,
    healthPort: 0,
    healthHost: '127.0.0.1',
    configPath: '',
    dataPath: system.folder,
    logLevel: 'info',
    secrets: [],
    ...secrets,
  };
  const shared = prepareShared(settings, configOf(options), makeFakeCatalogue(system), { url: redisUrl });
  const role = await start(shared);
  const health = await serveHealth({
    port: 0,
    host: settings.healthHost,
    readiness: role.readiness,
    metrics: shared.metrics,
    log: shared.log,
  });
  const started: Started = {
    healthPort: health.port,
    ...(role.port !== undefined && { port: role.port }),
  };
  process.send?.(started);
  // The parent is gone, so this process stops too.
  process.once('disconnect', () => process.exit());
}
