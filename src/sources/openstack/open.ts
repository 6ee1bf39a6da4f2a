import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import type { OpenStackConfig } from './config.ts';
import { openGlance } from './glance-api.ts';
import { checkCloudHealth } from './health-check.ts';
import { readImage } from './images.ts';
import { listNetworks, readDhcpAgents, readPorts } from './networks.ts';
import { openNeutron } from './neutron-api.ts';
import { openNova } from './nova-api.ts';
import { readChangePermissions, readCloudPermissions } from './permissions.ts';
import { withoutUnreadMembers } from './recordable.ts';
import { listServersOf, readServer } from './servers.ts';
import { openServiceWriter } from './service-writer.ts';
import { readServices } from './services.ts';
import { openCloudSession } from './session.ts';
import { type CloudView, viewOf } from './view.ts';

/**
 * One region of an OpenStack cloud. Opening it reads no files and sends no requests. It changes only what `allow` permits, and uses a credential in
 * `allow` for nothing else.
 */
export function openOpenStack(config: OpenStackConfig, recorder?: SourceRecorder): Source {
  const { name } = config;
  const { disable } = config.allow;
  const session = openCloudSession(config, recorder && withoutUnreadMembers(recorder));
  const nova = openNova(name, session);
  const neutron = openNeutron(name, session);
  const glance = openGlance(name, session);
  const view = async (signal: AbortSignal): Promise<CloudView> => viewOf(config, await session.token(signal));
  const ownSession = disable?.auth && openCloudSession({ ...config, auth: disable.auth }, undefined);
  const changing = disable && {
    session: ownSession ?? session,
    nova: ownSession ? openNova(name, ownSession) : nova,
    isOwn: ownSession !== undefined,
  };
  return {
    name,
    kind: 'openstack',
    reads: {
      cloud: {
        name,
        networks: async function* (options) {
          yield* listNetworks(neutron, await view(options.signal), options);
        },
        ports: async (query) => readPorts(neutron, await view(query.signal), query),
        servers: async function* (query) {
          yield* listServersOf(nova, await view(query.signal), query);
        },
        server: async (query) => readServer(nova, await view(query.signal), query),
        dhcpAgents: async (options) => readDhcpAgents(neutron, await view(options.signal), options),
        services: (options) => readServices(nova, options),
        image: async (query) => readImage(glance, await view(query.signal), query),
        serviceChanges: disable
          ? { allowed: true }
          : { allowed: false, because: `\`allow.disable\` is not configured for the source ${name}` },
      },
    },
    ...(changing && { writes: { cloud: openServiceWriter(changing.nova) } }),
    permissions: async (signal) => {
      const token = await session.token(signal);
      const reading = await readCloudPermissions({
        token,
        view: viewOf(config, token),
        services: { nova, neutron, glance },
        mayChangeServices: changing?.isOwn === false,
        signal,
      });
      return changing ? [...reading, ...(await readChangePermissions({ ...changing, signal }))] : reading;
    },
    healthCheck: (signal) =>
      checkCloudHealth({
        config,
        session,
        changing: ownSession,
        services: { nova, neutron, glance },
        signal,
      }),
    close: async () => {
      await Promise.all([session.close(), ownSession?.close()]);
    },
  };
}
