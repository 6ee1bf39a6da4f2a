import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import type { MonitConfig } from './config.ts';
import { openMonitClient } from './client.ts';
import { readDeployment } from './instances.ts';
import { checkMonitHealth } from './health-check.ts';
import { restartProcess } from './restart.ts';

/** The monits of some machines, read as one deployment with the name of the source. Opening it sends no requests. */
export function openMonit(config: MonitConfig, recorder?: SourceRecorder): Source {
  const client = openMonitClient(config, recorder);
  return {
    name: config.name,
    kind: 'monit',
    reads: {
      processes: {
        name: config.name,
        supervisor: 'host',
        deployments: async (options) => [await readDeployment(config, client, options)],
      },
    },
    ...(config.allow.restart && {
      writes: {
        processes: {
          restart: (target, applyContext) => restartProcess(config, client, target, applyContext),
        },
      },
    }),
    healthCheck: (signal) => checkMonitHealth(config, client, signal),
    close: client.close,
  };
}
