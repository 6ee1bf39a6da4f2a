import type { Endpoint } from '../../ports/clusters.ts';
import type { ReadOptions } from '../../ports/read-options.ts';
import { SourceError } from '../../ports/source-error.ts';
import type { ClusterConnection } from './connection.ts';
import { listPages } from './list-pages.ts';
import { requireName } from './object-name.ts';
import type { AccessRule } from './permissions.ts';
import { toEndpoints } from './to-service.ts';

const LIST_SLICES: AccessRule = { verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices' };
/** https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#ownership */
const SERVICE_NAME = 'kubernetes.io/service-name';
/** v1 exists since 1.21, and v1beta1 until 1.24: https://kubernetes.io/docs/reference/using-api/deprecation-guide/#endpointslice-v125 */
const VERSIONS = ['v1', 'v1beta1'] as const;
/** A slice has up to 1,000 endpoints. */
const SLICES_PER_PAGE = 100;

/** The endpoints of a Service, from all of its slices. */
export async function* readEndpoints(
  source: string,
  connection: ClusterConnection,
  { namespace, service, ...options }: ReadOptions & { readonly namespace: string; readonly service: string },
): AsyncGenerator<readonly Endpoint[]> {
  requireName(source, 'namespace', namespace);
  requireName(source, 'name of a Service', service);
  const slices = (version: (typeof VERSIONS)[number]) =>
    listPages({
      connection,
      rule: LIST_SLICES,
      items: 'endpointslices',
      kind: 'EndpointSliceList',
      pageSize: SLICES_PER_PAGE,
      make: ({ custom }, { limit, continueToken }) =>
        custom.listNamespacedCustomObject(
          'discovery.k8s.io',
          version,
          namespace,
          'endpointslices',
          undefined,
          undefined,
          continueToken,
          undefined,
          `${SERVICE_NAME}=${service}`,
          limit,
        ),
      map: (slice) => {
        const endpoints = toEndpoints(slice);
        if (endpoints) return endpoints;
        throw new SourceError(source, 'malformed', `an EndpointSlice of ${namespace}/${service} has no list`);
      },
      ...options,
    });
  let hasAnswered = false;
  try {
    for await (const page of slices('v1')) {
      hasAnswered = true;
      yield page.flat();
    }
    return;
  } catch (error) {
    if (!(error instanceof SourceError) || error.kind !== 'missing' || hasAnswered) throw error;
  }
  for await (const page of slices('v1beta1')) yield page.flat();
}
