import { nearest, type ports, SourceError, wording } from '../../kit.ts';
import type { Context, KubernetesFacts, PodFacts, ReplicaState } from './facts.ts';
import { parseImageId } from './image-id.ts';
import type { NamespaceReader } from './namespace-reader.ts';
import type { FoundService, Target } from './targets.ts';
import { WorkloadTree } from './workload-tree.ts';

type Location = Extract<ports.ReplicaLocation, { readonly kind: 'kubernetes' }>;

/** One replica of a Service: a pod, its endpoint, or both. */
interface Member {
  readonly pod?: ports.Pod;
  readonly endpoint?: ports.Endpoint;
}

/** The pods behind a Service: its endpoints, and pods that it selects without an endpoint. */
export async function findPods(
  context: Context,
  reader: NamespaceReader,
  name: string,
  location: Location,
  container: string | undefined,
): Promise<FoundService | undefined> {
  const cluster = clusterOf(context, name, location);
  if (!cluster) return undefined;
  const { namespace, service: serviceName } = location;
  const { gap, note } = context;
  const [services, endpoints, pods, rollouts] = await Promise.all([
    reader.services(cluster, namespace),
    reader.endpoints(cluster, namespace, serviceName),
    reader.pods(cluster, namespace),
    reader.rollouts(cluster, namespace),
  ]);
  const unread = {
    services,
    [`endpoints of ${name}`]: endpoints,
    pods,
    'workloads and ReplicaSets': rollouts,
  };
  for (const [what, { error }] of Object.entries(unread))
    if (error) gap(`${cluster.name}: ${what} in ${namespace}`, error);
  const service = services.items.find((one) => one.name === serviceName);
  const isMissing = !service && !services.error;
  if (isMissing || service?.type === 'ExternalName') {
    const known = services.items.map((one) => one.name);
    const meant = nearest(serviceName, known);
    const problem = isMissing
      ? `there is no Service ${namespace}/${serviceName} in ${cluster.name}${meant === undefined ? '' : `; did you mean ${meant}?`}`
      : `Service ${namespace}/${serviceName} is of the type ExternalName, which has no replicas in the cluster`;
    gap(name, new SourceError(cluster.name, 'missing', problem));
    return undefined;
  }
  const selector = service?.selector ?? {};
  const members = membersOf(endpoints.items, pods.items, selector);
  const tree = new WorkloadTree(rollouts.items);
  const targets = members.map((member) =>
    toTarget(member, { service, location, container, tree, areEndpointsComplete: !endpoints.error }),
  );
  const ready = targets.filter(
    ({ pod, state }, at) =>
      pod && state === 'not-ready' && isPodReady(members[at]!) && !members[at]!.endpoint,
  );
  if (ready.length > 0 && !endpoints.error)
    note(
      `${wording.list(ready.map((one) => one.name))} of ${name} ${ready.length === 1 ? 'is' : 'are'} ready but in no EndpointSlice, so the Service doesn't use ${ready.length === 1 ? 'it' : 'them'}`,
    );
  const kubernetes: KubernetesFacts = {
    cluster: cluster.name,
    namespace,
    service: serviceName,
    ...(rollouts.error && { areWorkloadsUnread: true as const }),
    workloads: tree.workloadsOf(
      targets.flatMap(({ pod }) => pod?.workload ?? []),
      selector,
      (mains, uid) =>
        templateContainer(
          mains,
          container,
          targets.filter(({ pod }) => pod?.workload === uid),
        ),
    ),
  };
  return { targets, kubernetes };
}

function clusterOf({ read, gap }: Context, name: string, { cluster }: Location): ports.Cluster | undefined {
  const clusters = read.clusters ?? [];
  const found = cluster === undefined ? clusters : clusters.filter((one) => one.name === cluster);
  if (found.length === 1) return found[0];
  const problem =
    found.length > 1
      ? `several clusters are configured: set \`cluster\` to one of ${wording.list(clusters.map((one) => one.name))}`
      : cluster === undefined
        ? 'its replicas are in Kubernetes, but no cluster is configured'
        : `no cluster ${cluster} is configured`;
  gap(name, new SourceError(name, 'missing', problem));
  return undefined;
}

/** A pod with endpoints for IPv4 and IPv6 is one replica. Endpoints that are no pods are replicas too. */
function membersOf(
  endpoints: readonly ports.Endpoint[],
  pods: readonly ports.Pod[],
  selector: Readonly<Record<string, string>>,
): readonly Member[] {
  const byUid = new Map(pods.map((pod) => [pod.uid, pod]));
  const byName = new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  const members = new Map<string, Member>();
  for (const endpoint of endpoints) {
    const { pod: reference, addresses, ports: all } = endpoint;
    const named = reference && byName.get(`${reference.namespace}/${reference.name}`);
    const pod = reference?.uid === undefined ? named : byUid.get(reference.uid);
    // What isn't a pod may be several programs on one machine.
    const place = () => JSON.stringify([addresses, all.map(({ name, port }) => [name, port])]);
    const key = reference?.uid ?? pod?.uid ?? reference?.name ?? place();
    const known = members.get(key)?.endpoint;
    // Requests are sent to it as long as one of its endpoints gets them.
    if (
      !known ||
      (endpoint.isReady && !known.isReady) ||
      (isIpv4(endpoint) && !isIpv4(known) && endpoint.isReady === known.isReady)
    )
      members.set(key, { endpoint, ...(pod && { pod }) });
  }
  const hasEndpoint = new Set([...members.values()].map(({ pod }) => pod?.uid));
  const selected = Object.entries(selector);
  for (const pod of pods)
    if (
      selected.length > 0 &&
      !hasEndpoint.has(pod.uid) &&
      selected.every(([label, value]) => pod.labels[label] === value)
    )
      members.set(pod.uid, { pod });
  return [...members.values()].filter(({ pod }) => !pod || !ENDED.has(pod.phase));
}

const ENDED: ReadonlySet<string> = new Set(['Failed', 'Succeeded']);

function isIpv4({ addressType }: ports.Endpoint): boolean {
  return addressType === 'IPv4';
}

interface Known {
  readonly service: ports.ClusterService | undefined;
  readonly location: Location;
  readonly container: string | undefined;
  readonly tree: WorkloadTree;
  readonly areEndpointsComplete: boolean;
}

function toTarget(member: Member, known: Known): Target {
  const { pod, endpoint } = member;
  const state = stateOf(member, known);
  const name = pod?.name ?? endpoint?.pod?.name ?? endpoint?.addresses[0] ?? '';
  const node = pod?.node ?? endpoint?.node;
  const port = portOf(member, known);
  const host = endpoint?.addresses[0] ?? addressOf(pod);
  const running = pod && runningContainer(pod, known.container, port);
  const waiting = pod && waitingReason(pod, running);
  const base: Target = {
    name,
    state,
    ...(node !== undefined && { node }),
    ...(!pod && !endpoint?.pod && { isExternal: true as const }),
    ...(running && imageFacts(running)),
    ...(running && { container: running.name }),
    ...(pod && { pod: podFacts(pod, running, known.tree) }),
  };
  if (state === 'terminating') return { ...base, because: 'it is being deleted' };
  if (waiting !== undefined) return { ...base, waiting, because: `its container isn't running (${waiting})` };
  if (host === undefined) return { ...base, because: 'it has no address' };
  if (typeof port === 'string') return { ...base, because: port };
  return { ...base, ask: { host, port } };
}

function stateOf({ pod, endpoint }: Member, { areEndpointsComplete }: Known): ReplicaState {
  if (endpoint?.isTerminating === true || pod?.deletingSince) return 'terminating';
  if (endpoint) return endpoint.isReady ? 'serving' : 'not-ready';
  return !areEndpointsComplete && isPodReady({ ...(pod && { pod }) }) ? 'serving' : 'not-ready';
}

function isPodReady({ pod }: Member): boolean {
  return (
    pod?.phase === 'Running' &&
    pod.containers.every(({ kind, status }) => kind !== 'main' || status?.isReady === true)
  );
}

function addressOf(pod: ports.Pod | undefined): string | undefined {
  const addresses = pod?.addresses ?? [];
  return addresses.find((one) => !one.includes(':')) ?? addresses[0];
}

/** The port of the pod, or why it isn't known. A configured number needn't be a port of the Service, such as one for management. */
function portOf({ pod, endpoint }: Member, { location, service }: Known): number | string {
  const { port: wanted } = location;
  if (typeof wanted === 'number') return wanted;
  const own = (pod?.containers ?? []).flatMap(({ ports: all = [] }) => all);
  const ofSlice = endpoint?.ports ?? [];
  if (wanted !== undefined)
    return (
      own.find(({ name }) => name === wanted)?.port ??
      ofSlice.find(({ name }) => name === wanted)?.port ??
      `it has no port named ${wanted}`
    );
  const numbers = [
    ...new Set(ofSlice.flatMap(({ port, protocol = 'TCP' }) => (protocol === 'TCP' ? (port ?? []) : []))),
  ];
  const targets = (service?.ports ?? []).flatMap(({ targetPort, protocol }) =>
    protocol === 'TCP'
      ? typeof targetPort === 'number'
        ? [targetPort]
        : own.filter(({ name }) => name === targetPort).map(({ port }) => port)
      : [],
  );
  const all = numbers.length > 0 ? numbers : [...new Set(targets)];
  if (all.length === 1) return all[0]!;
  return all.length === 0
    ? 'its port is unknown'
    : `it has several ports (${wording.list(all.map(String))}): set \`port\``;
}

function runningContainer(
  { containers }: ports.Pod,
  name: string | undefined,
  port: number | string,
): ports.PodContainer | undefined {
  const mains = containers.filter(({ kind }) => kind === 'main');
  if (name !== undefined) return mains.find((one) => one.name === name);
  const withPort = mains.find(({ ports: own = [] }) => own.some((one) => one.port === port));
  return withPort ?? (mains.length === 1 ? mains[0] : undefined);
}

/** The container in a template that its pods are asked about. One that was injected into the pods isn't in the template. */
function templateContainer<T extends { readonly name: string }>(
  mains: readonly T[],
  name: string | undefined,
  own: readonly Target[],
): T | undefined {
  const names = new Set(name === undefined ? own.flatMap(({ container }) => container ?? []) : [name]);
  if (names.size > 0) return names.size === 1 ? mains.find((one) => names.has(one.name)) : undefined;
  return mains.length === 1 ? mains[0] : undefined;
}

/** Why the program doesn't run. undefined if it runs, or if the kubelet hasn't reported it: then it is asked. */
function waitingReason(pod: ports.Pod, main: ports.PodContainer | undefined): string | undefined {
  const all = pod.containers.filter(({ kind }) => kind === 'main');
  const stopped = main ?? all.find(({ status }) => status && status.state.kind !== 'running') ?? all[0];
  const { state } = stopped?.status ?? {};
  if (state?.kind === 'running') return undefined;
  const initial = pod.containers
    .filter(({ kind }) => kind === 'init')
    .map(({ status }) => status?.state)
    .find((one) => one?.kind === 'waiting' && one.reason !== 'PodInitializing');
  if (initial?.kind === 'waiting' && initial.reason !== undefined) return initial.reason;
  if (state?.kind === 'waiting') return state.reason ?? 'waiting';
  if (state?.kind === 'terminated') return state.reason ?? 'terminated';
  return pod.phase === 'Pending' ? 'Pending' : undefined;
}

function imageFacts({ image, status }: ports.PodContainer) {
  const imageId = parseImageId(status?.imageId ?? '');
  const { state } = status ?? {};
  const startedAt = state?.kind === 'running' ? state.startedAt : undefined;
  return {
    image,
    ...(imageId && { imageId }),
    ...(startedAt && { startedAt }),
  };
}

function podFacts(pod: ports.Pod, main: ports.PodContainer | undefined, tree: WorkloadTree): PodFacts {
  const { namespace, name, uid, createdAt, labels, controller } = pod;
  const template = tree.templateOf(pod, main);
  return {
    namespace,
    name,
    uid,
    labels,
    ...(createdAt && { createdAt }),
    ...(controller && { controller }),
    ...template,
    ...(tree.isReplaceable(pod, template) && { isReplaceable: true }),
  };
}
