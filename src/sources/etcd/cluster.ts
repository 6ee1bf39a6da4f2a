import type { SourceRecorder } from '../../ports/recorder.ts';
import type { EtcdConfig } from './config.ts';
import { type EndpointClients, openEndpointClients } from './endpoint-client.ts';
import { type Authorization, openAuthorization } from './authorization.ts';

/** One configured cluster: its endpoints and the credentials for them. */
export interface EtcdCluster {
  readonly name: string;
  readonly config: EtcdConfig;
  readonly clients: EndpointClients;
  readonly authorization: Authorization;
}

export function openCluster(config: EtcdConfig, recorder?: SourceRecorder): EtcdCluster {
  return {
    name: config.name,
    config,
    clients: openEndpointClients(config, recorder),
    authorization: openAuthorization(config),
  };
}
