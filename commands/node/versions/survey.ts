import type { ClusterState, NodeState } from './cluster-state.ts';
import { imageVersion, versionScheme } from './image-version.ts';
import { compareVersions, isPretendedKubelet, type KubeVersion, parseKubeVersion } from './kube-version.ts';
import type { ApiServerRange } from './skew.ts';
import { type ControlPlaneProgram, type ProgramPod, SYSTEM_NAMESPACE } from './workloads.ts';

/** The components of one cluster and their versions. */
export interface Survey {
  readonly state: ClusterState;
  readonly apiServers: readonly ApiServer[];
  /** Of the API servers that are serving; undefined if none of their versions is known. */
  readonly range?: ApiServerRange;
  /** Whether these are all API servers that run as pods. */
  readonly areApiServersComplete: boolean;
  /** Of the requested nodes. */
  readonly kubelets: readonly Kubelet[];
  readonly controllers: readonly Controller[];
  readonly proxies: readonly Proxy[];
  /** The names of virtual nodes, which have no real kubelet. */
  readonly virtual: readonly string[];
  /** Pods of programs with their own version scheme. */
  readonly unnumbered: readonly { readonly pod: string; readonly image: string }[];
  readonly unreadable: readonly Unreadable[];
}

export interface ApiServer {
  readonly version: KubeVersion;
  /** Its pod; absent if only its response is known, which may come from any API server behind a load balancer. */
  readonly pod?: string;
  readonly node?: string;
  /** false if its node is not ready: it may be down. */
  readonly isServing: boolean;
}

export interface Kubelet {
  readonly node: NodeState;
  readonly version: KubeVersion;
  /** The API server on the same node. */
  readonly local?: ApiServer;
}

export interface Controller {
  readonly program: Exclude<ControlPlaneProgram, 'kube-apiserver'>;
  readonly pod: string;
  readonly version: KubeVersion;
  /** Whether its version only resembles that of Kubernetes, so that too large a difference is not certainly a violation. */
  readonly isReleasedSeparately: boolean;
  /** The API server on the same node, which it uses. */
  readonly local?: ApiServer;
}

/** A version of kube-proxy that a DaemonSet or static pods run. */
export interface Proxy {
  /** The DaemonSet, `kube-system/kube-proxy`; undefined for static pods. */
  readonly daemonSet?: string;
  readonly version: KubeVersion;
  readonly image: string;
  /** Its pods and their nodes. Empty if only the template of the DaemonSet is known. */
  readonly pods: readonly { readonly name: string; readonly node?: string }[];
  /** Whether the template of the DaemonSet has a different image now, but these pods have not been replaced yet. */
  readonly isOutdated: boolean;
}

/** A version that is missing or cannot be parsed. */
export interface Unreadable {
  /** `kubelet version`, `image tag`. */
  readonly what: string;
  readonly targets: readonly string[];
  readonly because: string;
  readonly kind: 'malformed' | 'missing';
}

export function surveyOf(state: ClusterState): Survey {
  const { nodes, asked } = state;
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const isServing = ({ node = '' }: ProgramPod) => (byName.get(node)?.ready ?? 'yes') === 'yes';
  const servers = apiServersOf(state, isServing);
  const range = rangeOf(servers.known);
  const localOf = (node: string | undefined) =>
    node === undefined ? undefined : servers.known.find((one) => one.node === node);
  const wanted = asked ? nodes.filter(({ name }) => asked.has(name)) : nodes;
  const machines = wanted.filter((node) => !isVirtual(node));
  const kubelets = machines.flatMap((node) => {
    const version = parseKubeVersion(node.kubeletVersion ?? '');
    const local = localOf(node.name);
    return version ? [{ node, version, ...(local && { local }) }] : [];
  });
  const controllers = controllersOf(state, localOf);
  const proxies = proxiesOf(state);
  return {
    state,
    apiServers: servers.known,
    ...(range && { range }),
    areApiServersComplete: state.arePodsComplete && servers.unreadable.length === 0,
    kubelets,
    controllers: asked ? [] : controllers.known,
    proxies: asked ? [] : proxies.known,
    virtual: wanted.filter(isVirtual).map(({ name }) => name),
    unnumbered: asked ? [] : controllers.unnumbered,
    unreadable: [
      ...servers.unreadable,
      ...unreadableKubelets(machines),
      ...(asked ? [] : [...controllers.unreadable, ...proxies.unreadable]),
    ],
  };
}

/** The target of a node, a pod or a DaemonSet: `lab:ip-10-0-2-21`. */
export function targetIn({ name: cluster }: Pick<ClusterState, 'name'>, name: string): string {
  return `${cluster}:${name}`;
}

/** Whether the source or the kubelet version says that it is a virtual node. */
export function isVirtual({
  kind,
  kubeletVersion = '',
}: Pick<NodeState, 'kind' | 'kubeletVersion'>): boolean {
  return kind === 'virtual' || isPretendedKubelet(kubeletVersion);
}

function rangeOf(servers: readonly ApiServer[]): ApiServerRange | undefined {
  const serving = servers.filter(({ isServing }) => isServing);
  const versions = (serving.length > 0 ? serving : servers)
    .map(({ version }) => version)
    .toSorted(compareVersions);
  const [oldest] = versions;
  const newest = versions.at(-1);
  return oldest && newest && { oldest, newest };
}

/**
 * The API servers by their pods, and the one that responded if it is none of them. If all pods have the same image and its tag is not a
 * version, they have the version of the one that responded.
 */
function apiServersOf(
  { version: written, pods }: ClusterState,
  isServing: (pod: ProgramPod) => boolean,
): { readonly known: readonly ApiServer[]; readonly unreadable: readonly Unreadable[] } {
  const answered = written === undefined ? undefined : parseKubeVersion(written);
  const servers = pods.filter(({ program }) => program === 'kube-apiserver');
  const isOneImage = new Set(servers.map(({ image }) => image)).size === 1;
  const toServer = (pod: ProgramPod, version: KubeVersion): ApiServer => ({
    version,
    pod: podName(pod.name),
    ...(pod.node !== undefined && { node: pod.node }),
    isServing: isServing(pod),
  });
  const known = servers.flatMap((pod) => {
    const version = imageVersion('kube-apiserver', pod.image) ?? (isOneImage ? answered : undefined);
    return version ? [toServer(pod, version)] : [];
  });
  const isAnswerNew = answered && known.every(({ version }) => version.minor !== answered.minor);
  const invalid =
    written !== undefined && answered === undefined
      ? [
          {
            what: 'version',
            targets: ['the API server'],
            because: `${written} is not a Kubernetes version`,
            kind: 'malformed' as const,
          },
        ]
      : [];
  const unread = servers.filter((pod) => !known.some((one) => one.pod === podName(pod.name)));
  return {
    known: [...known, ...(isAnswerNew ? [{ version: answered, isServing: true }] : [])],
    unreadable: [...invalid, ...unreadableImages(unread.map(withNamespace))],
  };
}

function unreadableKubelets(nodes: readonly NodeState[]): readonly Unreadable[] {
  const unread = nodes.filter(({ kubeletVersion = '' }) => parseKubeVersion(kubeletVersion) === undefined);
  const byVersion = Map.groupBy(unread, ({ kubeletVersion = '' }) => kubeletVersion.trim());
  return [...byVersion].map(([raw, some]) => ({
    what: 'kubelet version',
    targets: some.map(({ name }) => name),
    because: raw === '' ? 'no kubelet version is reported' : `${raw} is not a Kubernetes version`,
    kind: raw === '' ? 'missing' : 'malformed',
  }));
}

function controllersOf(
  { pods }: ClusterState,
  localOf: (node: string | undefined) => ApiServer | undefined,
): {
  readonly known: readonly Controller[];
  readonly unnumbered: Survey['unnumbered'];
  readonly unreadable: readonly Unreadable[];
} {
  const all = pods.flatMap(({ program, ...pod }) =>
    program === 'kube-apiserver' || program === 'kube-proxy' ? [] : [{ program, ...pod }],
  );
  const isUnnumbered = ({ program, image }: ProgramPod) => versionScheme(program, image) === 'own';
  const numbered = all.filter((one) => !isUnnumbered(one));
  const known = numbered.flatMap(({ program, name, node, image }) => {
    const version = imageVersion(program, image);
    const local = localOf(node);
    const isReleasedSeparately = versionScheme(program, image) === 'similar';
    return version
      ? [{ program, pod: podName(name), version, isReleasedSeparately, ...(local && { local }) }]
      : [];
  });
  return {
    known,
    unnumbered: all.filter(isUnnumbered).map(({ name, image }) => ({ pod: podName(name), image })),
    unreadable: unreadableImages(
      numbered.filter(({ program, image }) => imageVersion(program, image) === undefined).map(withNamespace),
    ),
  };
}

/** For a DaemonSet both the images of its pods and that of its template: a rollout may be in progress, or wait for pods to be deleted. */
function proxiesOf({ pods, proxies }: ClusterState): {
  readonly known: readonly Proxy[];
  readonly unreadable: readonly Unreadable[];
} {
  const running = pods
    .filter(({ program }) => program === 'kube-proxy')
    .map(({ name, daemonSet, ...pod }) => ({
      ...pod,
      name: podName(name),
      ...(daemonSet !== undefined && { daemonSet: podName(daemonSet) }),
    }));
  const templates = proxies.map(({ namespace, name, image }) => ({ name: `${namespace}/${name}`, image }));
  const templateOf = new Map(templates.map(({ name, image }) => [name, image]));
  const groups = Map.groupBy(running, ({ daemonSet, image }) => JSON.stringify([daemonSet, image]));
  const ofPods = [...groups.values()].flatMap((some) => {
    const [first] = some;
    const version = first && imageVersion('kube-proxy', first.image);
    if (!version) return [];
    const { daemonSet = '', image } = first;
    return [
      {
        ...(daemonSet !== '' && { daemonSet }),
        version,
        image,
        pods: some.map(({ name, node }) => ({ name, ...(node !== undefined && { node }) })),
        isOutdated: (templateOf.get(daemonSet) ?? image) !== image,
      },
    ];
  });
  const unstarted = templates.filter(
    ({ name, image }) => !running.some((pod) => pod.daemonSet === name && pod.image === image),
  );
  const ofTemplates = unstarted.flatMap(({ name, image }) => {
    const version = imageVersion('kube-proxy', image);
    return version ? [{ daemonSet: name, version, image, pods: [], isOutdated: false }] : [];
  });
  // Pods with the image of their DaemonSet are reported as the DaemonSet, once.
  const unread = [
    ...running.map(({ name, daemonSet = '', image }) => ({
      name: templateOf.get(daemonSet) === image ? daemonSet : name,
      image,
    })),
    ...unstarted,
  ].filter(({ image }) => imageVersion('kube-proxy', image) === undefined);
  return { known: [...ofPods, ...ofTemplates], unreadable: unreadableImages(unread) };
}

/** One per image. The names include namespaces. */
function unreadableImages(
  some: readonly { readonly name: string; readonly image: string }[],
): readonly Unreadable[] {
  return [...Map.groupBy(some, ({ image }) => image)].map(([image, all]) => ({
    what: 'version',
    targets: [...new Set(all.map(({ name }) => name))],
    because: image === '' ? 'it has no image' : `image ${image} does not show its Kubernetes version`,
    kind: 'malformed',
  }));
}

function withNamespace<T extends { readonly name: string }>(pod: T): T {
  return { ...pod, name: podName(pod.name) };
}

function podName(name: string): string {
  return `${SYSTEM_NAMESPACE}/${name}`;
}
