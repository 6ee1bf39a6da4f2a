import type { TestCluster } from './api-server.ts';
import { isReady, runController } from './deployment-controller.ts';
import type { ApiObject } from './resources.ts';
import { endpointSliceObject } from './services.ts';

interface ServiceSpec {
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly name?: string;
    readonly port: number;
    readonly targetPort?: number | string;
  }[];
}

interface PodPort {
  readonly name?: string;
  readonly containerPort: number;
}

/** Keeps one EndpointSlice for each Service with a selector, with all of its pods that have an address. */
export function startEndpointController(cluster: TestCluster): void {
  runController(cluster, ['services', 'pods'], () => {
    for (const service of cluster.list('services')) update(cluster, service);
  });
}

function update(cluster: TestCluster, service: ApiObject): void {
  const { selector, ports = [] } = service['spec'] as ServiceSpec;
  const { name, namespace = 'default' } = service.metadata;
  if (!selector) return;
  const pods = cluster
    .list('pods')
    .filter(
      (pod) =>
        pod.metadata.namespace === namespace &&
        Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value),
    );
  const endpoints = pods.flatMap(endpointIn);
  const slice = endpointSliceObject(`${name}-slice`, {
    namespace,
    service: name,
    endpoints,
    ports: ports.map(({ name: portName = '', port, targetPort = port }) => ({
      name: portName,
      protocol: 'TCP',
      port: typeof targetPort === 'number' ? targetPort : portNamed(pods, targetPort),
    })),
  });
  const before = cluster.find('endpointslices', slice.metadata.name, namespace);
  if (JSON.stringify(before?.['endpoints']) === JSON.stringify(endpoints)) return;
  cluster.save('endpointslices', before ? { ...slice, metadata: before.metadata } : slice);
}

function endpointIn(pod: ApiObject): readonly object[] {
  const { podIP, phase } = (pod['status'] ?? {}) as { readonly podIP?: string; readonly phase?: string };
  if (podIP === undefined || phase === 'Failed' || phase === 'Succeeded') return [];
  const { name, namespace, uid, deletionTimestamp } = pod.metadata;
  const serving = isReady(pod);
  const terminating = deletionTimestamp !== undefined;
  return [
    {
      addresses: [podIP],
      conditions: { ready: serving && !terminating, serving, terminating },
      nodeName: (pod['spec'] as { readonly nodeName?: string }).nodeName,
      targetRef: { kind: 'Pod', namespace, name, uid },
    },
  ];
}

function portNamed(pods: readonly ApiObject[], wanted: string): number | undefined {
  return pods
    .flatMap(
      ({ spec }) =>
        (spec as { readonly containers: readonly { readonly ports?: readonly PodPort[] }[] }).containers,
    )
    .flatMap(({ ports = [] }) => ports)
    .find(({ name }) => name === wanted)?.containerPort;
}
