import type { SourceRecorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import type { OpenStackConfig } from './config.ts';
import { checkCloudHealth } from './health-check.ts';
import { listNetworks, readDhcpAgents, readPorts } from './networks.ts';
import { openNeutron } from './neutron-api.ts';
import { openNova } from './nova-api.ts';
import { readCloudPermissions } from './permissions.ts';
import { withoutUnreadMembers } from './recordable.ts';
import { listServersOf, readServer } from './servers.ts';
import { openCloudSession } from './session.ts';
import { type CloudView, viewOf } from './view.ts';

/** One region of an OpenStack cloud. Opening it reads no files and sends no requests. It never changes anything. */
export function openOpenStack(config: OpenStackConfig, recorder?: SourceRecorder): Source {
  const { name } = config;
  const session = openCloudSession(config, recorder && withoutUnreadMembers(recorder));
  const nova = openNova(name, session);
  const neutron = openNeutron(name, session);
  const view = async (signal: AbortSignal): Promise<CloudView> => viewOf(config, await session.token(signal));
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
      },
    },
    permissions: async (signal) => {
      const token = await session.token(signal);
      return readCloudPermissions({ token, view: viewOf(config, token), nova, neutron, signal });
    },
    healthCheck: (signal) => checkCloudHealth({ config, session, nova, neutron, signal }),
    close: session.close,
  };
}
