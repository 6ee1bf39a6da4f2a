import type { EtcdConfig } from './config.ts';
import { type Contacts, openContacts } from './endpoint-client.ts';
import { type Authorization, openAuthorization } from './authorization.ts';

/** One configured cluster: whom to ask, and as whom. */
export interface Cluster {
  readonly name: string;
  readonly config: EtcdConfig;
  readonly contacts: Contacts;
  readonly authorization: Authorization;
}

export function openCluster(config: EtcdConfig): Cluster {
  return {
    name: config.name,
    config,
    contacts: openContacts(config),
    authorization: openAuthorization(config),
  };
}
