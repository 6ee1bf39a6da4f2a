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
  /**
   * Where nothing is mounted, although an engine in the pod stores its data there. The runtime mounts an anonymous volume there if the image
   * declares one (`VOLUME`), which the kubelet does not count: https://github.com/kubernetes/kubernetes/issues/120149
   */
  readonly unmounted?: string;
  /** Whether the pod has ended. */
  readonly isOver?: true;
  /** The name of that claim, if it is one. */
  readonly claim?: string;
  /** Whether the kubelet does not count that data for the pod. */
  readonly isUncounted: boolean;
  /** 0 is the most likely. */
  readonly rank: number;
}

const KEPT = 4;
const RANKS = 4;

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
const ENGINE_IMAGE =
  /(?:^|\/)docker:[^@]*dind|(?:^|\/)[\w.-]*dind(?:-rootless)?(?:[:@]|$)|(?:^|\/)buildkit(?:[:@]|$)/;
/** `quay.io/podman/stable`: an engine without a daemon, so any command may use it. */
const DAEMONLESS_IMAGE = /(?:^|\/)(?:podman|buildah)(?:\/(?:stable|testing|upstream|immutable))?(?:[:@]|$)/;
/** `docker:28` and `docker@sha256:…` start an engine too: https://hub.docker.com/_/docker */
const DOCKER_IMAGE = /(?:^|\/)docker(?::(?![^@]*cli)[^@]*)?(?:@|$)/;
const ENGINE_COMMAND = /\b(?:dockerd|buildkitd)\b/;
const DATA_FOLDER =
  /\/(?:var\/lib\/(?:docker|buildkit|containers|containerd|rancher(?:\/k3s)?)|\.local\/share\/(?:docker|buildkit|containers))$/;
/** The same folders on the node, which agents mount to read them. */
const NODE_FOLDER =
  /^(?:\/|\/var(?:\/lib(?:\/(?:docker|buildkit|containers|containerd|rancher|kubelet).*)?)?)$/;
/**
 * Where the engines of well-known images store their data, which these images declare as a `VOLUME`:
 * https://github.com/docker-library/docker, https://github.com/moby/buildkit/blob/master/Dockerfile, https://github.com/containers/image_build
 */
const ENGINE_STORES: readonly {
  readonly image: RegExp;
  /** Mounts that replace that volume. */
  readonly mounts: RegExp;
  readonly folder: string;
}[] = [
  {
    image: DAEMONLESS_IMAGE,
    mounts: /^\/var\/lib\/containers(?:\/storage)?$|\/\.local\/share\/containers(?:\/storage)?$/,
    folder: '/var/lib/containers',
  },
  {
    image: /(?:^|\/)buildkit:[^@]*rootless/,
    mounts: /\/\.local\/share\/buildkit$/,
    folder: '/home/user/.local/share/buildkit',
  },
  { image: /(?:^|\/)buildkit(?:[:@]|$)/, mounts: /^\/var\/lib\/buildkit$/, folder: '/var/lib/buildkit' },
  {
    image: /(?:^|\/)(?:docker:|[\w.-]*dind)[^@]*rootless/,
    mounts: /\/\.local\/share\/docker$/,
    folder: '/home/rootless/.local/share/docker',
  },
];
/** As https://hub.docker.com/_/docker, which most images with an engine are based on. */
const DOCKER_STORE = { mounts: /^\/var\/lib\/docker$/, folder: '/var/lib/docker' };
/** `dockerd --data-root=/cache`, `buildkitd --root /cache` */
const CONFIGURED_STORE = /--(?:data-root|graph|root)[= ]["']?(\/[^\s'";&]+)/;
const LOCAL_HOST = /^tcp:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::|\/|$)/;

/** Labels of pods that run builds: Jenkins, GitLab, GitHub, Tekton, Buildkite. */
const BUILD_LABEL =
  /^(?:jenkins$|jenkins\/|job\.runner\.gitlab\.com\/|actions\.github\.com\/|tekton\.dev\/|buildkite\.com\/)/;

/** Whether it starts its containers with Docker or Podman on the node, of which an engine source shows what is left over. */
export function usesEngine({ kind, path }: Builder): boolean {
  return kind === 'outer' && path !== undefined && ENGINE_SOCKETS.test(path);
}

/** Summarizes the pods of one node without keeping them. */
export class NodePodCollector {
  #evicted = 0;
  #refused = 0;
  #builderCount = 0;
  /** By rank, because ranks may change once the node is known. */
  readonly #builders: (readonly Builder[])[] = Array.from({ length: RANKS }, () => []);

  add(pod: ports.Pod): void {
    if (pod.phase === 'Failed' && pod.reason === 'Evicted') {
      if (EVICTED.test(pod.message ?? '')) this.#evicted += 1;
      else if (REFUSED.test(pod.message ?? '')) this.#refused += 1;
    }
    const builder = builderOf(pod);
    if (!builder) return;
    this.#builderCount += 1;
    const kept = this.#builders[builder.rank] ?? [];
    this.#builders[builder.rank] = [...kept, builder].toSorted(compareBuilders).slice(0, KEPT);
  }

  /** undefined if no pod matters for the disks of this node. */
  result(node: Node = {}): NodePods | undefined {
    if (this.#evicted + this.#refused + this.#builderCount === 0) return undefined;
    return {
      evicted: this.#evicted,
      refused: this.#refused,
      builders: this.#builders
        .flat()
        .map((builder) => onNode(builder, node))
        .toSorted(compareBuilders)
        .slice(0, KEPT),
      builderCount: this.#builderCount,
    };
  }
}

interface Node {
  /** As {@link ports.ClusterNode.containerRuntime}. */
  readonly containerRuntime?: string;
  /** PersistentVolumeClaims that are on other disks, as `ci/agent cache`. */
  readonly claimsElsewhere?: readonly string[];
}

/** Takes into account what is known about the node only after its pods were listed. */
function onNode(builder: Builder, { containerRuntime = '', claimsElsewhere = [] }: Node): Builder {
  const { pod, path, claim, keeps } = builder;
  if (claim !== undefined && claimsElsewhere.includes(`${pod} ${claim}`))
    return { ...builder, keeps: `${keeps}, which is on another disk`, isUncounted: false, rank: 2 };
  // A folder in the writable layer: https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md (`image_volumes`)
  if (builder.unmounted !== undefined && containerRuntime.startsWith('cri-o://')) {
    const { unmounted: _, ...known } = builder;
    return { ...known, keeps: 'the writable layer of its container', isUncounted: false, rank: 2 };
  }
  const reachesDocker = containerRuntime.startsWith('docker://') && (path === '/run' || path === '/var/run');
  return builder.isIndirect && reachesDocker ? { ...builder, rank: 0 } : builder;
}

/** The most likely first: a socket before a folder that contains it, and pods that run before those that have ended. */
function compareBuilders(a: Builder, b: Builder): number {
  return (
    a.rank - b.rank ||
    Number(a.isIndirect ?? false) - Number(b.isIndirect ?? false) ||
    Number(a.isOver ?? false) - Number(b.isOver ?? false) ||
    (a.pod < b.pod ? -1 : 1)
  );
}

/** Those that are as likely as the most likely one to have data that the kubelet does not count. */
export function suspectsOf(pods: NodePods | undefined): readonly Builder[] {
  const all = (pods?.builders ?? []).filter(({ rank, isUncounted }) => rank <= 1 && isUncounted);
  const [first] = all;
  return all.filter(
    ({ rank, isIndirect, isOver }) =>
      rank === first?.rank && isIndirect === first.isIndirect && isOver === first.isOver,
  );
}

function isOverNow({ phase }: ports.Pod): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function builderOf(pod: ports.Pod): Builder | undefined {
  return innerEngine(pod) ?? outerEngine(pod);
}

function innerEngine(pod: ports.Pod): Builder | undefined {
  const engine = pod.containers.find((container) => isEngine(container, pod));
  if (!engine) return undefined;
  const { volume, keeps, unmounted, isDeclared = false } = storeOf(engine, pod);
  const isUncounted = volume?.emptyDir === undefined;
  const isOver = isOverNow(pod);
  // An emptyDir is deleted when its pod ends, a container and its anonymous volumes with the pod.
  if (isOver && !isUncounted) return undefined;
  return {
    pod: `${pod.namespace}/${pod.name}`,
    kind: 'inner',
    keeps,
    ...(unmounted !== undefined && { unmounted }),
    ...(volume?.claim !== undefined && { claim: volume.claim }),
    ...(isOver && { isOver: true as const }),
    isUncounted,
    rank: !isUncounted ? 2 : volume || (isDeclared && !isOver) ? 0 : 1,
  };
}

interface Store {
  readonly volume?: ports.PodVolume;
  readonly keeps: string;
  readonly unmounted?: string;
  /** Whether the image is known to declare a volume there. */
  readonly isDeclared?: boolean;
}

/** Where an engine stores its data. */
function storeOf(engine: ports.PodContainer, pod: ports.Pod): Store {
  const { image, command } = engine;
  const asked = command.join(' ');
  const known =
    ENGINE_STORES.find((one) => one.image.test(image)) ??
    (ENGINE_IMAGE.test(image) || DOCKER_IMAGE.test(image) ? DOCKER_STORE : undefined);
  const configured = CONFIGURED_STORE.exec(asked)?.[1];
  const usual = asked.includes('buildkitd') ? '/var/lib/buildkit' : DOCKER_STORE.folder;
  const folder = trim(configured ?? known?.folder ?? usual);
  const isDeclared = known !== undefined && isIn(folder, known.folder);
  const mounts = engine.mounts.map(({ volume, path }) => ({ volume, path: trim(path) }));
  const exact = mounts.find(({ path }) =>
    configured === undefined ? (known?.mounts ?? DATA_FOLDER).test(path) : path === folder,
  );
  const [above] = mounts
    .filter(({ path }) => isIn(folder, path))
    .toSorted((a, b) => b.path.length - a.path.length);
  const volumeOf = (mount: typeof exact) => pod.volumes.find(({ name }) => name === mount?.volume);
  // Only a mount at the very path replaces an anonymous volume:
  // https://github.com/containerd/containerd/blob/main/internal/cri/server/container_create.go (`volumeMounts`)
  const volume = volumeOf(exact) ?? (isDeclared ? undefined : volumeOf(above));
  if (volume) return { volume, keeps: nameOfVolume(volume) };
  if (!isDeclared)
    return { keeps: `its writable layer or an anonymous volume at ${folder}`, unmounted: folder };
  const other = volumeOf(above);
  const not = other ? ` (${nameOfVolume(other)} at ${above?.path} does not replace it)` : '';
  return { keeps: `an anonymous volume at ${folder}${not}`, unmounted: folder, isDeclared };
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/** The volume that a container mounts where an engine stores its data. */
function dataVolume({ mounts }: ports.PodContainer, { volumes }: ports.Pod): ports.PodVolume | undefined {
  const mount = mounts.find(({ path }) => DATA_FOLDER.test(trim(path)));
  return volumes.find(({ name }) => name === mount?.volume);
}

/**
 * Recognized by its command; by its image, unless another command makes it a client; or, with any image, by where it stores its data or by
 * what connects to it.
 */
function isEngine(container: ports.PodContainer, pod: ports.Pod): boolean {
  const { image, command, privileged } = container;
  const asked = command.join(' ');
  if (ENGINE_COMMAND.test(asked) || DAEMONLESS_IMAGE.test(image)) return true;
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

function nameOfVolume({ name, claim, hostPath }: ports.PodVolume): string {
  if (claim !== undefined) return `PersistentVolumeClaim ${claim}`;
  return hostPath === undefined ? `volume ${name}` : `${hostPath} of the node`;
}

function outerEngine(pod: ports.Pod): Builder | undefined {
  const { namespace, name, volumes, labels, controller, isMirror } = pod;
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
    ...(isOverNow(pod) && { isOver: true as const }),
    isUncounted: true,
    // Monitoring agents create no containers.
    rank: engine === undefined ? (isBuild ? 1 : 3) : isSystem ? 2 : 0,
  };
}

function trim(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}
