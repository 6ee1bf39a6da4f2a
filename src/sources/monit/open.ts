import type { Source } from '../../ports/source.ts';
import type { MonitConfig } from './config.ts';
import { openContact } from './client.ts';
import { readDeployment } from './instances.ts';
import { reachMonit } from './health-check.ts';
import { restartProcess } from './restart.ts';

/** The monits of some machines, read as one deployment that is called as the source. Opening asks nothing yet. */
export function openMonit(config: MonitConfig): Source {
  const contact = openContact(config);
  return {
    name: config.name,
    kind: 'monit',
    processes: {
      name: config.name,
      kind: 'monit',
      deployments: async ({ signal }) => [await readDeployment(config, contact, signal)],
    },
    ...(config.restart.length > 0 && {
      writes: {
        processes: { restart: (target, order) => restartProcess(config, contact, target, order) },
      },
    }),
    healthCheck: (signal) => reachMonit(config, contact, signal),
    close: contact.close,
  };
}
