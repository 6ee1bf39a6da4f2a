import type { ports } from '../../kit.ts';

/** How the pods of one node affect its disks: counters and candidates, not the pods themselves. */
export interface NodePods {
  /** Pods that the kubelet evicted because the node was short of disk, and that are still listed. */
  readonly evicted: number;
  /** Pods that it refused to start for the same reason. */
  readonly refused: number;
  /** Pods that create containers or images unknown to Kubernetes, the most likely first. */
  readonly builders: readonly Builder[];
  /** How many there are in total. */
  readonly builderCount: number;
}

/** A pod that builds or runs containers itself. */
export interface Builder {
  readonly pod: string;
  /** `outer`: with the engine of the node, so what it leaves stays on the node. `inner`: with an engine in the pod. */
  readonly kind: 'outer' | 'inner';
  /** The path that an `outer` one mounts. */
  readonly path?: string;
  /** Whether that path is a folder that contains the socket of an engine, and is mounted for other reasons as well. */
  readonly isIndirect?: true;
  /** Where an engine in the pod stores its data: `PersistentVolumeClaim dind-cache`. */
  readonly keeps?: string;
  /** The name of that claim, if it is one. */
  readonly claim?: string;
  /** Whether the kubelet does not count that data for the pod. */
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
/** Folders that contain such a socket, and are mounted for many other reasons. */
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
/** The same folders on the node, which agents mount to read them. */
const NODE_FOLDER =
  /^(?:\/|\/var(?:\/lib(?:\/(?:docker|buildkit|containers|containerd|rancher|kubelet).*)?)?)$/;
const LOCAL_HOST = /^tcp:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::|\/|$)/;

/** Labels of pods that run builds: Jenkins, GitLab, GitHub, Tekton, Buildkite. */
const BUILD_LABEL =
  /^(?:jenkins$|jenkins\/|job\.runner\.gitlab\.com\/|actions\.github\.com\/|tekton\.dev\/|buildkite\.com\/)/;

/** Summarizes the pods of one node without keeping them. */
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

  /** undefined if no pod matters for the disks. */
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
  // Data in the pod is deleted with it.
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

/** The volume that a container mounts where an engine stores its data. */
function dataVolume({ mounts }: ports.PodContainer, { volumes }: ports.Pod): ports.PodVolume | undefined {
  const mount = mounts.find(({ path }) => DATA_FOLDER.test(trim(path)));
  return volumes.find(({ name }) => name === mount?.volume);
}

/** Recognized by its command; by its image, unless another command makes it a client; or, with any image, by where it stores its data or by who connects to it. */
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
  // Monitoring agents mount these on every node.
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
    // Monitoring agents create no containers.
    rank: engine === undefined ? (isBuild ? 1 : 3) : isSystem ? 2 : 0,
  };
}

/** Takes into account that these claims (`ci/agent cache`) are on other disks, so their data cannot fill a disk of the node. */
export function withoutOtherDisks(pods: NodePods, claims: readonly string[]): NodePods {
  const builders = pods.builders.map((builder): Builder =>
    builder.claim !== undefined && claims.includes(`${builder.pod} ${builder.claim}`)
      ? { ...builder, keeps: `${builder.keeps}, which is on another disk`, isUncounted: false, rank: 2 }
      : builder,
  );
  return { ...pods, builders: builders.toSorted(compareBuilders) };
}

function trim(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}
