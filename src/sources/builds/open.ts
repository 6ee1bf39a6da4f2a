import type { Builds } from '../../ports/builds.ts';
import type { Source } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { openConnectionSlots } from '../../wire/connection-slots.ts';
import { openReplicaClient } from './ask-replica.ts';
import type { BuildsConfig } from './config.ts';
import { checkReplicasHealth } from './health-check.ts';
import type { ResolveName } from './lookup-allowed.ts';
import { toBuildService } from './to-service.ts';

/** How many replicas are asked at once. Those that don't respond delay no others, up to `mostSilent` of them. */
const SLOTS = { most: 64, mostSilent: 64, silentAfterMs: 1_000, idleAfterMs: 0 };

/** Services whose replicas say which build they run. Opening it reads no files and sends no requests. */
export function openBuilds(config: BuildsConfig, { resolve }: { resolve?: ResolveName } = {}): Source {
  const { name } = config;
  const slots = openConnectionSlots(SLOTS);
  const opened = config.services.map((service) => ({
    service,
    client: openReplicaClient({ service, config, resolve }),
  }));
  const clients = new Map(opened.map(({ service, client }) => [service.name, client]));
  const builds: Builds = {
    name,
    services: config.services.map(toBuildService),
    ask: async ({ service, ...replica }) => {
      const client = clients.get(service);
      if (!client) throw new SourceError(name, 'missing', `the service ${service} is not configured`);
      const slot = await slots.take(replica.signal);
      try {
        return await client.ask(replica);
      } finally {
        slot.release();
      }
    },
  };
  return {
    name,
    kind: 'builds',
    reads: { builds },
    healthCheck: (signal) => checkReplicasHealth(opened, signal),
    close: async () => {
      await Promise.all(opened.map(({ client }) => client.close()));
    },
  };
}
