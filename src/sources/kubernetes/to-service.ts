import type { ClusterService, Endpoint } from '../../ports/clusters.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { optionalText, textListIn, textsIn, wholeNumberIn } from './json-values.ts';

/** Maps a `Service` that has a name. */
export function toService(item: JsonObject): ClusterService {
  const metadata = asObject(item['metadata']);
  const spec = asObject(item['spec']);
  return {
    namespace: textIn(metadata, 'namespace') ?? '',
    name: textIn(metadata, 'name') ?? '',
    type: textIn(spec, 'type') ?? 'ClusterIP',
    selector: textsIn(spec, 'selector'),
    ports: listIn(spec, 'ports').flatMap((one) => {
      const port = wholeNumberIn(one, 'port');
      if (port === undefined) return [];
      // 0 is an absent number.
      const targetPort = textIn(one, 'targetPort') ?? (wholeNumberIn(one, 'targetPort') || port);
      return [{ ...optionalText('name', one), port, protocol: textIn(one, 'protocol') ?? 'TCP', targetPort }];
    }),
  };
}

/** Maps the endpoints of an `EndpointSlice` of v1 or v1beta1. Undefined if it has something else instead of a list. */
export function toEndpoints(slice: JsonObject): readonly Endpoint[] | undefined {
  const { endpoints, metadata } = slice;
  // Go encodes an empty list as `null`.
  if (endpoints === undefined || endpoints === null) return [];
  if (!Array.isArray(endpoints)) return undefined;
  const addressType = textIn(slice, 'addressType') ?? '';
  const namespace = textIn(asObject(metadata), 'namespace') ?? '';
  const ports = listIn(slice, 'ports').map((one) => {
    const port = wholeNumberIn(one, 'port');
    return {
      ...optionalText('name', one),
      ...(port !== undefined && { port }),
      ...optionalText('protocol', one),
    };
  });
  return (endpoints as readonly unknown[]).map(asObject).map((endpoint) => ({
    addressType,
    addresses: textListIn(endpoint, 'addresses'),
    ...conditionsIn(asObject(endpoint['conditions'])),
    ...nodeIn(endpoint),
    ...podIn(asObject(endpoint['targetRef']), namespace),
    ports,
  }));
}

/**
 * As kube-proxy reads them. Without `serving`, which clusters before 1.22 don't write, an endpoint serves if it is ready; one that is being deleted is never
 * ready, and serves: https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/proxy/endpointslicecache.go
 */
function conditionsIn({
  ready,
  serving,
  terminating,
}: JsonObject): Pick<Endpoint, 'isReady' | 'isServing' | 'isTerminating'> {
  const isReady = ready !== false;
  const isTerminating = terminating === true;
  return {
    isReady,
    isServing: typeof serving === 'boolean' ? serving : isReady || isTerminating,
    isTerminating,
  };
}

/** v1beta1 had it in `topology`. */
function nodeIn(endpoint: JsonObject): Pick<Endpoint, 'node'> {
  const node =
    textIn(endpoint, 'nodeName') ?? textIn(asObject(endpoint['topology']), 'kubernetes.io/hostname');
  return node === undefined ? {} : { node };
}

function podIn(target: JsonObject, namespace: string): Pick<Endpoint, 'pod'> {
  const name = textIn(target, 'name');
  if (target['kind'] !== 'Pod' || name === undefined) return {};
  return {
    pod: { namespace: textIn(target, 'namespace') ?? namespace, name, ...optionalText('uid', target) },
  };
}
