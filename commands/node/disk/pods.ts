import type { ports } from '../../kit.ts';

/** What the pods of one node have to do with its disks: counters and candidates, never the pods. */
export interface NodePods {
  /** Pods that the kubelet ended because the node was short of disk, and that are still listed. */
  readonly evicted: number;
  /** Pods that it did not let start for the same reason. */
  readonly refused: number;
  /** Pods that make containers or images of which Kubernetes does not know, the most likely first. */
  readonly builders: readonly Builder[];
  /** How many there are. */
  readonly builderCount: number;
}

/** A pod that builds or runs containers by itself. */
export interface Builder {
  readonly pod: string;
  /** `outer`: with the node's own engine, so what it leaves stays on the node. `inner`: with an engine of its own. */
  readonly kind: 'outer' | 'inner';
  /** Of `outer` the path that it mounts. */
  readonly path?: string;
  /** Whether that path only contains the socket of an engine, and is mounted for other reasons as well. */
  readonly isIndirect?: true;
  /** Where an engine of its own keeps its data: `PersistentVolumeClaim dind-cache`. */
  readonly keeps?: string;
  /** The name of that claim. */
  readonly claim?: string;
  /** Whether what it keeps is missing in what the kubelet counts for the pod. */
  readonly isUncounted: boolean;
  /** 0 is the most likely. */
  readonly rank: number;
}

const KEPT = 4;

/** https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/eviction/helpers.go, and `nodefs` and `imagefs` until 1.9. */
const EVICTED =
  /The node was low on resource: (?:nodefs|imagefs|containerfs|ephemeral-storage|inodes|storage)/;
const REFUSED = /The node (?:had condition|was low on resource): \[[^\]]*DiskPressure/;

/** Sockets through which a pod starts containers that Kubernetes does not own. */
const ENGINE_SOCKETS = /\/(?:docker|podman)\.sock$|\bdocker_engine$/;
const RUNTIME_SOCKETS = /\/(?:containerd|crio)\.sock$/;
/** Folders that hold such a socket, mounted for many other reasons as well. */
const SOCKET_FOLDERS: ReadonlySet<string> = new Set([
  '/',
  '/run',
  '/var/run',
  '/run/containerd',
  '/run/podman',
  '/run/crio',
]);

/** `docker:28-dind`, `registry.example.com:5000/docker:dind@sha256:…`; and `moby/buildkit`. */
const ENGINE_IMAGE = /(?:^|\/)docker:[^@]*dind|(?:^|\/)[\w.-]*dind(?:[:@]|$)|(?:^|\/)buildkit(?:[:@]|$)/;
/** `docker:28` and `docker@sha256:…` start an engine too: https://hub.docker.com/_/docker */
const DOCKER_IMAGE = /(?:^|\/)docker(?::(?![^@]*cli)[^@]*)?(?:@|$)/;
const ENGINE_COMMAND = /\b(?:dockerd|buildkitd)\b/;
const DATA_FOLDER =
  /\/(?:var\/lib\/(?:docker|buildkit|containers|containerd|rancher(?:\/k3s)?)|\.local\/share\/(?:docker|containers))$/;
/** The same folders of the node, which agents mount in order to read them. */
const NODE_FOLDER =
  /^(?:\/|\/var(?:\/lib(?:\/(?:docker|buildkit|containers|containerd|rancher|kubelet).*)?)?)$/;
const LOCAL_HOST = /^tcp:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::|\/|$)/;

/** By what runs builds in pods labels them: Jenkins, GitLab, GitHub, Tekton, Buildkite. */
const BUILD_LABEL =
  /^(?:jenkins$|jenkins\/|job\.runner\.gitlab\.com\/|actions\.github\.com\/|tekton\.dev\/|buildkite\.com\/)/;

/** Collects the pods of one node, one by one. */
export class NodePodCollector {
  #evicted = 0;
  #refused = 0;
  #builderCount = 0;
  readonly #builders: Builder[] = [];

  add(pod: ports.Pod): void {
    if (pod.phase === 'Failed' && pod.reason === 'Evicted') {
      if (EVICTED.test(pod.message ?? '')) this.#evicted += 1;
      else if (REFUSED.test(pod.message ?? '')) this.#refused += 1;
    }
    const builder = builderOf(pod);
    if (!builder) return;
    this.#builderCount += 1;
    this.#builders.push(builder);
    if (this.#builders.length <= KEPT) return;
    const kept = this.#builders.toSorted(compareBuilders).slice(0, KEPT);
    this.#builders.splice(0, this.#builders.length, ...kept);
  }

  /** undefined where no pod has to do with a disk. */
  result(): NodePods | undefined {
    if (this.#evicted + this.#refused + this.#builderCount === 0) return undefined;
    return {
      evicted: this.#evicted,
      refused: this.#refused,
      builders: this.#builders.toSorted(compareBuilders),
      builderCount: this.#builderCount,
    };
  }
}

function compareBuilders(a: Builder, b: Builder): number {
  return a.rank - b.rank || (a.pod < b.pod ? -1 : 1);
}

function builderOf(pod: ports.Pod): Builder | undefined {
  return innerEngine(pod) ?? outerEngine(pod);
}

function innerEngine(pod: ports.Pod): Builder | undefined {
  const engine = pod.containers.find((container) => isEngine(container, pod));
  if (!engine) return undefined;
  const volume = dataVolume(engine, pod);
  const isUncounted = volume !== undefined && volume.emptyDir === undefined;
  // What is in the pod vanishes with it.
  const isOver = pod.phase === 'Succeeded' || pod.phase === 'Failed';
  if (isOver && !isUncounted) return undefined;
  return {
    pod: `${pod.namespace}/${pod.name}`,
    kind: 'inner',
    keeps: keptIn(volume),
    ...(volume?.claim !== undefined && { claim: volume.claim }),
    isUncounted,
    rank: isUncounted ? 0 : 2,
  };
}

/** What a container has where an engine keeps its data. */
function dataVolume({ mounts }: ports.PodContainer, { volumes }: ports.Pod): ports.PodVolume | undefined {
  const mount = mounts.find(({ path }) => DATA_FOLDER.test(trim(path)));
  return volumes.find(({ name }) => name === mount?.volume);
}

/** By its command; by its image, which with a command of its own is used as a client only; and under any image by where it keeps its data, or by who uses it. */
function isEngine(container: ports.PodContainer, pod: ports.Pod): boolean {
  const { image, command, privileged } = container;
  const asked = command.join(' ');
  if (ENGINE_COMMAND.test(asked)) return true;
  const isDefault = asked === '' || asked.startsWith('-');
  if (ENGINE_IMAGE.test(image) && isDefault) return true;
  if (!privileged) return false;
  const volume = dataVolume(container, pod);
  const keepsData = volume !== undefined && !NODE_FOLDER.test(trim(volume.hostPath ?? 'none'));
  const isUsed = pod.containers.some(
    (other) => other !== container && LOCAL_HOST.test(other.dockerHost ?? ''),
  );
  return isDefault ? DOCKER_IMAGE.test(image) || keepsData || isUsed : keepsData;
}

function keptIn(volume: ports.PodVolume | undefined): string {
  if (volume?.claim !== undefined) return `PersistentVolumeClaim ${volume.claim}`;
  if (volume?.hostPath !== undefined) return `${volume.hostPath} of the node`;
  return volume ? `volume ${volume.name}` : 'the writable layer of its container';
}

function outerEngine({
  namespace,
  name,
  volumes,
  labels,
  controller,
  isMirror,
}: ports.Pod): Builder | undefined {
  const paths = volumes.flatMap(({ hostPath }) => (hostPath === undefined ? [] : [trim(hostPath)]));
  const isSystem = controller?.kind === 'DaemonSet' || isMirror;
  const engine = paths.find((path) => ENGINE_SOCKETS.test(path));
  // Agents that watch a node mount these on every node.
  const runtime = isSystem ? undefined : paths.find((path) => RUNTIME_SOCKETS.test(path));
  const folder = isSystem ? undefined : paths.find((path) => SOCKET_FOLDERS.has(path));
  const path = engine ?? runtime ?? folder;
  if (path === undefined) return undefined;
  const isBuild = Object.keys(labels).some((label) => BUILD_LABEL.test(label));
  return {
    pod: `${namespace}/${name}`,
    kind: 'outer',
    path,
    ...(path === folder && { isIndirect: true as const }),
    isUncounted: true,
    // What watches the containers of a node makes none.
    rank: engine === undefined ? (isBuild ? 1 : 3) : isSystem ? 2 : 0,
  };
}

/** Without what the kubelet measures on a disk of its own (`ci/agent cache`): that cannot fill a disk of the node. */
export function withoutOtherDisks(pods: NodePods, claims: readonly string[]): NodePods {
  const builders = pods.builders.map((builder): Builder =>
    builder.claim !== undefined && claims.includes(`${builder.pod} ${builder.claim}`)
      ? { ...builder, keeps: `${builder.keeps}, a disk of its own`, isUncounted: false, rank: 2 }
      : builder,
  );
  return { ...pods, builders: builders.toSorted(compareBuilders) };
}

function trim(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}
