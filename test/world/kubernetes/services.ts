import { randomUUID } from 'node:crypto';
import type { ApiObject } from './resources.ts';

interface ServiceRequest {
  readonly namespace?: string;
  readonly type?: string;
  /** Default: `{ app: <name> }`. `null`: none. */
  readonly selector?: Readonly<Record<string, string>> | null;
  readonly ports?: readonly object[];
}

export function serviceObject(name: string, request: ServiceRequest = {}): ApiObject {
  const { namespace = 'default', type = 'ClusterIP', selector = { app: name } } = request;
  const { ports = [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] } = request;
  return {
    metadata: { name, namespace, uid: randomUUID(), resourceVersion: '1' },
    spec: { type, clusterIP: '10.96.7.1', ...(selector && { selector }), ports },
    status: { loadBalancer: {} },
  };
}

interface EndpointSliceRequest {
  readonly namespace?: string;
  readonly service: string;
  readonly addressType?: string;
  readonly endpoints?: readonly object[] | null;
  readonly ports?: readonly object[] | null;
}

export function endpointSliceObject(name: string, request: EndpointSliceRequest): ApiObject {
  const { namespace = 'default', service, addressType = 'IPv4', endpoints = [] } = request;
  const { ports = [{ name: 'http', protocol: 'TCP', port: 8080 }] } = request;
  return {
    metadata: {
      name,
      namespace,
      uid: randomUUID(),
      resourceVersion: '1',
      labels: {
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
    },
    addressType,
    endpoints,
    ports,
  };
}

/** An endpoint of a pod, with the conditions of one that is ready. */
export function endpointOf(pod: string, address: string, conditions?: object): object {
  return {
    addresses: [address],
    conditions: conditions ?? { ready: true, serving: true, terminating: false },
    nodeName: 'node-a',
    targetRef: { kind: 'Pod', namespace: 'default', name: pod, uid: `uid-of-${pod}` },
  };
}
