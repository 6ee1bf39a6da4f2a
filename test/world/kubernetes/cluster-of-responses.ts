import type { ClusterOptions } from './api-server.ts';
import { type ApiObject, type ObjectPath, parseObjectPath, type Plural } from './resources.ts';
import type { ApiAnswer } from './status.ts';

/**
 * A cluster with the objects that an API server returned, by request: `GET /api/v1/namespaces/shop/services` and the body of its response. Any other status
 * than 200 is `{"status":403,"body":…}`, and is returned again. What isn't in the responses doesn't exist; Argo Rollouts and cert-manager are installed only if
 * there is a response about them.
 */
export function clusterOfResponses(responses: Readonly<Record<string, unknown>>): ClusterOptions {
  const objects = new Map<Plural, Map<string, ApiObject>>();
  const failed = new Map<string, ApiAnswer>();
  let endpointSliceVersion: ClusterOptions['endpointSliceVersion'];
  for (const [request, response] of Object.entries(responses)) {
    const { pathname } = new URL(request.replace(/^\w+ /, ''), 'https://kubernetes');
    const named = parseObjectPath(pathname);
    const failure = failureIn(response);
    if (failure) failed.set(decodeURIComponent(pathname), failure);
    if (!named || failure) continue;
    const { plural } = named.resource;
    if (named.resource.version === 'v1beta1') endpointSliceVersion = 'v1beta1';
    const known = objects.get(plural) ?? new Map<string, ApiObject>();
    objects.set(plural, known);
    for (const object of objectsIn(named, response))
      known.set(`${object.metadata.namespace ?? ''}/${object.metadata.name}`, object);
  }
  return {
    ...Object.fromEntries([...objects].map(([plural, known]) => [plural, [...known.values()]])),
    ...(endpointSliceVersion && { endpointSliceVersion }),
    answer: ({ method, path }) => (method === 'GET' ? failed.get(decodeURIComponent(path)) : undefined),
  };
}

function failureIn(response: unknown): ApiAnswer | undefined {
  const { status, body } = Object(response) as { readonly status?: unknown; readonly body?: unknown };
  return typeof status === 'number' && status !== 200 ? { status, body } : undefined;
}

/** The items of a list, or a single object. Their namespace may be only in the request. */
function objectsIn({ name, namespace }: ObjectPath, response: unknown): readonly ApiObject[] {
  const whole = Object(response) as { readonly status?: unknown; readonly body?: unknown };
  const body = typeof whole.status === 'number' ? whole.body : response;
  const { items } = Object(body) as { readonly items?: unknown };
  const all = name === undefined ? (Array.isArray(items) ? items : []) : [body];
  return (all as readonly ApiObject[]).map((object) => ({
    ...object,
    metadata: { ...(namespace !== undefined && { namespace }), ...object.metadata },
  }));
}
