import type { NovaApi } from './nova-api.ts';
import type { ServiceApi } from './service-api.ts';

/** The services of one cloud, with one credential. */
export interface CloudServices {
  readonly nova: NovaApi;
  readonly neutron: ServiceApi;
  readonly glance: ServiceApi;
}
